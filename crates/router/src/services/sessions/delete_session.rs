//! `DeleteSession`.

use latchkey_contract::router::v1::{DeleteSessionRequest, DeleteSessionResponse};

use super::named;
use crate::error::RouterError;
use crate::services::call::Call;
use crate::sessions::Sessions;

pub(super) async fn handle(
    sessions: &Sessions,
    call: &Call,
    request: &DeleteSessionRequest,
) -> Result<DeleteSessionResponse, RouterError> {
    let name = named(call, "name", &request.name).await?;
    sessions.delete(&name, &request.etag).await?;
    Ok(DeleteSessionResponse {})
}
