//! `CreateSession`.

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
    let unsaid = Message::default();
    let said = request.session.as_ref().unwrap_or(&unsaid);
    let within = |error: RouterError| error.within("session");
    let new = NewSession {
        scope: decode::scope(said, &workspace).map_err(within)?,
        settings: decode::settings(said).map_err(within)?,
        keeps_transcript: decode::keeps_transcript(said).map_err(within)?,
        workspace,
        name,
        creator: call.actor().clone(),
        request: identified(request)?,
    };
    sessions.create(new, encode::session).await
}

/// The id of a request that may be sent again, and what tells it from another one.
fn identified(request: &CreateSessionRequest) -> Result<Option<(Uuid, Vec<u8>)>, RouterError> {
    if request.request_id.is_empty() {
        return Ok(None);
    }
    let id = Uuid::try_parse(&request.request_id);
    let id = id.map_err(|_| RouterError::field("request_id", "must be a UUID"))?;
    // The message has no map, so it is encoded in one way alone.
    let digest = digest(&SHA256, &request.encode_to_vec());
    Ok(Some((id, digest.as_ref().to_vec())))
}
