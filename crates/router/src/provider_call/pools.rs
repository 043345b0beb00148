//! Connection pools by owner and host. Workspaces and key versions never share a connection. The
//! number of pools is bounded.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use latchkey_boot::config::seconds;
use latchkey_contract::uid::{KeyVersionUid, WorkspaceUid};
use latchkey_egress::EgressPolicy;
use lru::LruCache;
use rustls::client::Resumption;
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;

use super::pool::{HttpClient, Pool};
use super::resolver::GuardedResolver;
use super::{AddressSource, UpstreamConfig};

/// How many connections are kept for later calls.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PoolsConfig {
    /// Pools at most: one for each workspace, key version and host. The one that was not used for
    /// the longest time makes room. Default 1,024.
    #[serde(rename = "max_pools")]
    pub most: NonZeroUsize,
    /// Idle connections of a pool at most. Default 16.
    #[serde(rename = "max_idle_connections")]
    pub idle_connections: usize,
    /// Seconds until an idle connection is closed. Default 60.
    #[serde(
        rename = "idle_timeout_seconds",
        deserialize_with = "seconds::deserialize"
    )]
    pub idle_timeout: Duration,
}

impl Default for PoolsConfig {
    fn default() -> Self {
        Self {
            most: const { NonZeroUsize::new(1_024).expect("not zero") },
            idle_connections: 16,
            idle_timeout: Duration::from_mins(1),
        }
    }
}

/// The owner of connections: a workspace with a key version.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct PoolKey {
    workspace: WorkspaceUid,
    key_version: KeyVersionUid,
}

impl PoolKey {
    /// The owner for calls of a workspace with a key version.
    pub fn new(workspace: WorkspaceUid, key_version: KeyVersionUid) -> Self {
        Self {
            workspace,
            key_version,
        }
    }
}

/// The cache key of a pool.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct PoolId {
    owner: PoolKey,
    host: Box<str>,
    address_source: AddressSource,
}

/// The pools in use.
pub(super) struct Pools {
    config: UpstreamConfig,
    egress: Arc<EgressPolicy>,
    tls: ClientConfig,
    cache: Mutex<LruCache<PoolId, Arc<Pool>>>,
}

/// TLS sessions that a pool can resume.
const MAX_TLS_SESSIONS: usize = 8;

impl Pools {
    pub(super) fn new(config: UpstreamConfig, egress: EgressPolicy) -> Self {
        let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        let tls = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            config,
            egress: Arc::new(egress),
            tls,
            cache: Mutex::new(LruCache::new(config.pools.most)),
        }
    }

    /// The pool of an owner for a host; a new one where the cache has none.
    pub(super) fn of(
        &self,
        owner: &PoolKey,
        host: &str,
        address_source: AddressSource,
    ) -> Arc<Pool> {
        let id = PoolId {
            owner: *owner,
            host: host.into(),
            address_source,
        };
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = cache.get(&id) {
            return Arc::clone(pool);
        }
        let pool = Arc::new(self.unshared(address_source));
        cache.push(id, Arc::clone(&pool));
        pool
    }

    /// A new pool outside the cache.
    pub(super) fn unshared(&self, address_source: AddressSource) -> Pool {
        let resolver = match address_source {
            AddressSource::Operator => GuardedResolver::unguarded(),
            AddressSource::Customer => GuardedResolver::guarded(Arc::clone(&self.egress)),
        };
        let config = self.config;
        let mut tls = self.tls.clone();
        // Session tickets identify a client, so owners don't share them either.
        tls.resumption = Resumption::in_memory_sessions(MAX_TLS_SESSIONS);
        Pool::new(move || client(config, resolver.clone(), tls.clone()))
    }
}

fn client(config: UpstreamConfig, resolver: GuardedResolver, tls: ClientConfig) -> HttpClient {
    let mut tcp = HttpConnector::new_with_resolver(resolver);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(config.connect_timeout));
    // The connector takes https URLs too: TLS is added below. Operators may configure plain http.
    tcp.enforce_http(false);
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_all_versions()
        .wrap_connector(tcp);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(config.pools.idle_timeout)
        .pool_max_idle_per_host(config.pools.idle_connections)
        .build(connector)
}

#[cfg(test)]
mod tests;
