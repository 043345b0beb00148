//! `AddKeyVersion`: the exchange. The verification of the material is in `intake`.

use latchkey_contract::vault::v1::audit_event::Decision;
use latchkey_contract::vault::v1::{AddKeyVersionRequest, AuditEvent, DisableKeyRequest, key};
use tonic::Code;

use crate::harness::{
    ACME_OWNER, OPERATOR, OWNER, Router, SECRET_TAIL, Vault, api_key, material, refused, resolve,
    secret,
};
use crate::on_both_databases;

on_both_databases!(
    the_next_call_uses_the_new_material,
    routers_confirm_that_the_old_version_is_gone,
    the_address_stays_unless_another_is_given,
    a_new_version_ends_a_quarantine,
    a_disabled_key_stays_disabled,
    rotations_under_cold_calls_fail_no_call,
    its_own_material_may_be_given_again,
    another_keys_material_is_refused,
    the_same_request_id_returns_the_first_answer_and_is_confirmed_again,
    repeats_at_the_same_time_add_one_version,
    a_request_id_is_good_for_one_request,
    a_stale_etag_is_refused,
    a_missing_key_or_parent_is_not_found,
    a_malformed_field_is_named,
    only_permitted_callers_add_versions,
);

const ACME: &str = "workspaces/acme";
const NAME: &str = "workspaces/acme/keys/main";
const REQUEST_ID: &str = "16fd2706-8baf-433b-82eb-8c7fada847da";

fn request(material_id: &str) -> AddKeyVersionRequest {
    AddKeyVersionRequest {
        name: NAME.to_owned(),
        material: material(&secret(ACME, material_id)),
        skip_verification: true,
        ..AddKeyVersionRequest::default()
    }
}

fn repeatable(material_id: &str) -> AddKeyVersionRequest {
    AddKeyVersionRequest {
        request_id: REQUEST_ID.to_owned(),
        ..request(material_id)
    }
}

async fn acme(vault: &Vault) {
    vault.create_workspace("acme").await;
    vault.create_key(ACME, "main").await;
}

/// Cold calls read the key and its version while other calls replace the version.
async fn rotations_under_cold_calls_fail_no_call(vault: Vault) {
    const ROTATIONS: usize = 100;
    const CALLERS: usize = 16;
    acme(&vault).await;
    let router = std::sync::Arc::new(Router::open_router_session(&vault).await);
    let (rotated, rotations) = tokio::sync::watch::channel(false);
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (router, rotations) = (std::sync::Arc::clone(&router), rotations.clone());
            tokio::spawn(async move {
                let mut calls = 0;
                while !*rotations.borrow() {
                    router.resolve(resolve(ACME)).await.unwrap();
                    calls += 1;
                }
                calls
            })
        })
        .collect();
    let mut client = vault.keys(OWNER);
    for number in 0..ROTATIONS {
        let request = request(&format!("rotation-{number}"));
        client.add_key_version(request).await.unwrap();
    }
    rotated.send_replace(true);
    let mut calls = 0;
    for caller in callers {
        calls += caller.await.unwrap();
    }
    assert!(calls > ROTATIONS, "{calls}");
    let events = vault.events(ACME).await;
    let is_alarm = |event: &&AuditEvent| event.decision() == Decision::IntegrityFailure;
    assert_eq!(events.iter().filter(is_alarm).count(), 0);
}

async fn the_next_call_uses_the_new_material(vault: Vault) {
    acme(&vault).await;
    let router = Router::open_router_session(&vault).await;
    assert_eq!(
        api_key(router.obtains(resolve(ACME)).await.material.as_ref()),
        secret(ACME, "main")
    );
    let answer = vault
        .keys(ACME_OWNER)
        .add_key_version(request("b"))
        .await
        .unwrap()
        .into_inner();
    let key = answer.key.unwrap();
    assert_eq!(key.current_version, "workspaces/acme/keys/main/versions/2");
    assert_eq!(
        (key.etag.as_str(), key.material_tail.as_str()),
        ("r2", SECRET_TAIL)
    );
    let lease = router.obtains(resolve(ACME)).await;
    assert_eq!(lease.key_version, "workspaces/acme/keys/main/versions/2");
    assert_eq!(api_key(lease.material.as_ref()), secret(ACME, "b"));
}

async fn routers_confirm_that_the_old_version_is_gone(vault: Vault) {
    acme(&vault).await;
    let router = Router::open_router_session(&vault).await;
    let lease = router.obtains(resolve(ACME)).await;
    router.keeps_silent();
    let mut client = vault.keys(OWNER);
    let adding = tokio::spawn(async move { client.add_key_version(request("b")).await });
    let invalidation = router.invalidation(ACME, 0).await;
    assert_eq!(invalidation.revoked_key_versions, [lease.key_version_uid]);
    assert!(!adding.is_finished());
    router.confirms(&invalidation, 1);
    let propagation = adding
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
        (1, 1)
    );
    assert_eq!(propagation.revision, invalidation.revision);
}

async fn the_address_stays_unless_another_is_given(vault: Vault) {
    acme(&vault).await;
    let mut client = vault.keys(OWNER);
    for (base_url, expected) in [
        ("", ""),
        ("https://llm.example/v1", "https://llm.example/v1"),
        ("", "https://llm.example/v1"),
    ] {
        let base_url = base_url.to_owned();
        let request = AddKeyVersionRequest {
            base_url,
            ..request("b")
        };
        let answer = client.add_key_version(request).await.unwrap().into_inner();
        assert_eq!(answer.key.unwrap().base_url, expected);
    }
}

async fn a_new_version_ends_a_quarantine(vault: Vault) {
    acme(&vault).await;
    let router = Router::open_router_session(&vault).await;
    let lease = router.obtains(resolve(ACME)).await;
    router.reports(&lease.key_version_uid);
    router.invalidation(ACME, 0).await;
    let answer = vault
        .keys(OWNER)
        .add_key_version(request("b"))
        .await
        .unwrap()
        .into_inner();
    let key = answer.key.unwrap();
    assert_eq!(
        (key.state(), key.state_detail.as_str()),
        (key::State::Active, "")
    );
}

async fn a_disabled_key_stays_disabled(vault: Vault) {
    acme(&vault).await;
    let mut client = vault.keys(OWNER);
    let disable = DisableKeyRequest {
        name: NAME.to_owned(),
        etag: String::new(),
    };
    client.disable_key(disable).await.unwrap();
    let answer = client
        .add_key_version(request("b"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.key.unwrap().state(), key::State::Disabled);
}

async fn its_own_material_may_be_given_again(vault: Vault) {
    acme(&vault).await;
    vault
        .keys(OWNER)
        .add_key_version(request("main"))
        .await
        .unwrap();
}

async fn another_keys_material_is_refused(vault: Vault) {
    acme(&vault).await;
    vault.create_key(ACME, "other").await;
    let outcome = vault.keys(OWNER).add_key_version(request("other")).await;
    let refused = refused(outcome, Code::AlreadyExists, "DUPLICATE_MATERIAL");
    assert_eq!(refused.metadata["key"], "workspaces/acme/keys/other");
}

async fn the_same_request_id_returns_the_first_answer_and_is_confirmed_again(vault: Vault) {
    acme(&vault).await;
    let router = Router::open_router_session(&vault).await;
    router.obtains(resolve(ACME)).await;
    let mut client = vault.keys(OWNER);
    let first = client
        .add_key_version(repeatable("b"))
        .await
        .unwrap()
        .into_inner();
    router.obtains(resolve(ACME)).await;
    // A caller that missed the first answer learns from the second one that routers confirmed.
    let second = client
        .add_key_version(repeatable("b"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(first.key, second.key);
    let propagation = second.propagation.unwrap();
    assert_eq!(propagation.acknowledged_router_count, 1);
    assert_eq!(propagation.revision, first.propagation.unwrap().revision);
}

async fn repeats_at_the_same_time_add_one_version(vault: Vault) {
    acme(&vault).await;
    let calls = (0..8).map(|_| {
        let mut client = vault.keys(OWNER);
        tokio::spawn(async move { client.add_key_version(repeatable("b")).await })
    });
    for call in calls.collect::<Vec<_>>() {
        let key = call.await.unwrap().unwrap().into_inner().key.unwrap();
        assert_eq!(key.current_version, "workspaces/acme/keys/main/versions/2");
    }
}

async fn a_request_id_is_good_for_one_request(vault: Vault) {
    acme(&vault).await;
    let mut client = vault.keys(OWNER);
    client.add_key_version(repeatable("b")).await.unwrap();
    let outcome = client.add_key_version(repeatable("c")).await;
    refused(outcome, Code::AlreadyExists, "REQUEST_ID_REUSED");
}

async fn a_stale_etag_is_refused(vault: Vault) {
    acme(&vault).await;
    let router = Router::open_router_session(&vault).await;
    let etag = "r2".to_owned();
    let request = AddKeyVersionRequest {
        etag,
        skip_verification: false,
        ..request("b")
    };
    let outcome = vault.keys(OWNER).add_key_version(request).await;
    refused(outcome, Code::Aborted, "ETAG_MISMATCH");
    assert!(router.tasks().is_empty());
}

async fn a_missing_key_or_parent_is_not_found(vault: Vault) {
    vault.create_workspace("acme").await;
    for (name, reason) in [
        (NAME, "KEY_NOT_FOUND"),
        (
            "workspaces/acme/projects/web/keys/main",
            "PROJECT_NOT_FOUND",
        ),
        ("workspaces/nowhere/keys/main", "WORKSPACE_NOT_FOUND"),
    ] {
        let request = AddKeyVersionRequest {
            name: name.to_owned(),
            ..request("b")
        };
        refused(
            vault.keys(OWNER).add_key_version(request).await,
            Code::NotFound,
            reason,
        );
    }
}

async fn a_malformed_field_is_named(vault: Vault) {
    acme(&vault).await;
    for (request, field) in [
        (
            AddKeyVersionRequest {
                name: "main".to_owned(),
                ..request("b")
            },
            "name",
        ),
        (
            AddKeyVersionRequest {
                material: None,
                ..request("b")
            },
            "material",
        ),
        (
            AddKeyVersionRequest {
                request_id: "x".to_owned(),
                ..request("b")
            },
            "request_id",
        ),
    ] {
        let outcome = vault.keys(OWNER).add_key_version(request).await;
        assert_eq!(
            refused(outcome, Code::InvalidArgument, "FIELD_INVALID").fields,
            [field]
        );
    }
}

async fn only_permitted_callers_add_versions(vault: Vault) {
    acme(&vault).await;
    vault.create_workspace("other").await;
    vault.create_key("workspaces/other", "main").await;
    for (who, name) in [(ACME_OWNER, "workspaces/other/keys/main"), (OPERATOR, NAME)] {
        let request = AddKeyVersionRequest {
            name: name.to_owned(),
            ..request("b")
        };
        let outcome = vault.keys(who).add_key_version(request).await;
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}
