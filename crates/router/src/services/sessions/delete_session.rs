//! `DeleteSession`: deletes a session and its transcript.

use latchkey_contract::router::v1::{DeleteSessionRequest, DeleteSessionResponse};

use super::authorized_name;
use crate::error::RouterError;
use crate::services::call::Call;
use crate::sessions::Sessions;

pub(super) async fn handle(
    sessions: &Sessions,
    call: &Call,
    request: &DeleteSessionRequest,
) -> Result<DeleteSessionResponse, RouterError> {
    let name = authorized_name(call, "name", &request.name).await?;
    sessions.delete(&name, &request.etag).await?;
    Ok(DeleteSessionResponse {})
}
