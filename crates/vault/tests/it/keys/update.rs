//! `UpdateKey`.

use std::collections::BTreeMap;

use latchkey_contract::ProviderId;
use latchkey_contract::vault::v1::{CreateKeyRequest, Key, ResolveRequest, UpdateKeyRequest};
use prost_types::Timestamp;
use tonic::Code;

use crate::harness::{
    ACME_OWNER, OPERATOR, OWNER, Router, Vault, create_key, create_key_of, key_of, mask, refused,
    resolve,
};
use crate::on_both_databases;

on_both_databases!(
    the_fields_that_the_mask_names_are_changed,
    a_field_that_is_named_and_empty_is_cleared,
    without_a_mask_every_field_that_is_set_is_changed,
    update_refuses_another_base_url,
    update_refuses_any_other_destination,
    deployments_are_changed_for_azure_alone,
    a_fixed_or_unknown_field_is_refused,
    a_value_out_of_bounds_is_refused_by_field,
    a_stale_etag_is_refused,
    routers_confirm_before_the_answer,
    a_missing_key_is_not_found,
    only_permitted_callers_update_keys,
);

const NAME: &str = "workspaces/acme/keys/main";

fn changed(change: impl FnOnce(&mut Key)) -> Key {
    let mut key = Key {
        name: NAME.to_owned(),
        ..Key::default()
    };
    change(&mut key);
    key
}

async fn update(vault: &Vault, key: Key, paths: &[&str]) -> Key {
    let request = UpdateKeyRequest {
        key: Some(key),
        update_mask: mask(paths),
    };
    vault
        .keys(ACME_OWNER)
        .update_key(request)
        .await
        .unwrap()
        .into_inner()
}

/// A key with every setting set.
async fn acme(vault: &Vault) -> Key {
    vault.create_workspace("acme").await;
    let key = Key {
        display_name: "Main".to_owned(),
        allowed_models: vec!["gpt-5*".to_owned()],
        denied_models: vec!["gpt-5.5".to_owned()],
        priority: 3,
        weight: 5,
        expire_time: Some(Timestamp {
            seconds: 1_900_000_000,
            nanos: 0,
        }),
        labels: [("team".to_owned(), "search".to_owned())].into(),
        ..key_of("openai")
    };
    let request = create_key("workspaces/acme", "main");
    vault
        .store_key(CreateKeyRequest {
            key: Some(key),
            ..request
        })
        .await
}

async fn the_fields_that_the_mask_names_are_changed(vault: Vault) {
    let before = acme(&vault).await;
    vault.clock.advance(std::time::Duration::from_secs(1));
    let wanted = changed(|key| {
        key.display_name = "Renamed".into();
        key.priority = 9;
    });
    let after = update(&vault, wanted, &["priority"]).await;
    let expected = Key {
        priority: 9,
        etag: "r2".to_owned(),
        update_time: after.update_time,
        ..before.clone()
    };
    assert_eq!(after, expected);
    assert_ne!(after.update_time, before.update_time);
    assert_eq!(vault.get_key(NAME).await, after);
}

async fn a_field_that_is_named_and_empty_is_cleared(vault: Vault) {
    let before = acme(&vault).await;
    let all = [
        "display_name",
        "default_model",
        "allowed_models",
        "denied_models",
        "priority",
        "weight",
        "expire_time",
        "labels",
    ];
    let after = update(&vault, changed(|_| {}), &all).await;
    let expected = Key {
        display_name: String::new(),
        default_model: String::new(),
        allowed_models: Vec::new(),
        denied_models: Vec::new(),
        priority: 0,
        weight: 0,
        expire_time: None,
        labels: BTreeMap::new(),
        etag: "r2".to_owned(),
        ..before
    };
    assert_eq!(after, expected);
}

async fn without_a_mask_every_field_that_is_set_is_changed(vault: Vault) {
    let before = acme(&vault).await;
    let wanted = changed(|key| {
        key.display_name = "Renamed".into();
        key.labels = [("team".to_owned(), "ads".to_owned())].into();
    });
    let after = update(&vault, wanted.clone(), &[]).await;
    let expected = Key {
        display_name: wanted.display_name,
        labels: wanted.labels,
        etag: "r2".to_owned(),
        ..before
    };
    assert_eq!(after, expected);
}

async fn update_refuses_another_base_url(vault: Vault) {
    let before = acme(&vault).await;
    let elsewhere = changed(|key| key.base_url = "https://evil.example".into());
    for (key, paths, field) in [
        (elsewhere.clone(), &[][..], "key.base_url"),
        (elsewhere.clone(), &["display_name"], "key.base_url"),
        (elsewhere, &["base_url"], "update_mask"),
        (changed(|_| {}), &["base_url"], "update_mask"),
    ] {
        let request = UpdateKeyRequest {
            key: Some(key),
            update_mask: mask(paths),
        };
        let outcome = vault.keys(OWNER).update_key(request).await;
        let refused = refused(outcome, Code::InvalidArgument, "MATERIAL_REQUIRED");
        assert_eq!(refused.fields, [field]);
        assert!(refused.message.contains("AddKeyVersion"));
    }
    assert_eq!(vault.get_key(NAME).await, before);
    // As it was read is no change.
    update(
        &vault,
        changed(|key| key.base_url = before.base_url),
        &["display_name"],
    )
    .await;
}

async fn update_refuses_any_other_destination(vault: Vault) {
    vault.create_workspace("acme").await;
    for (provider, field, change) in [
        (
            ProviderId::Vertex,
            "location",
            (|key| key.location = "us".into()) as fn(&mut Key),
        ),
        (ProviderId::Vertex, "cloud_project", |key| {
            key.cloud_project = "other-models".into();
        }),
        (ProviderId::Azure, "api_version", |key| {
            key.api_version = "2024-10-21".into();
        }),
        (ProviderId::OpenAi, "location", |key| {
            key.location = "us".into();
        }),
    ] {
        let id = format!("{provider}-{}", field.len());
        let request = create_key_of(provider, "workspaces/acme", &id);
        let before = vault.store_key(request).await;
        let named = || Key {
            name: before.name.clone(),
            ..Key::default()
        };
        let mut moved = named();
        change(&mut moved);
        for (key, paths, blamed) in [
            (moved.clone(), &[][..], format!("key.{field}")),
            (moved.clone(), &["priority"], format!("key.{field}")),
            (moved, &[field], "update_mask".to_owned()),
            (named(), &[field], "update_mask".to_owned()),
        ] {
            let request = UpdateKeyRequest {
                key: Some(key),
                update_mask: mask(paths),
            };
            let outcome = vault.keys(OWNER).update_key(request).await;
            let refused = refused(outcome, Code::InvalidArgument, "MATERIAL_REQUIRED");
            assert_eq!(refused.fields, [blamed]);
        }
        // As it was read is no change.
        let again = update(&vault, before.clone(), &["priority"]).await;
        assert_eq!(
            (again.location, again.base_url),
            (before.location, before.base_url)
        );
    }
}

async fn deployments_are_changed_for_azure_alone(vault: Vault) {
    vault.create_workspace("acme").await;
    let request = create_key_of(ProviderId::Azure, "workspaces/acme", "main");
    vault.store_key(request).await;
    let router = Router::open_router_session(&vault).await;
    let leased = async || {
        let request = ResolveRequest {
            provider: "azure".to_owned(),
            ..resolve("workspaces/acme")
        };
        router.obtains(request).await.deployments
    };
    assert!(leased().await.is_empty());
    let wanted = changed(|key| {
        key.deployments = [("gpt-5.4".to_owned(), "prod".to_owned())].into();
    });
    let after = update(&vault, wanted.clone(), &[]).await;
    assert_eq!(after.deployments, wanted.deployments);
    assert_eq!(leased().await, wanted.deployments);
    let after = update(&vault, changed(|_| {}), &["priority"]).await;
    assert_eq!(after.deployments, wanted.deployments);
    let after = update(&vault, changed(|_| {}), &["deployments"]).await;
    assert!(after.deployments.is_empty());
    assert!(leased().await.is_empty());

    let other = vault.create_key("workspaces/acme", "other").await;
    let wanted = Key {
        name: other.name,
        ..wanted
    };
    let request = UpdateKeyRequest {
        key: Some(wanted),
        update_mask: None,
    };
    let outcome = vault.keys(OWNER).update_key(request).await;
    let refused = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refused.fields, ["key.deployments"]);
}

async fn a_fixed_or_unknown_field_is_refused(vault: Vault) {
    acme(&vault).await;
    for path in [
        "provider",
        "state",
        "name",
        "uid",
        "etag",
        "material_tail",
        "*",
        "nonsense",
    ] {
        let key = Some(changed(|_| {}));
        let request = UpdateKeyRequest {
            key,
            update_mask: mask(&["priority", path]),
        };
        let outcome = vault.keys(OWNER).update_key(request).await;
        let refused = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refused.fields, ["update_mask"]);
        assert!(refused.message.contains(path), "{}", refused.message);
    }
    let other = Some(changed(|key| key.provider = "anthropic".into()));
    let request = UpdateKeyRequest {
        key: other,
        update_mask: None,
    };
    let outcome = vault.keys(OWNER).update_key(request).await;
    assert_eq!(
        refused(outcome, Code::InvalidArgument, "FIELD_INVALID").fields,
        ["key.provider"]
    );
}

async fn a_value_out_of_bounds_is_refused_by_field(vault: Vault) {
    let before = acme(&vault).await;
    for (key, field) in [
        (Key::default(), "key.name"),
        (
            changed(|key| key.display_name = "x".repeat(64)),
            "key.display_name",
        ),
        (changed(|key| key.priority = -1), "key.priority"),
        (changed(|key| key.weight = 1_000_001), "key.weight"),
        (
            changed(|key| key.allowed_models = vec!["*x".to_owned()]),
            "key.allowed_models[0]",
        ),
    ] {
        let request = UpdateKeyRequest {
            key: Some(key),
            update_mask: None,
        };
        let outcome = vault.keys(OWNER).update_key(request).await;
        assert_eq!(
            refused(outcome, Code::InvalidArgument, "FIELD_INVALID").fields,
            [field]
        );
    }
    assert_eq!(vault.get_key(NAME).await, before);
}

async fn a_stale_etag_is_refused(vault: Vault) {
    let before = acme(&vault).await;
    let wanted = changed(|key| {
        key.priority = 9;
        key.etag = before.etag;
    });
    update(&vault, wanted.clone(), &[]).await;
    let request = UpdateKeyRequest {
        key: Some(wanted),
        update_mask: None,
    };
    refused(
        vault.keys(OWNER).update_key(request).await,
        Code::Aborted,
        "ETAG_MISMATCH",
    );
}

async fn routers_confirm_before_the_answer(vault: Vault) {
    acme(&vault).await;
    let router = Router::open_router_session(&vault).await;
    router.obtains(resolve("workspaces/acme")).await;
    router.keeps_silent();
    let mut client = vault.keys(OWNER);
    let denied = changed(|key| key.denied_models = vec!["gpt*".to_owned()]);
    let request = UpdateKeyRequest {
        key: Some(denied),
        update_mask: None,
    };
    let updating = tokio::spawn(async move { client.update_key(request).await });
    let invalidation = router.invalidation("workspaces/acme", 0).await;
    assert!(!updating.is_finished());
    let outcome = router.resolve(resolve("workspaces/acme")).await;
    refused(outcome, Code::FailedPrecondition, "OWN_KEY_REQUIRED");
    assert!(!updating.is_finished());
    router.confirms(&invalidation, 0);
    updating.await.unwrap().unwrap();
}

async fn a_missing_key_is_not_found(vault: Vault) {
    vault.create_workspace("acme").await;
    let request = UpdateKeyRequest {
        key: Some(changed(|_| {})),
        update_mask: None,
    };
    refused(
        vault.keys(OWNER).update_key(request).await,
        Code::NotFound,
        "KEY_NOT_FOUND",
    );
}

async fn only_permitted_callers_update_keys(vault: Vault) {
    acme(&vault).await;
    let shared = vault.create_key("platform", "shared").await.name;
    vault.create_workspace("other").await;
    let other = vault.create_key("workspaces/other", "main").await.name;
    for (who, name) in [
        (ACME_OWNER, &other),
        (OWNER, &shared),
        (OPERATOR, &NAME.to_owned()),
    ] {
        let key = Some(Key {
            name: name.clone(),
            ..Key::default()
        });
        let request = UpdateKeyRequest {
            key,
            update_mask: None,
        };
        let outcome = vault.keys(who).update_key(request).await;
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}
