//! `CreateSession`: creates a session, at most once per request id.

use latchkey_contract::names::{SessionName, WorkspaceName};
use latchkey_contract::router::v1::{CreateSessionRequest, Session as Message};
use prost::Message as _;
use ring::digest::{SHA256, digest};
use uuid::Uuid;

use super::{decode, encode};
use crate::error::RouterError;
use crate::services::call::Call;
use crate::sessions::{NewSession, Sessions};

pub(super) async fn handle(
    sessions: &Sessions,
    call: &Call,
    request: &CreateSessionRequest,
) -> Result<Message, RouterError> {
    let workspace: WorkspaceName = request
        .parent
        .parse()
        .map_err(RouterError::name("parent"))?;
    call.authorize(&workspace).await?;
    let name = match request.session_id.as_str() {
        "" => None,
        id => Some(SessionName {
            workspace: workspace.clone(),
            session: id.parse().map_err(RouterError::name("session_id"))?,
        }),
    };
    let default = Message::default();
    let message = request.session.as_ref().unwrap_or(&default);
    let within = |error: RouterError| error.within("session");
    let scope = decode::scope(message, &workspace).map_err(within)?;
    let new = NewSession {
        scope: sessions.vault.scope(&scope).await?,
        settings: decode::settings(message).map_err(within)?,
        keeps_transcript: decode::keeps_transcript(message).map_err(within)?,
        name,
        creator: call.actor().clone(),
        request: id_and_digest(request)?,
    };
    sessions.create(new, encode::session).await
}

/// The id of a repeatable request, and its digest, which differs for a different request.
fn id_and_digest(request: &CreateSessionRequest) -> Result<Option<(Uuid, Vec<u8>)>, RouterError> {
    if request.request_id.is_empty() {
        return Ok(None);
    }
    let id = Uuid::try_parse(&request.request_id)
        .map_err(|_| RouterError::field("request_id", "must be a UUID"))?;
    // The message has no map field, so its encoding is deterministic.
    let digest = digest(&SHA256, &request.encode_to_vec());
    Ok(Some((id, digest.as_ref().to_vec())))
}
