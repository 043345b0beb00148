//! The gRPC surface: one folder per service, one file per method. Only this folder and `app.rs` depend
//! on tonic.

mod audit;
mod call;
pub(crate) mod encode;
mod funding;
mod keys;
mod leases;
mod members;
pub mod policy;
mod projects;
mod providers;
mod repeatable;
mod status;
mod usage_rules;
mod workspaces;

use std::sync::Arc;

use latchkey_boot::drain::Drain;
use latchkey_contract::Reason;
use latchkey_contract::vault::v1::audit_service_server::AuditServiceServer;
use latchkey_contract::vault::v1::key_service_server::KeyServiceServer;
use latchkey_contract::vault::v1::lease_service_server::LeaseServiceServer;
use latchkey_contract::vault::v1::provider_service_server::ProviderServiceServer;
use latchkey_contract::vault::v1::workspace_service_server::WorkspaceServiceServer;
use latchkey_rpc::access::{AccessLayer, AccessTableError, Grant, RefusalObserver};
use latchkey_rpc::transport_errors::TransportErrorsLayer;
use tonic::service::Routes;
use tower::Layer as _;

use crate::domain::audit::{Act, AuditEvent, Decision};
use crate::domain::role::Role;
use crate::intake::MAX_INITIAL_KEYS;
use crate::vault::Vault;

/// The full names of the services, for health and reflection.
pub const SERVICE_NAMES: [&str; 5] = [
    "latchkey.vault.v1.AuditService",
    "latchkey.vault.v1.KeyService",
    "latchkey.vault.v1.LeaseService",
    "latchkey.vault.v1.ProviderService",
    "latchkey.vault.v1.WorkspaceService",
];

/// The bound of a request. It holds names and one key at most.
const MAX_MESSAGE_BYTES: usize = 256 * 1024;
/// The bound of a request for a new workspace or project, which may bring several keys.
const MAX_MESSAGE_WITH_KEYS_BYTES: usize = MAX_INITIAL_KEYS * MAX_MESSAGE_BYTES;

/// Adds the vault's services to `routes`.
pub fn add_to(
    mut routes: Routes,
    vault: &Arc<Vault>,
    grants: Vec<Grant<Role>>,
    drain: &Drain,
) -> Result<Routes, AccessTableError> {
    let observer = Arc::new(Observer {
        vault: Arc::clone(vault),
        drain: drain.clone(),
    });
    let members = members::memberships::Members(Arc::clone(vault));
    let table = policy::table()?;
    let access = AccessLayer::new(status::DOMAIN, table, grants, members, Some(observer));
    let transport = TransportErrorsLayer::new(status::DOMAIN);
    macro_rules! add {
        ($server:expr) => {
            add!($server, MAX_MESSAGE_BYTES)
        };
        ($server:expr, $largest:expr) => {
            let limited = $server.max_decoding_message_size($largest);
            routes = routes.add_service(access.layer(transport.layer(limited)));
        };
    }
    add!(AuditServiceServer::new(audit::Audit(Arc::clone(vault))));
    add!(KeyServiceServer::new(keys::Keys(Arc::clone(vault))));
    let leases = leases::Leases {
        vault: Arc::clone(vault),
        drain: drain.clone(),
    };
    add!(LeaseServiceServer::new(leases));
    add!(ProviderServiceServer::new(providers::Providers(
        Arc::clone(vault)
    )));
    let workspaces = workspaces::Workspaces(Arc::clone(vault));
    add!(
        WorkspaceServiceServer::new(workspaces),
        MAX_MESSAGE_WITH_KEYS_BYTES
    );
    Ok(routes)
}

/// Records the refusals of the access layer in the audit log.
struct Observer {
    vault: Arc<Vault>,
    drain: Drain,
}

impl RefusalObserver for Observer {
    fn refused(&self, actor: &Arc<str>, method: &str) {
        let act = Act {
            actor: Arc::clone(actor),
            method: method.to_owned(),
        };
        let (vault, reason) = (Arc::clone(&self.vault), Reason::PermissionDenied);
        let event = AuditEvent::refused(&act, "platform", Decision::Refused, reason, vault.now());
        self.drain
            .spawn(async move { crate::audit::record_refusal(&vault, event).await });
    }
}
