//! `ListTurns`: lists the opened turns of a transcript.

use latchkey_contract::router::v1::{ListTurnsRequest, ListTurnsResponse};

use super::{authorized_name, encode};
use crate::error::RouterError;
use crate::services::call::Call;
use crate::sessions::Sessions;

/// Bytes of turns on a page, unless a single turn has more. gRPC clients accept 4 MiB by default.
const MAX_PAGE_BYTES: u64 = 3 * 1024 * 1024;

pub(super) async fn handle(
    sessions: &Sessions,
    call: &Call,
    request: &ListTurnsRequest,
) -> Result<ListTurnsResponse, RouterError> {
    let name = authorized_name(call, "parent", &request.parent).await?;
    let mut page = call.page(request.page_size, &request.page_token, &[&request.parent])?;
    let after = page.after.as_deref().map_or(Ok(0), cursor)?;
    let session = sessions.find(&name).await?;
    let sizes = sessions.turn_sizes(&session, after, page.limit()).await?;
    page.size = page.size.min(fitting(&sizes));
    let mut numbers: Vec<u64> = (after + 1..).take(sizes.len()).collect();
    let next_page_token = page.finish(&mut numbers, ToString::to_string);
    let turns = sessions
        .turns(&session, after, numbers.len() as u64)
        .await?;
    Ok(ListTurnsResponse {
        turns: turns
            .into_iter()
            .map(|turn| encode::turn(&name, turn))
            .collect(),
        next_page_token,
    })
}

/// The number of the first turns that fit a page; at least 1.
fn fitting(sizes: &[u64]) -> u64 {
    let mut bytes: u64 = 0;
    let fit = sizes.iter().take_while(|size| {
        bytes = bytes.saturating_add(**size);
        bytes <= MAX_PAGE_BYTES
    });
    (fit.count() as u64).max(1)
}

fn cursor(text: &str) -> Result<u64, RouterError> {
    text.parse::<u32>()
        .map(u64::from)
        .map_err(|_| RouterError::field("page_token", "is not a token of this list"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_the_turns_that_fit_and_at_least_one() {
        assert_eq!(fitting(&[1, 2, 3]), 3);
        assert_eq!(fitting(&[MAX_PAGE_BYTES - 1, 1, 1]), 2);
        assert_eq!(fitting(&[MAX_PAGE_BYTES + 1, 1]), 1);
        assert_eq!(fitting(&[]), 1);
    }
}
