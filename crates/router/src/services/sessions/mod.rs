//! `SessionService`, one file per method.

mod create_session;
mod decode;
mod delete_session;
mod encode;
mod get_session;
mod list_sessions;
mod list_turns;
mod update_session;

use std::sync::Arc;

use latchkey_contract::names::SessionName;
use latchkey_contract::router::v1::session_service_server::SessionService;
use latchkey_contract::router::v1::{
    CreateSessionRequest, DeleteSessionRequest, DeleteSessionResponse, GetSessionRequest,
    ListSessionsRequest, ListSessionsResponse, ListTurnsRequest, ListTurnsResponse, Session,
    UpdateSessionRequest,
};
use tonic::{Request, Response, Status, async_trait};

use super::call::Call;
use crate::error::RouterError;
use crate::sessions::Sessions;

/// The implementation of the service.
pub(super) struct SessionHandler(pub(super) Arc<Sessions>);

#[async_trait]
impl SessionService for SessionHandler {
    async fn create_session(
        &self,
        request: Request<CreateSessionRequest>,
    ) -> Result<Response<Session>, Status> {
        let (call, request) = Call::split(request)?;
        let outcome = Box::pin(create_session::handle(&self.0, &call, &request));
        call.answer(call.in_time(outcome).await)
    }

    async fn delete_session(
        &self,
        request: Request<DeleteSessionRequest>,
    ) -> Result<Response<DeleteSessionResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let outcome = delete_session::handle(&self.0, &call, &request);
        call.answer(call.in_time(outcome).await)
    }

    async fn get_session(
        &self,
        request: Request<GetSessionRequest>,
    ) -> Result<Response<Session>, Status> {
        let (call, request) = Call::split(request)?;
        let outcome = get_session::handle(&self.0, &call, &request);
        call.answer(call.in_time(outcome).await)
    }

    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let outcome = list_sessions::handle(&self.0, &call, &request);
        call.answer(call.in_time(outcome).await)
    }

    async fn list_turns(
        &self,
        request: Request<ListTurnsRequest>,
    ) -> Result<Response<ListTurnsResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let outcome = list_turns::handle(&self.0, &call, &request);
        call.answer(call.in_time(outcome).await)
    }

    async fn update_session(
        &self,
        request: Request<UpdateSessionRequest>,
    ) -> Result<Response<Session>, Status> {
        let (call, request) = Call::split(request)?;
        let outcome = update_session::handle(&self.0, &call, &request);
        call.answer(call.in_time(outcome).await)
    }
}

/// Parses the name of a session, and checks that the caller may act in its workspace.
async fn authorized_name(
    call: &Call,
    field: &'static str,
    text: &str,
) -> Result<SessionName, RouterError> {
    let name: SessionName = text.parse().map_err(RouterError::name(field))?;
    call.authorize(&name.workspace).await?;
    Ok(name)
}
