//! `SessionService`, one file per method.

use latchkey_contract::router::v1::session_service_server::SessionService;
use latchkey_contract::router::v1::{
    CreateSessionRequest, DeleteSessionRequest, DeleteSessionResponse, GetSessionRequest,
    ListSessionsRequest, ListSessionsResponse, ListTurnsRequest, ListTurnsResponse, Session,
    UpdateSessionRequest,
};
use tonic::{Request, Response, Status, async_trait};

/// Keeps conversations.
pub(super) struct Sessions {}

#[async_trait]
impl SessionService for Sessions {
    async fn create_session(
        &self,
        request: Request<CreateSessionRequest>,
    ) -> Result<Response<Session>, Status> {
        let _ = request;
        Err(Status::unimplemented("sessions"))
    }

    async fn delete_session(
        &self,
        request: Request<DeleteSessionRequest>,
    ) -> Result<Response<DeleteSessionResponse>, Status> {
        let _ = request;
        Err(Status::unimplemented("sessions"))
    }

    async fn get_session(
        &self,
        request: Request<GetSessionRequest>,
    ) -> Result<Response<Session>, Status> {
        let _ = request;
        Err(Status::unimplemented("sessions"))
    }

    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        let _ = request;
        Err(Status::unimplemented("sessions"))
    }

    async fn list_turns(
        &self,
        request: Request<ListTurnsRequest>,
    ) -> Result<Response<ListTurnsResponse>, Status> {
        let _ = request;
        Err(Status::unimplemented("sessions"))
    }

    async fn update_session(
        &self,
        request: Request<UpdateSessionRequest>,
    ) -> Result<Response<Session>, Status> {
        let _ = request;
        Err(Status::unimplemented("sessions"))
    }
}
