//! `ListAttempts`: lists attempts from the newest on.

use latchkey_contract::names::KeyName;
use latchkey_contract::router::v1::{ListAttemptsRequest, ListAttemptsResponse};
use uuid::Uuid;

use super::decode_time;
use super::selection::{Selection, select};
use crate::error::RouterError;
use crate::services::{UsageReader, call::Call, encode};
use crate::store::{AttemptFilter, Cursor};

pub(super) async fn handle(
    usage: &UsageReader,
    call: &Call,
    request: &ListAttemptsRequest,
) -> Result<ListAttemptsResponse, RouterError> {
    let Selection {
        workspace,
        project,
        requester,
    } = select(usage, call, &request.parent, &request.workspace_uid).await?;
    let key: Option<KeyName> = match request.key.as_str() {
        "" => None,
        text => Some(text.parse().map_err(RouterError::name("key"))?),
    };
    let filter = AttemptFilter {
        workspace,
        project,
        requester,
        start_time: decode_time("start_time", request.start_time.as_ref())?,
        end_time: decode_time("end_time", request.end_time.as_ref())?,
        key,
    };
    let micros = |time: Option<latchkey_clock::Timestamp>| {
        time.map(|time| time.as_micros().to_string())
            .unwrap_or_default()
    };
    let (start, end) = (micros(filter.start_time), micros(filter.end_time));
    let arguments = [
        request.parent.as_str(),
        &request.workspace_uid,
        &request.key,
        &start,
        &end,
    ];
    let page = call.page(request.page_size, &request.page_token, &arguments)?;
    let after = page.after.as_deref().map(cursor).transpose()?;

    usage.wait_shipped().await;
    let mut attempts = usage.store.attempts(&filter, after, page.limit()).await?;
    let next_page_token = page.finish(&mut attempts, |attempt| {
        format!(
            "{}/{}",
            attempt.start.start_time.as_micros(),
            attempt.start.id.0
        )
    });
    Ok(ListAttemptsResponse {
        attempts: attempts.iter().map(encode::attempt).collect(),
        next_page_token,
    })
}

fn cursor(text: &str) -> Result<Cursor, RouterError> {
    let parsed = text.split_once('/').and_then(|(time, id)| {
        Some(Cursor {
            start_time: time.parse().ok()?,
            id: Uuid::try_parse(id).ok()?,
        })
    });
    parsed.ok_or_else(|| RouterError::field("page_token", "is not a token of this list"))
}
