//! `VerifyKey`.

use std::time::Duration;

use latchkey_contract::vault::v1::{
    AddKeyVersionRequest, DeleteKeyRequest, DisableKeyRequest, VerifyKeyRequest, verification,
};
use tonic::Code;

use crate::harness::{
    ACME_OWNER, OPERATOR, OWNER, Router, Vault, alive, api_key, material, refused, rejected,
    resolve, secret, unreachable,
};
use crate::on_both_databases;

on_both_databases!(
    the_stored_material_is_verified_with_its_provider,
    a_refused_verification_changes_nothing,
    a_provider_that_does_not_answer_changes_nothing,
    a_disabled_key_can_be_checked,
    the_outcome_of_a_replaced_version_is_returned_and_not_stored,
    the_outcome_of_a_deleted_key_is_returned_and_not_stored,
    a_verification_makes_no_router_choose_again,
    a_missing_key_is_not_found,
    only_permitted_callers_verify_keys,
);

const ACME: &str = "workspaces/acme";
const NAME: &str = "workspaces/acme/keys/main";

fn request(name: &str) -> VerifyKeyRequest {
    VerifyKeyRequest {
        name: name.to_owned(),
    }
}

async fn acme(vault: &Vault) -> Router {
    vault.create_workspace("acme").await;
    vault.create_key(ACME, "main").await;
    Router::open_router_session(vault).await
}

async fn the_stored_material_is_verified_with_its_provider(vault: Vault) {
    let router = acme(&vault).await;
    vault.clock.advance(Duration::from_secs(5));
    let answer = vault
        .keys(ACME_OWNER)
        .verify_key(request(NAME))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.grade(), verification::Grade::Alive);
    assert_eq!(answer.verify_time.unwrap().seconds, 1_795_262_405);
    let tasks = router.tasks();
    assert_eq!(api_key(tasks[0].material.as_ref()), secret(ACME, "main"));
    assert_eq!(
        (tasks[0].provider.as_str(), tasks[0].base_url.as_str()),
        ("openai", "")
    );
    let key = vault.get_key(NAME).await;
    assert_eq!(key.verification, Some(answer));
    assert_eq!(key.etag, "r1");
}

async fn a_refused_verification_changes_nothing(vault: Vault) {
    let router = acme(&vault).await;
    let before = vault.get_key(NAME).await;
    router.answers_tasks(rejected());
    let outcome = vault.keys(OWNER).verify_key(request(NAME)).await;
    let refused = refused(outcome, Code::FailedPrecondition, "PROVIDER_REJECTED_KEY");
    assert_eq!(
        refused.metadata["provider_message"],
        "Incorrect API key provided"
    );
    assert_eq!(vault.get_key(NAME).await, before);
}

async fn a_provider_that_does_not_answer_changes_nothing(vault: Vault) {
    let router = acme(&vault).await;
    let before = vault.get_key(NAME).await;
    router.answers_tasks(unreachable());
    let outcome = vault.keys(OWNER).verify_key(request(NAME)).await;
    refused(outcome, Code::Unavailable, "PROVIDER_UNAVAILABLE");
    router.leaves().await;
    let outcome = vault.keys(OWNER).verify_key(request(NAME)).await;
    refused(outcome, Code::Unavailable, "NO_ROUTER_CONNECTED");
    assert_eq!(vault.get_key(NAME).await, before);
}

async fn a_disabled_key_can_be_checked(vault: Vault) {
    let _router = acme(&vault).await;
    let disable = DisableKeyRequest {
        name: NAME.to_owned(),
        etag: String::new(),
    };
    vault.keys(OWNER).disable_key(disable).await.unwrap();
    vault.keys(OWNER).verify_key(request(NAME)).await.unwrap();
}

/// Verifies a key that its provider accepts, and changes the key during the check.
async fn while_asked(vault: &Vault, change: impl AsyncFnOnce()) {
    let router = acme(vault).await;
    router.answers_tasks(None);
    let mut client = vault.keys(OWNER);
    let verifying = tokio::spawn(async move { client.verify_key(request(NAME)).await });
    let task = router.task().await;
    change().await;
    router.brings_back(&task, alive());
    let answer = verifying.await.unwrap().unwrap().into_inner();
    assert_eq!(answer.grade(), verification::Grade::Alive);
    let stored = vault.get_key(NAME).await.verification.unwrap();
    assert_eq!(stored.grade(), verification::Grade::Format);
}

async fn the_outcome_of_a_replaced_version_is_returned_and_not_stored(vault: Vault) {
    let replace = async || {
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
}

async fn the_outcome_of_a_deleted_key_is_returned_and_not_stored(vault: Vault) {
    let recreate = async || {
        let delete = DeleteKeyRequest {
            name: NAME.to_owned(),
            etag: String::new(),
        };
        vault.keys(OWNER).delete_key(delete).await.unwrap();
        vault.create_key(ACME, "main").await;
    };
    while_asked(&vault, recreate).await;
}

async fn a_verification_makes_no_router_choose_again(vault: Vault) {
    let router = acme(&vault).await;
    router.obtains(resolve(ACME)).await;
    vault.keys(OWNER).verify_key(request(NAME)).await.unwrap();
    router.keeps_alive(1).await;
    assert!(router.invalidations().is_empty());
}

async fn a_missing_key_is_not_found(vault: Vault) {
    vault.create_workspace("acme").await;
    let outcome = vault.keys(OWNER).verify_key(request(NAME)).await;
    refused(outcome, Code::NotFound, "KEY_NOT_FOUND");
}

async fn only_permitted_callers_verify_keys(vault: Vault) {
    acme(&vault).await;
    vault.create_workspace("other").await;
    vault.create_key("workspaces/other", "main").await;
    for (who, name) in [(ACME_OWNER, "workspaces/other/keys/main"), (OPERATOR, NAME)] {
        let outcome = vault.keys(who).verify_key(request(name)).await;
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}
