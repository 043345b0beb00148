mod server;

use http::{Request, StatusCode};
use http_body_util::Full;
use latchkey_contract::uid::KeyUid;
use uuid::Uuid;

use self::server::Server;
use super::*;

/// The owner of a workspace and of a version of its key.
fn owner(workspace: u128, version: u64) -> PoolKey {
    let key = KeyUid(Uuid::from_u128(1));
    let workspace = WorkspaceUid(Uuid::from_u128(workspace));
    PoolKey::new(workspace, KeyVersionUid { key, version })
}

const ACME: u128 = 2;
const OTHER: u128 = 3;

fn pools(most: usize) -> Pools {
    let mut config = UpstreamConfig::default();
    config.pools.most = NonZeroUsize::new(most).unwrap();
    Pools::new(config, EgressPolicy::default())
}

#[test]
fn each_workspace_key_version_host_and_address_source_has_its_own_pool() {
    let pools = pools(16);
    let first = pools.of(&owner(ACME, 1), "api.example", AddressSource::Customer);
    for (owner, host, address_source) in [
        (owner(ACME, 2), "api.example", AddressSource::Customer),
        (owner(OTHER, 1), "api.example", AddressSource::Customer),
        (owner(ACME, 1), "api2.example", AddressSource::Customer),
        (owner(ACME, 1), "api.example", AddressSource::Operator),
    ] {
        assert!(!Arc::ptr_eq(
            &first,
            &pools.of(&owner, host, address_source)
        ));
    }
    let again = pools.of(&owner(ACME, 1), "api.example", AddressSource::Customer);
    assert!(Arc::ptr_eq(&first, &again));
}

#[test]
fn the_least_recently_used_pool_is_evicted() {
    let pools = pools(2);
    let of =
        |workspace: u128| pools.of(&owner(workspace, 1), "api.example", AddressSource::Customer);
    let (first, second) = (of(1), of(2));
    assert!(Arc::ptr_eq(&first, &of(1)));
    of(3);
    assert!(Arc::ptr_eq(&first, &of(1)));
    assert!(!Arc::ptr_eq(&second, &of(2)));
}

/// Calls to an HTTP/2 server that allows 100 streams on each connection.
struct Calls {
    server: Server,
    pool: Arc<Pool>,
}

impl Calls {
    async fn new() -> Self {
        let server = Server::start(100).await;
        let mut pools = pools(16);
        pools.tls = server.client_config();
        // A new pool, for which the server's protocol is still open.
        let pool = pools.of(&owner(ACME, 1), "localhost", AddressSource::Operator);
        Self { server, pool }
    }

    /// Starts concurrent calls. They complete once the server answers.
    fn start(&self, count: usize) -> Vec<tokio::task::JoinHandle<StatusCode>> {
        let calls = (0..count).map(|_| {
            let (pool, url) = (Arc::clone(&self.pool), self.server.url());
            tokio::spawn(async move {
                let request = Request::get(url).body(Full::default()).unwrap();
                let response = pool.request(request).await.unwrap();
                response.status()
            })
        });
        calls.collect()
    }
}

#[tokio::test]
async fn calls_beyond_the_streams_of_one_connection_use_further_connections() {
    let calls = Calls::new().await;
    let running = calls.start(250);
    // The server has every request, and has answered none.
    calls.server.has_received(250).await;
    calls.server.answers();
    for call in running {
        assert_eq!(call.await.unwrap(), StatusCode::OK);
    }
    assert!(calls.server.used_connections() >= 3);
}

#[tokio::test]
async fn calls_within_the_streams_of_one_connection_share_it() {
    let calls = Calls::new().await;
    calls.server.answers();
    for call in calls.start(1) {
        call.await.unwrap();
    }
    for call in calls.start(100) {
        call.await.unwrap();
    }
    for call in calls.start(100) {
        call.await.unwrap();
    }
    assert_eq!(calls.server.used_connections(), 1);
}
