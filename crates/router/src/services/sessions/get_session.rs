//! `GetSession`.

use latchkey_contract::router::v1::{GetSessionRequest, Session as Message};

use super::{encode, named};
use crate::error::RouterError;
use crate::services::call::Call;
use crate::sessions::Sessions;

pub(super) async fn handle(
    sessions: &Sessions,
    call: &Call,
    request: &GetSessionRequest,
) -> Result<Message, RouterError> {
    let name = named(call, "name", &request.name).await?;
    Ok(encode::session(&sessions.find(&name).await?))
}
