//! `ListTurns`.

use latchkey_contract::router::v1::{ListTurnsRequest, ListTurnsResponse};

use super::{encode, named};
use crate::error::RouterError;
use crate::services::call::Call;
use crate::sessions::Sessions;

/// Bytes of turns on a page, unless a single one has more: what gRPC's clients take by default is
/// 4 MiB.
const PAGE_BYTES: u64 = 3 * 1024 * 1024;

pub(super) async fn handle(
    sessions: &Sessions,
    call: &Call,
    request: &ListTurnsRequest,
) -> Result<ListTurnsResponse, RouterError> {
    let name = named(call, "parent", &request.parent).await?;
    let mut page = call.page(request.page_size, &request.page_token, &[&request.parent])?;
    let after = page.after.as_deref().map_or(Ok(0), cursor)?;
    let session = sessions.find(&name).await?;
    let sizes = sessions.turn_sizes(&session, after, page.limit()).await?;
    page.size = page.size.min(fitting(&sizes));
    let mut numbers: Vec<u64> = (after + 1..).take(sizes.len()).collect();
    let next_page_token = page.finish(&mut numbers, ToString::to_string);
    let found = sessions
        .turns(&session, after, numbers.len() as u64)
        .await?;
    let turns = found.into_iter().map(|turn| encode::turn(&name, turn));
    Ok(ListTurnsResponse {
        turns: turns.collect(),
        next_page_token,
    })
}

/// How many of the first turns make a page.
fn fitting(sizes: &[u64]) -> u64 {
    let mut bytes: u64 = 0;
    let fit = sizes.iter().take_while(|size| {
        bytes = bytes.saturating_add(**size);
        bytes <= PAGE_BYTES
    });
    (fit.count() as u64).max(1)
}

fn cursor(text: &str) -> Result<u64, RouterError> {
    let number = text.parse::<u32>();
    let number =
        number.map_err(|_| RouterError::field("page_token", "is not a token of this list"));
    number.map(u64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_before_it_is_too_large_but_holds_a_turn() {
        assert_eq!(fitting(&[1, 2, 3]), 3);
        assert_eq!(fitting(&[PAGE_BYTES - 1, 1, 1]), 2);
        assert_eq!(fitting(&[PAGE_BYTES + 1, 1]), 1);
        assert_eq!(fitting(&[]), 1);
    }
}
