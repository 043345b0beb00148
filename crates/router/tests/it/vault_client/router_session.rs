//! The session of the router with the vault: hello, acknowledgements, and its end.

use latchkey_migrations::testing::Backend;
use tonic::{Code, Status};

use crate::harness::{ACME, Answer, Router, chat, gpt, refused, uid_of};

async fn router() -> Router {
    let router = Router::start(Backend::Sqlite).await;
    router.provider.returns(Answer::json(200, &chat::whole()));
    router
}

#[tokio::test]
async fn hello_names_the_instance_and_its_providers() {
    let router = router().await;
    let received = router.vault.receives(|_| true).await;
    let hello = &received.hellos[0];
    assert_eq!(hello.instance, "router-1");
    let providers = latchkey_contract::ProviderId::ALL.map(latchkey_contract::ProviderId::as_str);
    assert_eq!(hello.providers, providers);
    assert!(hello.revisions.is_empty());
}

#[tokio::test]
async fn every_invalidation_is_acknowledged() {
    let router = router().await;
    for (scope, revision) in [(ACME, 2), ("platform", 9), ("workspaces/unheard-of", 5)] {
        let seen = router.vault.receives(|_| true).await.acknowledgements.len();
        router.vault.invalidates(scope, revision, &[]);
        let received = router
            .vault
            .receives(|received| received.acknowledgements.len() > seen)
            .await;
        let acknowledgement = &received.acknowledgements[seen];
        assert_eq!(
            (
                &*acknowledgement.workspace_uid,
                acknowledgement.revision,
                acknowledgement.in_flight_count
            ),
            (&*uid_of(scope), revision, 0)
        );
    }
}

#[tokio::test]
async fn leases_are_dropped_when_the_vault_fences_the_router() {
    let router = router().await;
    router.generate(gpt()).await.unwrap();
    router.vault.rejects_sessions();
    router.vault.ends_session(Status::aborted("fenced"));
    // The router drops its leases before it opens a new session.
    router
        .vault
        .receives(|received| received.rejected > 0)
        .await;
    let outcome = router.generate(gpt()).await;
    refused(outcome, Code::Unavailable, "VAULT_UNAVAILABLE");
}

#[tokio::test]
async fn leases_stay_usable_when_the_vault_restarts() {
    let router = router().await;
    router.generate(gpt()).await.unwrap();
    router.vault.rejects_sessions();
    router.vault.ends_session(Status::unavailable("stopping"));
    router
        .vault
        .receives(|received| received.rejected > 0)
        .await;
    router.generate(gpt()).await.unwrap();
}

#[tokio::test]
async fn a_stopping_router_closes_its_session() {
    let mut router = router().await;
    router.generate(gpt()).await.unwrap();
    router.stops().await;
    // The router has closed its channel, so the vault can stop.
    router.vault.stop().await;
}
