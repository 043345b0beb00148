//! `UsageService`, one file per method.

mod get_attempt;
mod list_attempts;
mod selection;
mod summarize_usage;

use std::sync::Arc;

use latchkey_clock::Timestamp;
use latchkey_contract::router::v1::usage_service_server::UsageService;
use latchkey_contract::router::v1::{
    Attempt, GetAttemptRequest, ListAttemptsRequest, ListAttemptsResponse, SummarizeUsageRequest,
    SummarizeUsageResponse,
};
use tonic::{Request, Response, Status, async_trait};

use super::UsageReader;
use super::call::Call;
use crate::error::RouterError;

/// The implementation of the service.
pub(super) struct Usage(pub(super) Arc<UsageReader>);

#[async_trait]
impl UsageService for Usage {
    async fn list_attempts(
        &self,
        request: Request<ListAttemptsRequest>,
    ) -> Result<Response<ListAttemptsResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let outcome = list_attempts::handle(&self.0, &call, &request).await;
        call.answer(outcome)
    }

    async fn get_attempt(
        &self,
        request: Request<GetAttemptRequest>,
    ) -> Result<Response<Attempt>, Status> {
        let (call, request) = Call::split(request)?;
        let outcome = get_attempt::handle(&self.0, &call, &request).await;
        call.answer(outcome)
    }

    async fn summarize_usage(
        &self,
        request: Request<SummarizeUsageRequest>,
    ) -> Result<Response<SummarizeUsageResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let outcome = summarize_usage::handle(&self.0, &call, &request).await;
        call.answer(outcome)
    }
}

/// Decodes an optional time.
fn decode_time(
    field: &'static str,
    time: Option<&prost_types::Timestamp>,
) -> Result<Option<Timestamp>, RouterError> {
    let Some(time) = time else { return Ok(None) };
    let nanos = u32::try_from(time.nanos).ok();
    let decoded = nanos.and_then(|nanos| Timestamp::from_unix(time.seconds, nanos));
    decoded
        .map(Some)
        .ok_or_else(|| RouterError::field(field, "is not a valid time"))
}
