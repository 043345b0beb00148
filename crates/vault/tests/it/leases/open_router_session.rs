//! `OpenRouterSession`: how a session begins, lives and ends. The messages of a change are tested with the
//! methods that make them, key reports in `quarantine`.

use std::time::Duration;

use latchkey_contract::vault::v1::open_router_session_request::Message;
use latchkey_contract::vault::v1::{
    CreateProjectRequest, DisableKeyRequest, Hello, KeepAlive, OpenRouterSessionRequest,
    ScopeRevision, key,
};
use tokio_stream::iter;
use tonic::Code;

use crate::harness::{OPERATOR, OWNER, ROUTER, Router, Vault, hello, refused, resolve};
use crate::on_both_databases;

on_both_databases!(
    a_router_is_welcomed_with_its_freshness,
    a_keep_alive_is_answered_with_the_time_that_is_left,
    a_session_begins_with_hello,
    a_malformed_workspace_uid_is_refused,
    a_returning_router_gets_the_revisions_that_changed,
    a_returning_router_is_sent_changes_of_the_scopes_it_caches,
    a_change_waits_for_a_disconnected_router_until_it_lapses,
    a_change_does_not_wait_for_a_router_that_left,
    a_router_without_keep_alives_lapses,
    a_change_by_another_replica_is_sent,
    a_stopping_vault_ends_sessions_with_its_reason,
    only_routers_open_router_sessions,
);

const ACME: &str = "workspaces/acme";
const NAME: &str = "workspaces/acme/keys/main";

async fn acme(vault: &Vault) {
    vault.create_workspace("acme").await;
    vault.create_key(ACME, "main").await;
}

fn disable() -> DisableKeyRequest {
    DisableKeyRequest {
        name: NAME.to_owned(),
        etag: String::new(),
    }
}

/// What a router learns of the revisions of two scopes.
async fn revisions(router: &Router) -> Vec<ScopeRevision> {
    router.resolve(resolve(ACME)).await.unwrap().revisions
}

async fn refusal_of_first(vault: &Vault, message: Option<Message>) -> tonic::Status {
    let requests = [OpenRouterSessionRequest { message }];
    vault
        .leases(ROUTER)
        .open_router_session(iter(requests))
        .await
        .map(drop)
        .unwrap_err()
}

async fn a_router_is_welcomed_with_its_freshness(vault: Vault) {
    let router = Router::open_router_session(&vault).await;
    assert_eq!(router.welcome.freshness.as_ref().unwrap().seconds, 30);
    assert!(router.welcome.revisions.is_empty());
    let other = Router::open_router_session(&vault).await;
    assert_ne!(router.session, other.session);
}

async fn a_keep_alive_is_answered_with_the_time_that_is_left(vault: Vault) {
    let router = Router::open_router_session(&vault).await;
    // Until the first read of the heads nothing is known to be current.
    let mut sequence = 1;
    while router
        .keeps_alive(sequence)
        .await
        .remaining
        .unwrap()
        .seconds
        < 30
    {
        sequence += 1;
        tokio::task::yield_now().await;
    }
    let answer = router.keeps_alive(sequence + 1).await;
    assert_eq!(answer.remaining.unwrap().seconds, 30);
}

async fn a_session_begins_with_hello(vault: Vault) {
    let keep_alive = Message::KeepAlive(KeepAlive { sequence: 1 });
    for message in [Some(keep_alive), None] {
        let status = refusal_of_first(&vault, message).await;
        let refused = refused::<()>(Err(status), Code::InvalidArgument, "HELLO_REQUIRED");
        assert_eq!(refused.fields, ["hello"]);
    }
    let outcome = vault
        .leases(ROUTER)
        .open_router_session(iter([]))
        .await
        .map(drop);
    refused(outcome, Code::InvalidArgument, "HELLO_REQUIRED");
}

async fn a_malformed_workspace_uid_is_refused(vault: Vault) {
    let held = ScopeRevision {
        workspace_uid: "acme".to_owned(),
        revision: 1,
    };
    let status = refusal_of_first(&vault, Some(Message::Hello(hello(&[held])))).await;
    let refused = refused::<()>(Err(status), Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refused.fields, ["hello.revisions.workspace_uid"]);
}

/// The uid of no workspace.
const GONE: &str = "9b2f6c1e-58a4-4c1e-9f0a-2f6f5a0c7d11";

async fn a_returning_router_gets_the_revisions_that_changed(vault: Vault) {
    acme(&vault).await;
    let router = Router::open_router_session(&vault).await;
    let mut held = revisions(&router).await;
    router.leaves().await;
    vault.create_key(ACME, "second").await;
    held.push(ScopeRevision {
        workspace_uid: GONE.to_owned(),
        revision: 4,
    });
    let router = Router::open_session_holding(&vault, &held).await;
    let expected = [
        ScopeRevision {
            workspace_uid: held[0].workspace_uid.clone(),
            revision: held[0].revision + 1,
        },
        ScopeRevision {
            workspace_uid: GONE.to_owned(),
            revision: i64::MAX,
        },
    ];
    assert_eq!(router.welcome.revisions, expected);
}

async fn a_returning_router_is_sent_changes_of_the_scopes_it_caches(vault: Vault) {
    acme(&vault).await;
    let router = Router::open_router_session(&vault).await;
    let held = revisions(&router).await;
    router.leaves().await;
    let router = Router::open_session_holding(&vault, &held).await;
    assert!(router.welcome.revisions.is_empty());
    let version = vault.first_version_uid("workspaces/acme/keys/main").await;
    let answer = vault
        .keys(OWNER)
        .disable_key(disable())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.propagation.unwrap().acknowledged_router_count, 1);
    let invalidation = router.invalidation(ACME, 0).await;
    assert_eq!(invalidation.revoked_key_versions, [version]);
}

async fn a_change_waits_for_a_disconnected_router_until_it_lapses(vault: Vault) {
    acme(&vault).await;
    let router = Router::open_router_session(&vault).await;
    router.obtains(resolve(ACME)).await;
    router.breaks_off().await;
    let mut client = vault.keys(OWNER);
    let disabling = tokio::spawn(async move { client.disable_key(disable()).await });
    while vault.get_key(NAME).await.state() != key::State::Disabled {}
    assert!(!disabling.is_finished());
    vault.clock.advance(Duration::from_secs(33));
    let propagation = disabling
        .await
        .unwrap()
        .unwrap()
        .into_inner()
        .propagation
        .unwrap();
    assert_eq!(propagation.acknowledged_router_count, 0);
    assert_eq!(propagation.fenced_router_count, 1);
}

async fn a_change_does_not_wait_for_a_router_that_left(vault: Vault) {
    acme(&vault).await;
    let router = Router::open_router_session(&vault).await;
    router.obtains(resolve(ACME)).await;
    assert_eq!(router.leaves().await.code(), Code::Ok);
    let answer = vault
        .keys(OWNER)
        .disable_key(disable())
        .await
        .unwrap()
        .into_inner();
    let propagation = answer.propagation.unwrap();
    assert_eq!(propagation.acknowledged_router_count, 0);
    assert_eq!(propagation.fenced_router_count, 0);
}

async fn a_router_without_keep_alives_lapses(vault: Vault) {
    let router = Router::open_router_session(&vault).await;
    vault.clock.advance(Duration::from_secs(33));
    refused::<()>(
        Err(router.ended().await),
        Code::Aborted,
        "ROUTER_SESSION_FENCED",
    );
}

async fn a_change_by_another_replica_is_sent(vault: Vault) {
    acme(&vault).await;
    let router = Router::open_router_session(&vault).await;
    let revision = revisions(&router).await[0].revision;
    let replica = vault.replica().await;
    let project = CreateProjectRequest {
        parent: ACME.to_owned(),
        project_id: "web".to_owned(),
        ..CreateProjectRequest::default()
    };
    replica
        .workspaces(OWNER)
        .create_project(project)
        .await
        .unwrap();
    let invalidation = router.invalidation(ACME, 0).await;
    assert_eq!(
        (
            invalidation.revision,
            invalidation.revoked_key_versions.len()
        ),
        (revision + 1, 0)
    );
    let answer = replica
        .keys(OWNER)
        .disable_key(disable())
        .await
        .unwrap()
        .into_inner();
    // Only routers of the same replica are counted; the message is sent all the same.
    assert_eq!(answer.propagation.unwrap().acknowledged_router_count, 0);
    let invalidation = router.invalidation(ACME, 1).await;
    assert_eq!(invalidation.revision, revision + 2);
}

async fn a_stopping_vault_ends_sessions_with_its_reason(vault: Vault) {
    let router = Router::open_router_session(&vault).await;
    vault.drain.start();
    let refused = refused::<()>(
        Err(router.ended().await),
        Code::Unavailable,
        "VAULT_STOPPING",
    );
    assert!(refused.retry_after.is_some());
}

async fn only_routers_open_router_sessions(vault: Vault) {
    for who in [OPERATOR, OWNER] {
        let hello = Hello {
            instance: "x".to_owned(),
            ..Hello::default()
        };
        let outcome = Router::open_session_as(&vault, who, hello).await.map(drop);
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}
