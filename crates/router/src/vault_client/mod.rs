//! The router's client of the vault: the router session, and every call that depends on it.
//!
//! What the vault returns is valid in the session it was returned in, until an invalidation of its
//! scope. Memberships and data keys are cached here, leases in [`crate::leases`]; memberships and
//! leases are added only where [`VaultClient::is_current`] holds for them, under a lock that the
//! invalidation takes too. Data keys count the drops instead.

mod data_keys;
mod dry_run;
mod freshness;
mod key_reports;
mod members;
mod resolve;
mod router_session;
mod scopes;
mod single_flight;
mod state;
mod status;
mod verification;

#[cfg(test)]
mod members_tests;
#[cfg(test)]
pub(crate) mod testing;

use std::sync::Arc;
use std::time::Duration;

use latchkey_clock::Clock;
use latchkey_contract::vault::v1::lease_service_client::LeaseServiceClient;
use latchkey_rpc::client::AuthorizedChannel;
use tonic::{Response, Status};

pub use data_keys::DataKey;
use data_keys::DataKeys;
pub use dry_run::{Candidate, DryRun};
pub use freshness::RouterSession;
use key_reports::KeyReports;
use members::MemberQuery;
pub use resolve::{LeaseGrant, LeaseTerms};
#[cfg(test)]
pub(crate) use resolve::{decode_grant, encode_query};
pub use router_session::{KeyChecker, LeaseHolder, PendingCheck, hold_router_session};
pub use single_flight::SingleFlight;
pub use state::Revision;
use state::State;
pub use verification::{CheckFailure, KeyCheckOutcome, KeyToCheck};

use crate::error::RouterError;

/// Answers that were overtaken by an invalidation are requested again, at most so many times.
pub const MAX_OVERTAKEN: usize = 8;
/// A vault that takes longer to answer counts as unreachable.
pub const VAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// The connection to the vault, and what depends on the router session.
pub struct VaultClient {
    client: LeaseServiceClient<AuthorizedChannel>,
    clock: Arc<dyn Clock>,
    state: State,
    data_keys: DataKeys,
    member_flights: SingleFlight<MemberQuery>,
    key_reports: KeyReports,
}

impl VaultClient {
    /// A client without a session.
    pub fn new(channel: AuthorizedChannel, clock: Arc<dyn Clock>) -> Self {
        Self {
            client: LeaseServiceClient::new(channel),
            clock,
            state: State::default(),
            data_keys: DataKeys::default(),
            member_flights: SingleFlight::default(),
            key_reports: KeyReports::new(),
        }
    }

    /// The current session. Without one, nothing new can be requested from the vault.
    pub fn session(&self) -> Result<Arc<RouterSession>, RouterError> {
        self.state.session().ok_or(RouterError::VaultUnavailable)
    }

    /// The client of the generated service; a clone shares the connection.
    fn rpc(&self) -> LeaseServiceClient<AuthorizedChannel> {
        self.client.clone()
    }
}

/// Runs a call to the vault, and fails with `VaultUnavailable` after [`VAULT_TIMEOUT`].
async fn in_time<T>(
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, RouterError> {
    match tokio::time::timeout(VAULT_TIMEOUT, call).await {
        Ok(Ok(response)) => Ok(response.into_inner()),
        Ok(Err(status)) => Err(status::error(&status)),
        Err(_elapsed) => Err(RouterError::VaultUnavailable),
    }
}
