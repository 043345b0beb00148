//! `GetSession`: returns a session without its transcript.

use latchkey_contract::router::v1::{GetSessionRequest, Session as Message};

use super::{authorized_name, encode};
use crate::error::RouterError;
use crate::services::call::Call;
use crate::sessions::Sessions;

pub(super) async fn handle(
    sessions: &Sessions,
    call: &Call,
    request: &GetSessionRequest,
) -> Result<Message, RouterError> {
    let name = authorized_name(call, "name", &request.name).await?;
    Ok(encode::session(&sessions.find(&name).await?))
}
