//! Changes of a key during its recheck, at the same vault and at another.

use latchkey_contract::vault::v1::{
    AddKeyVersionRequest, DeleteKeyRequest, DisableKeyRequest, EnableKeyRequest, key, verification,
};

use super::{ACME, INTERVAL, NAME, acme, is_refused, later, recheck_count};
use crate::harness::{OWNER, Router, Vault, alive, material, rejected, secret};
use crate::on_both_databases;

on_both_databases!(
    the_outcome_of_a_replaced_version_does_not_count,
    a_key_that_was_disabled_during_the_check_stays_disabled,
    a_key_that_was_refused_again_stays_quarantined,
    a_refused_recheck_does_not_quarantine_an_enabled_key,
    another_key_of_the_same_name_is_not_changed,
    two_vaults_readmit_a_key_once,
);

/// A router that takes its time, an interval after a key was set aside.
async fn asked_later(vault: &Vault) -> Router {
    let router = acme(vault).await;
    is_refused(vault, &router, NAME).await;
    let router = later(vault, router, INTERVAL).await;
    router.answers_tasks(None);
    router
}

/// Changes a key during a recheck that its provider accepts.
async fn while_asked(vault: &Vault, change: impl AsyncFnOnce(&Router)) {
    let router = asked_later(vault).await;
    let changed = async {
        let task = router.task().await;
        Box::pin(change(&router)).await;
        router.brings_back(&task, alive());
    };
    tokio::join!(vault.checks_again(), changed);
    assert_eq!(recheck_count(vault, ACME).await, 0);
}

async fn enable(vault: &Vault) {
    let enable = EnableKeyRequest {
        name: NAME.to_owned(),
        etag: String::new(),
    };
    vault.keys(OWNER).enable_key(enable).await.unwrap();
}

async fn the_outcome_of_a_replaced_version_does_not_count(vault: Vault) {
    let replace = async |_: &Router| {
        let replacement = AddKeyVersionRequest {
            name: NAME.to_owned(),
            material: material(&secret(ACME, "b")),
            skip_verification: true,
            ..AddKeyVersionRequest::default()
        };
        let mut keys = vault.keys(OWNER);
        keys.add_key_version(replacement).await.unwrap();
    };
    while_asked(&vault, replace).await;
    let key = vault.get_key(NAME).await;
    assert_eq!(key.current_version, format!("{NAME}/versions/2"));
    let checked = key.verification.unwrap();
    assert_eq!(checked.grade(), verification::Grade::Format);
}

async fn a_key_that_was_disabled_during_the_check_stays_disabled(vault: Vault) {
    let disable = async |_: &Router| {
        let disable = DisableKeyRequest {
            name: NAME.to_owned(),
            etag: String::new(),
        };
        vault.keys(OWNER).disable_key(disable).await.unwrap();
    };
    while_asked(&vault, disable).await;
    assert_eq!(vault.get_key(NAME).await.state(), key::State::Disabled);
    vault.clock.advance(INTERVAL);
    let router = Router::open_router_session(&vault).await;
    vault.checks_again().await;
    assert!(router.tasks().is_empty());
}

async fn a_key_that_was_refused_again_stays_quarantined(vault: Vault) {
    let refuse_anew = async |router: &Router| {
        enable(&vault).await;
        is_refused(&vault, router, NAME).await;
    };
    while_asked(&vault, refuse_anew).await;
    assert_eq!(vault.get_key(NAME).await.state(), key::State::Quarantined);
}

async fn a_refused_recheck_does_not_quarantine_an_enabled_key(vault: Vault) {
    let router = asked_later(&vault).await;
    let enabled = async {
        let task = router.task().await;
        enable(&vault).await;
        let enabled = vault.get_key(NAME).await;
        router.brings_back(&task, rejected());
        enabled
    };
    let ((), enabled) = tokio::join!(vault.checks_again(), enabled);
    assert_eq!(enabled.state(), key::State::Active);
    assert_eq!(vault.get_key(NAME).await, enabled);
}

async fn another_key_of_the_same_name_is_not_changed(vault: Vault) {
    let recreate = async |router: &Router| {
        let delete = DeleteKeyRequest {
            name: NAME.to_owned(),
            etag: String::new(),
        };
        vault.keys(OWNER).delete_key(delete).await.unwrap();
        vault.create_key(ACME, "main").await;
        // As the first one: refused, and changed once.
        is_refused(&vault, router, NAME).await;
    };
    while_asked(&vault, recreate).await;
    let key = vault.get_key(NAME).await;
    assert_eq!(
        (key.state(), key.etag.as_str()),
        (key::State::Quarantined, "r2")
    );
}

async fn two_vaults_readmit_a_key_once(vault: Vault) {
    let router = asked_later(&vault).await;
    let replica = vault.replica().await;
    let other = Router::open_router_session(&replica).await;
    other.answers_tasks(None);
    let answered = async {
        let tasks = (router.task().await, other.task().await);
        router.brings_back(&tasks.0, alive());
        other.brings_back(&tasks.1, alive());
    };
    tokio::join!(vault.checks_again(), replica.checks_again(), answered);
    let key = vault.get_key(NAME).await;
    assert_eq!((key.state(), key.etag.as_str()), (key::State::Active, "r3"));
    assert_eq!(recheck_count(&vault, ACME).await, 1);
}
