//! `DisableKey`.

use std::time::Duration;

use latchkey_contract::vault::v1::{DisableKeyRequest, GetKeyRequest, key};
use tonic::Code;

use crate::harness::{ACME_OWNER, OPERATOR, OTHER_ROUTER, OWNER, Router, Vault, refused, resolve};
use crate::on_both_databases;

on_both_databases!(
    a_disabled_key_is_not_leased,
    disabling_twice_changes_nothing_and_is_confirmed_again,
    every_router_that_depends_on_the_key_confirms,
    a_router_that_does_not_depend_on_the_key_gets_no_message,
    a_silent_router_is_fenced,
    a_workspace_of_the_same_name_as_before_is_confirmed_anew,
    a_stale_etag_is_refused,
    a_missing_key_is_not_found,
    only_permitted_callers_disable_keys,
);

const ACME: &str = "workspaces/acme";
const NAME: &str = "workspaces/acme/keys/main";

fn request(name: &str) -> DisableKeyRequest {
    DisableKeyRequest {
        name: name.to_owned(),
        etag: String::new(),
    }
}

async fn acme(vault: &Vault) {
    vault.create_workspace("acme").await;
    vault.create_key(ACME, "main").await;
}

async fn a_disabled_key_is_not_leased(vault: Vault) {
    acme(&vault).await;
    let router = Router::open_router_session(&vault).await;
    router.obtains(resolve(ACME)).await;
    let answer = vault
        .keys(ACME_OWNER)
        .disable_key(request(NAME))
        .await
        .unwrap()
        .into_inner();
    let key = answer.key.unwrap();
    assert_eq!(
        (key.state(), key.etag.as_str()),
        (key::State::Disabled, "r2")
    );
    let outcome = router.resolve(resolve(ACME)).await;
    let refused = refused(outcome, Code::FailedPrecondition, "OWN_KEY_REQUIRED");
    assert_eq!(refused.metadata[NAME], "KEY_DISABLED");
}

async fn disabling_twice_changes_nothing_and_is_confirmed_again(vault: Vault) {
    acme(&vault).await;
    let router = Router::open_router_session(&vault).await;
    router.obtains(resolve(ACME)).await;
    let mut client = vault.keys(OWNER);
    let first = client
        .disable_key(request(NAME))
        .await
        .unwrap()
        .into_inner();
    let second = client
        .disable_key(request(NAME))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(first.key, second.key);
    let (first, second) = (first.propagation.unwrap(), second.propagation.unwrap());
    assert_eq!(second.acknowledged_router_count, 1);
    assert_eq!(second.revision, first.revision + 1);
}

async fn every_router_that_depends_on_the_key_confirms(vault: Vault) {
    acme(&vault).await;
    let mut routers = Vec::new();
    for calls in [2, 3] {
        let router = Router::open_router_session(&vault).await;
        router.obtains(resolve(ACME)).await;
        router.has_in_flight(calls);
        routers.push(router);
    }
    routers[1].keeps_silent();
    let mut client = vault.keys(OWNER);
    let disabling = tokio::spawn(async move { client.disable_key(request(NAME)).await });
    let invalidation = routers[1].invalidation(ACME, 0).await;
    routers[0].invalidation(ACME, 0).await;
    assert!(!disabling.is_finished());
    vault.clock.advance(Duration::from_millis(7));
    routers[1].confirms(&invalidation, 3);
    let propagation = disabling
        .await
        .unwrap()
        .unwrap()
        .into_inner()
        .propagation
        .unwrap();
    assert_eq!(propagation.acknowledged_router_count, 2);
    assert_eq!(propagation.fenced_router_count, 0);
    assert_eq!(propagation.in_flight_count, 5);
    assert_eq!(propagation.revision, invalidation.revision);
    assert_eq!(propagation.elapsed.unwrap().nanos, 7_000_000);
}

async fn a_router_that_does_not_depend_on_the_key_gets_no_message(vault: Vault) {
    acme(&vault).await;
    vault.create_workspace("other").await;
    vault.create_key("workspaces/other", "main").await;
    let idle = Router::open_router_session(&vault).await;
    let busy = Router::open_router_session(&vault).await;
    busy.obtains(resolve("workspaces/other")).await;
    let answer = vault
        .keys(OWNER)
        .disable_key(request(NAME))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.propagation.unwrap().acknowledged_router_count, 0);
    for router in [idle, busy] {
        // The messages of a session keep their order: an invalidation would come before the answer.
        router.keeps_alive(1).await;
        assert!(router.invalidations().is_empty());
    }
}

async fn a_silent_router_is_fenced(vault: Vault) {
    acme(&vault).await;
    let router = Router::open_router_session(&vault).await;
    router.obtains(resolve(ACME)).await;
    router.keeps_silent();
    let mut client = vault.keys(OWNER);
    let disabling = tokio::spawn(async move { client.disable_key(request(NAME)).await });
    router.invalidation(ACME, 0).await;
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
    refused::<()>(
        Err(router.ended().await),
        Code::Aborted,
        "ROUTER_SESSION_FENCED",
    );
}

async fn a_workspace_of_the_same_name_as_before_is_confirmed_anew(vault: Vault) {
    acme(&vault).await;
    let router = Router::open_session_as(&vault, OTHER_ROUTER, crate::harness::hello(&[]))
        .await
        .unwrap();
    router.obtains(resolve(ACME)).await;
    vault.keys(OWNER).disable_key(request(NAME)).await.unwrap();
    let name = ACME.to_owned();
    let delete = latchkey_contract::vault::v1::DeleteWorkspaceRequest {
        name,
        force: true,
        ..Default::default()
    };
    vault
        .workspaces(OPERATOR)
        .delete_workspace(delete)
        .await
        .unwrap();
    acme(&vault).await;
    router.obtains(resolve(ACME)).await;
    let seen = router
        .invalidations()
        .iter()
        .filter(|invalidation| invalidation.scope == ACME)
        .count();
    router.keeps_silent();
    let mut client = vault.keys(OWNER);
    let disabling = tokio::spawn(async move { client.disable_key(request(NAME)).await });
    let invalidation = router.invalidation(ACME, seen).await;
    assert!(!disabling.is_finished());
    router.confirms(&invalidation, 4);
    let propagation = disabling
        .await
        .unwrap()
        .unwrap()
        .into_inner()
        .propagation
        .unwrap();
    assert_eq!(
        (
            propagation.acknowledged_router_count,
            propagation.in_flight_count
        ),
        (1, 4)
    );
}

async fn a_stale_etag_is_refused(vault: Vault) {
    acme(&vault).await;
    let request = DisableKeyRequest {
        etag: "r2".to_owned(),
        ..request(NAME)
    };
    refused(
        vault.keys(OWNER).disable_key(request).await,
        Code::Aborted,
        "ETAG_MISMATCH",
    );
    let get = GetKeyRequest {
        name: NAME.to_owned(),
    };
    let key = vault.keys(OWNER).get_key(get).await.unwrap().into_inner();
    assert_eq!(key.state(), key::State::Active);
}

async fn a_missing_key_is_not_found(vault: Vault) {
    vault.create_workspace("acme").await;
    let outcome = vault.keys(OWNER).disable_key(request(NAME)).await;
    refused(outcome, Code::NotFound, "KEY_NOT_FOUND");
}

async fn only_permitted_callers_disable_keys(vault: Vault) {
    acme(&vault).await;
    vault.create_workspace("other").await;
    vault.create_key("workspaces/other", "main").await;
    for (who, name) in [(ACME_OWNER, "workspaces/other/keys/main"), (OPERATOR, NAME)] {
        let outcome = vault.keys(who).disable_key(request(name)).await;
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}
