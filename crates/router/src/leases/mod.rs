//! Leases: keys that the vault granted to this router.
//!
//! A lease is cached and used for every request with the same query, in turn with the leases of keys
//! of the same rank, until an invalidation of its scopes, the end of its session's freshness, or the
//! expiry of the key. [`Lease::begin_use`] comes right before the first byte of a call and fails once
//! any of that has happened, so that an acknowledged invalidation really holds.

mod cache;
mod in_flight;
mod lease;
mod weighted;

use std::sync::{Arc, PoisonError, RwLock};

use latchkey_clock::Clock;
use latchkey_contract::names::KeyName;
use latchkey_contract::uid::{KeyVersionUid, WorkspaceUid};

use cache::LeaseCache;
pub use in_flight::InUse;
use in_flight::Versions;
pub use lease::{Lapsed, Lease};

use crate::domain::key_query::KeyQuery;
use crate::error::RouterError;
use crate::vault_client::{
    LeaseGrant, LeaseHolder, MAX_OVERTAKEN, SingleFlight, VAULT_TIMEOUT, VaultClient,
};

/// The leases of this router.
pub struct Leases {
    vault: Arc<VaultClient>,
    clock: Arc<dyn Clock>,
    cache: RwLock<LeaseCache>,
    versions: Versions,
    flights: SingleFlight<KeyQuery>,
}

impl Leases {
    /// No leases yet.
    pub fn new(vault: Arc<VaultClient>, clock: Arc<dyn Clock>) -> Self {
        Self {
            vault,
            clock,
            cache: RwLock::default(),
            versions: Versions::default(),
            flights: SingleFlight::default(),
        }
    }

    /// The client of the vault.
    pub fn vault(&self) -> &Arc<VaultClient> {
        &self.vault
    }

    /// A lease for a query: a cached one that may be used, or a new one.
    pub async fn obtain(&self, query: &KeyQuery) -> Result<Arc<Lease>, RouterError> {
        let preferred = match self.next(query) {
            Ok(lease) => return Ok(lease),
            Err(preferred) => preferred,
        };
        let requested = self.request_once(query, preferred.as_ref());
        let lease = tokio::time::timeout(VAULT_TIMEOUT, requested).await;
        lease.unwrap_or(Err(RouterError::VaultUnavailable))
    }

    /// The cached lease for the next call; else the key to prefer, where the query has weights.
    fn next(&self, query: &KeyQuery) -> Result<Arc<Lease>, Option<KeyName>> {
        let cache = self.cache.read().unwrap_or_else(PoisonError::into_inner);
        let (key, lease) = cache.get(query).ok_or(None)?.next();
        match lease {
            Some(lease) if lease.is_usable(&*self.clock) => Ok(Arc::clone(lease)),
            _ => Err(Some(key.clone())),
        }
    }

    /// Requests a lease, unless a caller before this one has just done so.
    async fn request_once(
        &self,
        query: &KeyQuery,
        preferred: Option<&KeyName>,
    ) -> Result<Arc<Lease>, RouterError> {
        let flight = self.flights.join(query);
        let _first = flight.lock().await;
        match self.cached(query, preferred) {
            Some(lease) => Ok(lease),
            None => self.request(query, preferred).await,
        }
    }

    fn cached(&self, query: &KeyQuery, preferred: Option<&KeyName>) -> Option<Arc<Lease>> {
        let cache = self.cache.read().unwrap_or_else(PoisonError::into_inner);
        let lease = cache.get(query)?.lease_of(preferred)?;
        lease.is_usable(&*self.clock).then(|| Arc::clone(lease))
    }

    async fn request(
        &self,
        query: &KeyQuery,
        preferred: Option<&KeyName>,
    ) -> Result<Arc<Lease>, RouterError> {
        for _ in 0..MAX_OVERTAKEN {
            let grant = self.vault.resolve(query, preferred).await?;
            if let Some(lease) = self.keep(query, grant)? {
                return Ok(lease);
            }
        }
        Err(RouterError::VaultUnavailable)
    }

    /// Caches a lease, unless an invalidation or the end of the session has overtaken it.
    fn keep(
        &self,
        query: &KeyQuery,
        mut grant: LeaseGrant,
    ) -> Result<Option<Arc<Lease>>, RouterError> {
        // Locked while the lease is added: see `VaultClient::is_current`.
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        if !self.vault.is_current(&grant.session, &grant.revisions) {
            return Ok(None);
        }
        let weighted_keys = std::mem::take(&mut grant.weighted_keys);
        let version = self.versions.of(grant.terms.key_version_uid);
        let lease = Arc::new(Lease::new(grant, version));
        if !lease.matches(query) {
            return Err(RouterError::VaultUnavailable);
        }
        cache.add(query, &weighted_keys, Arc::clone(&lease), &*self.clock);
        Ok(Some(lease))
    }
}

impl LeaseHolder for Leases {
    fn invalidate(&self, workspace: WorkspaceUid, revision: i64, revoked: &[KeyVersionUid]) -> i64 {
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        cache.drop_if(|lease| lease.predates(workspace, revision));
        drop(cache);
        self.versions.in_flight(revoked)
    }

    fn drop_all(&self) {
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        cache.drop_if(|_| true);
    }
}

#[cfg(test)]
mod tests;
