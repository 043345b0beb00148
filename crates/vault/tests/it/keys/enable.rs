//! `EnableKey`.

use latchkey_contract::vault::v1::{DisableKeyRequest, EnableKeyRequest, key};
use tonic::Code;

use crate::harness::{ACME_OWNER, OPERATOR, OWNER, Router, Vault, refused, resolve};
use crate::on_both_databases;

on_both_databases!(
    a_disabled_key_is_leased_again,
    a_quarantined_key_is_leased_again,
    enabling_twice_changes_nothing,
    a_stale_etag_is_refused,
    a_missing_key_is_not_found,
    only_permitted_callers_enable_keys,
);

const ACME: &str = "workspaces/acme";
const NAME: &str = "workspaces/acme/keys/main";

fn request(name: &str) -> EnableKeyRequest {
    EnableKeyRequest {
        name: name.to_owned(),
        etag: String::new(),
    }
}

async fn acme(vault: &Vault) {
    vault.create_workspace("acme").await;
    vault.create_key(ACME, "main").await;
}

async fn a_disabled_key_is_leased_again(vault: Vault) {
    acme(&vault).await;
    let router = Router::open_router_session(&vault).await;
    let disable = DisableKeyRequest {
        name: NAME.to_owned(),
        etag: String::new(),
    };
    vault.keys(OWNER).disable_key(disable).await.unwrap();
    let enabled = vault
        .keys(ACME_OWNER)
        .enable_key(request(NAME))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (enabled.state(), enabled.etag.as_str()),
        (key::State::Active, "r3")
    );
    router.obtains(resolve(ACME)).await;
}

async fn a_quarantined_key_is_leased_again(vault: Vault) {
    acme(&vault).await;
    let router = Router::open_router_session(&vault).await;
    let lease = router.obtains(resolve(ACME)).await;
    router.reports(&lease.key_version_uid);
    router.invalidation(ACME, 0).await;
    assert_eq!(vault.get_key(NAME).await.state(), key::State::Quarantined);
    let enabled = vault
        .keys(OWNER)
        .enable_key(request(NAME))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (enabled.state(), enabled.state_detail.as_str()),
        (key::State::Active, "")
    );
    router.obtains(resolve(ACME)).await;
}

async fn enabling_twice_changes_nothing(vault: Vault) {
    acme(&vault).await;
    let before = vault.get_key(NAME).await;
    let after = vault
        .keys(OWNER)
        .enable_key(request(NAME))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(after, before);
}

async fn a_stale_etag_is_refused(vault: Vault) {
    acme(&vault).await;
    let request = EnableKeyRequest {
        etag: "r2".to_owned(),
        ..request(NAME)
    };
    refused(
        vault.keys(OWNER).enable_key(request).await,
        Code::Aborted,
        "ETAG_MISMATCH",
    );
}

async fn a_missing_key_is_not_found(vault: Vault) {
    vault.create_workspace("acme").await;
    let outcome = vault.keys(OWNER).enable_key(request(NAME)).await;
    refused(outcome, Code::NotFound, "KEY_NOT_FOUND");
}

async fn only_permitted_callers_enable_keys(vault: Vault) {
    acme(&vault).await;
    vault.create_workspace("other").await;
    vault.create_key("workspaces/other", "main").await;
    for (who, name) in [(ACME_OWNER, "workspaces/other/keys/main"), (OPERATOR, NAME)] {
        let outcome = vault.keys(who).enable_key(request(name)).await;
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}
