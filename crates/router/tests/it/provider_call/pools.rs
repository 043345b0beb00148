//! Connection pools, which belong to a workspace and a key version.

use std::num::NonZeroUsize;
use std::time::Duration;

use latchkey_contract::router::v1::GenerateRequest;
use latchkey_migrations::testing::Backend;
use latchkey_router::config::PoolsConfig;
use tokio::sync::oneshot;

use crate::harness::{
    ACME, APP, Answer, Caller, OTHER_CALLER, Router, WEB, chat, gpt, on, own, shared, version,
};

const OTHER: &str = "workspaces/other";

async fn router() -> Router {
    configured(|_| {}).await
}

async fn configured(adjust: impl FnOnce(&mut PoolsConfig)) -> Router {
    let router = Router::start_with(Backend::Sqlite, |config| {
        adjust(&mut config.upstream.pools);
    })
    .await;
    router.provider.returns(Answer::json(200, &chat::whole()));
    router
}

async fn generate(router: &Router, caller: Caller, request: GenerateRequest) {
    router.generate_as(caller, request).await.unwrap();
}

#[tokio::test]
async fn no_two_workspaces_share_a_connection_though_they_share_a_key() {
    let router = router().await;
    router.vault_grants([shared("p")]);
    for _ in 0..3 {
        generate(&router, APP, gpt()).await;
        generate(&router, OTHER_CALLER, on(OTHER, gpt())).await;
    }
    assert_eq!(router.provider.keys(), ["p"; 6]);
    assert_eq!(router.provider.connections(), 2);
}

#[tokio::test]
async fn the_projects_of_a_workspace_share_its_connections() {
    let router = router().await;
    router.vault_grants([own("a")]);
    generate(&router, APP, gpt()).await;
    generate(&router, APP, on(WEB, gpt())).await;
    assert_eq!(router.provider.connections(), 1);
}

#[tokio::test]
async fn no_two_keys_share_a_connection() {
    let router = router().await;
    router.vault_grants([own("a"), own("b")]);
    for key in ["a", "b", "a", "b"] {
        let named = GenerateRequest {
            key: key.to_owned(),
            ..gpt()
        };
        generate(&router, APP, named).await;
    }
    assert_eq!(router.provider.connections(), 2);
}

#[tokio::test]
async fn a_new_version_of_a_key_uses_new_connections() {
    let router = router().await;
    let mut key = own("a");
    router.vault_grants([key.clone()]);
    generate(&router, APP, gpt()).await;
    key.key_version = key.key_version.replace("/versions/1", "/versions/2");
    router.vault_grants([key]);
    router.vault.invalidates(ACME, 2, &[version(ACME, "a")]);
    router
        .vault
        .receives(|received| !received.acknowledgements.is_empty())
        .await;
    generate(&router, APP, gpt()).await;
    assert_eq!(router.provider.connections(), 2);
}

/// Starts this many concurrent calls, and returns the senders of their answers.
async fn at_once(router: &Router, count: usize) -> Vec<oneshot::Sender<Answer>> {
    let held: Vec<_> = (0..count).map(|_| router.provider.holds_answer()).collect();
    for _ in 0..count {
        let mut client = router.inference(APP);
        tokio::spawn(async move { client.generate(gpt()).await });
    }
    router.provider.receives_call(count).await;
    held
}

#[tokio::test]
async fn no_more_idle_connections_are_kept_than_allowed() {
    let router = configured(|pools| pools.idle_connections = 2).await;
    let held = at_once(&router, 5).await;
    assert_eq!(router.provider.connections(), 5);
    for call in held {
        assert!(call.send(Answer::json(200, &chat::whole())).is_ok());
    }
    router.provider.closes_down_to(2).await;
    // The idle connections are reused.
    generate(&router, APP, gpt()).await;
    assert_eq!(router.provider.connections(), 5);
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_a_while() {
    let router = configured(|pools| pools.idle_timeout = Duration::from_millis(50)).await;
    generate(&router, APP, gpt()).await;
    router.provider.closes_down_to(0).await;
    generate(&router, APP, gpt()).await;
    assert_eq!(router.provider.connections(), 2);
}

#[tokio::test]
async fn the_least_recently_used_pool_is_evicted() {
    let router = configured(|pools| pools.most = NonZeroUsize::MIN).await;
    router.vault_grants([shared("p")]);
    generate(&router, APP, gpt()).await;
    generate(&router, OTHER_CALLER, on(OTHER, gpt())).await;
    router.provider.closes_down_to(1).await;
    generate(&router, APP, gpt()).await;
    assert_eq!(router.provider.connections(), 3);
}

/// The eviction of a pool does not cancel its calls.
#[tokio::test]
async fn a_running_call_outlives_the_eviction_of_its_pool() {
    let router = configured(|pools| pools.most = NonZeroUsize::MIN).await;
    router.vault_grants([shared("p")]);
    let held = router.provider.holds_answer();
    let mut client = router.inference(APP);
    let running = tokio::spawn(async move { client.generate(gpt()).await });
    router.provider.receives_call(1).await;
    generate(&router, OTHER_CALLER, on(OTHER, gpt())).await;
    assert!(held.send(Answer::json(200, &chat::whole())).is_ok());
    running.await.unwrap().unwrap();
}
