//! The gRPC services: one folder per service, one file per method. Only this folder and `vault_client`
//! use tonic.

mod call;
mod catalogue;
mod encode;
mod inference;
mod members;
pub mod policy;
mod sessions;
mod status;
mod usage;

use std::sync::Arc;
use std::time::Duration;

use latchkey_contract::router::v1::catalogue_service_server::CatalogueServiceServer;
use latchkey_contract::router::v1::inference_service_server::InferenceServiceServer;
use latchkey_contract::router::v1::session_service_server::SessionServiceServer;
use latchkey_contract::router::v1::usage_service_server::UsageServiceServer;
use latchkey_rpc::access::{AccessLayer, AccessTableError, Grant};
use latchkey_rpc::transport_errors::TransportErrorsLayer;
use tonic::service::Routes;
use tower::Layer as _;

use crate::dispatch::Dispatcher;
use crate::domain::role::Role;
use crate::ledger::Ledger;
use crate::listing::Listing;
use crate::sessions::Sessions;
use crate::store::Store;
use crate::vault_client::VaultClient;

/// The names of the services, for health and reflection.
pub const SERVICE_NAMES: [&str; 4] = [
    "latchkey.router.v1.CatalogueService",
    "latchkey.router.v1.InferenceService",
    "latchkey.router.v1.SessionService",
    "latchkey.router.v1.UsageService",
];

/// The sources of the usage service.
pub struct UsageReader {
    /// The stored attempts.
    pub store: Store,
    /// The attempts that are not stored yet.
    pub ledger: Arc<Ledger>,
    /// The vault, which knows the identities behind names.
    pub vault: Arc<VaultClient>,
}

impl UsageReader {
    /// The maximum wait of a reader for attempts that are not stored yet.
    const READ_TIMEOUT: Duration = Duration::from_secs(2);

    async fn wait_shipped(&self) {
        self.ledger.wait_shipped(Self::READ_TIMEOUT).await;
    }
}

/// Adds the router's services to `routes`.
pub fn add_to(
    mut routes: Routes,
    inference: (Arc<Dispatcher>, Arc<Listing>, Arc<Sessions>),
    usage: UsageReader,
    grants: Vec<Grant<Role>>,
    max_message_bytes: usize,
) -> Result<Routes, AccessTableError> {
    let (dispatcher, listing, sessions) = inference;
    let members = members::Members(Arc::clone(dispatcher.leases.vault()));
    let access = AccessLayer::new(status::DOMAIN, policy::table()?, grants, members, None);
    let transport = TransportErrorsLayer::new(status::DOMAIN);
    let catalogue = CatalogueServiceServer::new(catalogue::Models {
        catalogues: Arc::clone(&dispatcher.catalogue),
        clock: Arc::clone(&dispatcher.clock),
    });
    routes = routes.add_service(access.layer(transport.layer(catalogue)));
    let inference = InferenceServiceServer::new(inference::Inference {
        dispatcher,
        listing,
        sessions: Arc::clone(&sessions),
    })
    .max_decoding_message_size(max_message_bytes)
    .max_encoding_message_size(usize::MAX);
    routes = routes.add_service(access.layer(transport.layer(inference)));
    let sessions = SessionServiceServer::new(sessions::SessionHandler(sessions))
        .max_encoding_message_size(usize::MAX);
    routes = routes.add_service(access.layer(transport.layer(sessions)));
    let usage = UsageServiceServer::new(usage::Usage(Arc::new(usage)));
    Ok(routes.add_service(access.layer(transport.layer(usage))))
}
