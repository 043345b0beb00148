//! `AuditService`, one file per method.

mod list;

use std::sync::Arc;

use latchkey_contract::vault::v1::audit_service_server::AuditService;
use latchkey_contract::vault::v1::{ListAuditEventsRequest, ListAuditEventsResponse};
use tonic::{Request, Response, Status, async_trait};

use super::call::Call;
use crate::vault::Vault;

/// Lists the audit log.
pub(super) struct Audit(pub(super) Arc<Vault>);

#[async_trait]
impl AuditService for Audit {
    async fn list_audit_events(
        &self,
        request: Request<ListAuditEventsRequest>,
    ) -> Result<Response<ListAuditEventsResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.parent.clone();
        let outcome = list::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }
}
