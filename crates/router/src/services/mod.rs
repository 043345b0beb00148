//! The gRPC surface: one folder per service, one file per method. The only place that knows tonic,
//! beside the client of the vault.

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

/// The names of the services, for health and reflection.
pub const SERVICE_NAMES: [&str; 4] = [
    "latchkey.router.v1.CatalogueService",
    "latchkey.router.v1.InferenceService",
    "latchkey.router.v1.SessionService",
    "latchkey.router.v1.UsageService",
];

/// What the usage service reads.
pub struct Account {
    /// The rows.
    pub store: Store,
    /// What is still on its way to them.
    pub ledger: Arc<Ledger>,
}

impl Account {
    /// How long a reader waits for what was just written.
    const READ_TIMEOUT: Duration = Duration::from_secs(2);

    async fn wait_shipped(&self) {
        self.ledger.wait_shipped(Self::READ_TIMEOUT).await;
    }
}

/// Adds the router's services to `routes`.
pub fn add_to(
    mut routes: Routes,
    inference: (Arc<Dispatcher>, Arc<Listing>, Arc<Sessions>),
    account: Account,
    grants: Vec<Grant<Role>>,
    largest_message: usize,
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
    let inference = inference::Inference {
        dispatcher,
        listing,
        sessions: Arc::clone(&sessions),
    };
    let inference = InferenceServiceServer::new(inference)
        .max_decoding_message_size(largest_message)
        .max_encoding_message_size(usize::MAX);
    routes = routes.add_service(access.layer(transport.layer(inference)));
    let sessions = SessionServiceServer::new(sessions::Conversations(sessions))
        .max_encoding_message_size(usize::MAX);
    routes = routes.add_service(access.layer(transport.layer(sessions)));
    let usage = UsageServiceServer::new(usage::Usage(Arc::new(account)));
    Ok(routes.add_service(access.layer(transport.layer(usage))))
}
