//! `GetKey`.

use latchkey_contract::vault::v1::{CreateKeyRequest, GetKeyRequest, Key, key};
use prost::Message as _;
use tonic::Code;

use crate::harness::{
    ACME_OWNER, OPERATOR, OWNER, Router, Vault, create_key, key_of, refused, resolve, secret,
};
use crate::on_both_databases;

on_both_databases!(
    owners_see_a_key_without_its_material,
    operators_see_the_platforms_keys_alone,
    a_missing_key_is_not_found,
    another_workspaces_key_looks_the_same_whether_it_exists_or_not,
    a_key_past_its_expiry_is_shown_as_expired,
    the_last_use_is_stored_to_the_minute,
    a_malformed_name_is_refused,
);

const NAME: &str = "workspaces/acme/keys/main";

fn request(name: &str) -> GetKeyRequest {
    GetKeyRequest {
        name: name.to_owned(),
    }
}

async fn acme(vault: &Vault) -> Key {
    vault.create_workspace("acme").await;
    vault.create_key("workspaces/acme", "main").await
}

async fn owners_see_a_key_without_its_material(vault: Vault) {
    let created = acme(&vault).await;
    for who in [OWNER, ACME_OWNER] {
        let found = vault
            .keys(who)
            .get_key(request(NAME))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(found, created);
        let bytes = found.encode_to_vec();
        let secret = secret("workspaces/acme", "main");
        for part in secret.as_bytes().windows(12) {
            assert!(!bytes.windows(12).any(|window| window == part));
        }
    }
}

async fn operators_see_the_platforms_keys_alone(vault: Vault) {
    acme(&vault).await;
    vault.create_key("platform", "shared").await;
    vault
        .keys(OPERATOR)
        .get_key(request("platform/keys/shared"))
        .await
        .unwrap();
    let outcome = vault.keys(OPERATOR).get_key(request(NAME)).await;
    refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    let outcome = vault
        .keys(OWNER)
        .get_key(request("platform/keys/shared"))
        .await;
    refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
}

async fn a_missing_key_is_not_found(vault: Vault) {
    acme(&vault).await;
    vault.create_project("acme", "web").await;
    for (name, reason) in [
        ("workspaces/acme/keys/other", "KEY_NOT_FOUND"),
        ("workspaces/acme/projects/web/keys/main", "KEY_NOT_FOUND"),
        (
            "workspaces/acme/projects/app/keys/main",
            "PROJECT_NOT_FOUND",
        ),
        ("workspaces/nowhere/keys/main", "WORKSPACE_NOT_FOUND"),
    ] {
        refused(
            vault.keys(OWNER).get_key(request(name)).await,
            Code::NotFound,
            reason,
        );
    }
}

async fn another_workspaces_key_looks_the_same_whether_it_exists_or_not(vault: Vault) {
    vault.create_workspace("other").await;
    vault.create_key("workspaces/other", "main").await;
    let mut client = vault.keys(ACME_OWNER);
    let existing = client.get_key(request("workspaces/other/keys/main")).await;
    let existing = refused(existing, Code::PermissionDenied, "PERMISSION_DENIED");
    let missing = client
        .get_key(request("workspaces/other/keys/missing"))
        .await;
    let missing = refused(missing, Code::PermissionDenied, "PERMISSION_DENIED");
    assert_eq!(
        (existing.message, existing.metadata),
        (missing.message, missing.metadata)
    );
}

async fn a_key_past_its_expiry_is_shown_as_expired(vault: Vault) {
    vault.create_workspace("acme").await;
    let expire_time = prost_types::Timestamp {
        seconds: 1_795_262_400 + 60,
        nanos: 0,
    };
    let key = Some(Key {
        expire_time: Some(expire_time),
        ..key_of("openai")
    });
    let request = CreateKeyRequest {
        key,
        ..create_key("workspaces/acme", "main")
    };
    assert_eq!(vault.store_key(request).await.state(), key::State::Active);
    vault.clock.advance(std::time::Duration::from_mins(1));
    assert_eq!(vault.get_key(NAME).await.state(), key::State::Expired);
}

async fn the_last_use_is_stored_to_the_minute(vault: Vault) {
    let before = acme(&vault).await;
    let used = async || {
        // Anew each time: a session does not outlive the minute.
        let router = Router::open_router_session(&vault).await;
        router.obtains(resolve("workspaces/acme")).await;
        let key = vault.get_key(NAME).await;
        assert_eq!(
            (&key.etag, key.update_time),
            (&before.etag, before.update_time)
        );
        key.last_used_time.unwrap().seconds - before.create_time.unwrap().seconds
    };
    assert_eq!(used().await, 0);
    vault.clock.advance(std::time::Duration::from_secs(59));
    assert_eq!(used().await, 0);
    vault.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(used().await, 60);
}

async fn a_malformed_name_is_refused(vault: Vault) {
    for name in [
        "",
        "keys/main",
        "workspaces/acme/keys/Main",
        "platform/keys/",
        "a/b/c/d",
    ] {
        let outcome = vault.keys(OWNER).get_key(request(name)).await;
        assert_eq!(
            refused(outcome, Code::InvalidArgument, "FIELD_INVALID").fields,
            ["name"]
        );
    }
}
