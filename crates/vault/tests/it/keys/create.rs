//! `CreateKey`: stored and refused keys. The verification of the material is in
//! `intake`.

use latchkey_contract::vault::v1::{CreateKeyRequest, Key, key, verification};
use prost_types::Timestamp;
use tonic::Code;

use crate::harness::{
    ACME_OWNER, OPERATOR, OWNER, Router, SECRET_TAIL, Vault, create_key, key_of, material, refused,
    resolve, secret,
};
use crate::on_both_databases;

on_both_databases!(
    a_key_is_stored_with_its_settings_and_shown_masked,
    a_workspace_a_project_and_the_platform_have_keys,
    a_short_material_shows_no_tail,
    the_same_request_id_returns_the_first_answer,
    repeats_at_the_same_time_store_one_key,
    a_request_id_is_good_for_one_request,
    validate_only_stores_nothing,
    a_taken_name_is_refused_where_it_is_taken,
    the_same_material_is_refused_within_a_workspace,
    a_missing_parent_is_not_found,
    a_malformed_field_is_named,
    only_permitted_callers_create_keys,
    routers_choose_again_after_a_new_key,
);

const ACME: &str = "workspaces/acme";
const REQUEST_ID: &str = "f47ac10b-58cc-4372-a567-0e02b2c3d479";

fn repeatable(id: &str) -> CreateKeyRequest {
    CreateKeyRequest {
        request_id: REQUEST_ID.to_owned(),
        ..create_key(ACME, id)
    }
}

async fn a_key_is_stored_with_its_settings_and_shown_masked(vault: Vault) {
    vault.create_workspace("acme").await;
    let settings = Key {
        name: "ignored".to_owned(),
        material_tail: "fake".to_owned(),
        state: key::State::Disabled.into(),
        provider: "openai".to_owned(),
        display_name: "Main".to_owned(),
        base_url: "https://eu.llm.example/v1/".to_owned(),
        default_model: "gpt-5.4".to_owned(),
        allowed_models: vec!["gpt-5*".to_owned()],
        denied_models: vec!["gpt-5.5".to_owned()],
        priority: 3,
        weight: 5,
        expire_time: Some(Timestamp {
            seconds: 1_900_000_000,
            nanos: 1_000,
        }),
        labels: [("team".to_owned(), "search".to_owned())].into(),
        ..Key::default()
    };
    let request = CreateKeyRequest {
        key: Some(settings.clone()),
        ..create_key(ACME, "main")
    };
    let created = vault.store_key(request).await;
    let expected = Key {
        name: "workspaces/acme/keys/main".to_owned(),
        base_url: "https://eu.llm.example/v1".to_owned(),
        material_tail: SECRET_TAIL.to_owned(),
        state: key::State::Active.into(),
        current_version: "workspaces/acme/keys/main/versions/1".to_owned(),
        uid: created.uid.clone(),
        etag: "r1".to_owned(),
        verification: created.verification.clone(),
        create_time: created.create_time,
        update_time: created.create_time,
        ..settings
    };
    assert_eq!(created, expected);
    let verification = created.verification.as_ref().unwrap();
    assert_eq!(verification.grade(), verification::Grade::Format);
    assert_eq!(vault.get_key(&created.name).await, created);
}

async fn a_workspace_a_project_and_the_platform_have_keys(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_project("acme", "web").await;
    for parent in [ACME, "workspaces/acme/projects/web", "platform"] {
        let created = vault.create_key(parent, "main").await;
        assert_eq!(created.name, format!("{parent}/keys/main"));
    }
}

async fn a_short_material_shows_no_tail(vault: Vault) {
    vault.create_workspace("acme").await;
    let material = material("sk-23-characters-long..");
    let request = CreateKeyRequest {
        material,
        ..create_key(ACME, "main")
    };
    assert_eq!(vault.store_key(request).await.material_tail, "");
}

async fn the_same_request_id_returns_the_first_answer(vault: Vault) {
    vault.create_workspace("acme").await;
    let first = vault.store_key(repeatable("main")).await;
    vault.clock.advance(std::time::Duration::from_mins(1));
    assert_eq!(vault.store_key(repeatable("main")).await, first);
}

async fn repeats_at_the_same_time_store_one_key(vault: Vault) {
    vault.create_workspace("acme").await;
    let calls = (0..8).map(|_| {
        let mut client = vault.keys(OWNER);
        tokio::spawn(async move { client.create_key(repeatable("main")).await })
    });
    let mut uids = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        uids.push(call.await.unwrap().unwrap().into_inner().uid);
    }
    uids.dedup();
    assert_eq!(uids, [vault.get_key("workspaces/acme/keys/main").await.uid]);
}

async fn a_request_id_is_good_for_one_request(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.store_key(repeatable("main")).await;
    let other = material(&secret(ACME, "other"));
    for another in [
        repeatable("other"),
        CreateKeyRequest {
            material: other,
            ..repeatable("main")
        },
        CreateKeyRequest {
            key: Some(key_of("custom")),
            ..repeatable("main")
        },
    ] {
        let outcome = vault.keys(OWNER).create_key(another).await;
        refused(outcome, Code::AlreadyExists, "REQUEST_ID_REUSED");
    }
    let malformed = CreateKeyRequest {
        request_id: "x".to_owned(),
        ..create_key(ACME, "b")
    };
    let outcome = vault.keys(OWNER).create_key(malformed).await;
    assert_eq!(
        refused(outcome, Code::InvalidArgument, "FIELD_INVALID").fields,
        ["request_id"]
    );
}

async fn validate_only_stores_nothing(vault: Vault) {
    vault.create_workspace("acme").await;
    let router = Router::open_router_session(&vault).await;
    let request = CreateKeyRequest {
        validate_only: true,
        skip_verification: false,
        ..repeatable("main")
    };
    let shown = vault.store_key(request).await;
    assert_eq!(
        shown.verification.unwrap().grade(),
        verification::Grade::Alive
    );
    assert_eq!(router.tasks().len(), 1);
    let outcome = router.resolve(resolve(ACME)).await;
    refused(outcome, Code::FailedPrecondition, "OWN_KEY_REQUIRED");
    // Neither the name, nor the material, nor the request id is taken.
    vault.store_key(repeatable("main")).await;
}

async fn a_taken_name_is_refused_where_it_is_taken(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_project("acme", "web").await;
    vault.create_key(ACME, "main").await;
    vault
        .create_key("workspaces/acme/projects/web", "main")
        .await;
    let router = Router::open_router_session(&vault).await;
    let request = CreateKeyRequest {
        skip_verification: false,
        material: material(&secret(ACME, "other")),
        ..create_key(ACME, "main")
    };
    let outcome = vault.keys(OWNER).create_key(request).await;
    refused(outcome, Code::AlreadyExists, "KEY_EXISTS");
    assert!(
        router.tasks().is_empty(),
        "a key that can't be stored was verified"
    );
}

async fn the_same_material_is_refused_within_a_workspace(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_workspace("other").await;
    vault.create_project("acme", "web").await;
    vault
        .create_key("workspaces/acme/projects/web", "main")
        .await;
    let material = material(&secret("workspaces/acme/projects/web", "main"));
    let again = CreateKeyRequest {
        material,
        ..create_key(ACME, "again")
    };
    let outcome = vault.keys(OWNER).create_key(again.clone()).await;
    let refused_with = refused(outcome, Code::AlreadyExists, "DUPLICATE_MATERIAL");
    assert_eq!(
        refused_with.metadata["key"],
        "workspaces/acme/projects/web/keys/main"
    );
    // Another workspace does not learn that the material is known here.
    vault
        .store_key(CreateKeyRequest {
            parent: "workspaces/other".to_owned(),
            ..again
        })
        .await;
}

async fn a_missing_parent_is_not_found(vault: Vault) {
    vault.create_workspace("acme").await;
    let mut client = vault.keys(OWNER);
    let outcome = client
        .create_key(create_key("workspaces/nowhere", "main"))
        .await;
    refused(outcome, Code::NotFound, "WORKSPACE_NOT_FOUND");
    let outcome = client
        .create_key(create_key("workspaces/acme/projects/web", "main"))
        .await;
    refused(outcome, Code::NotFound, "PROJECT_NOT_FOUND");
}

async fn a_malformed_field_is_named(vault: Vault) {
    vault.create_workspace("acme").await;
    let with = |change: fn(&mut Key)| {
        let mut key = key_of("openai");
        change(&mut key);
        CreateKeyRequest {
            key: Some(key),
            ..create_key(ACME, "main")
        }
    };
    for (request, field) in [
        (create_key("acme", "main"), "parent"),
        (create_key(ACME, "Main"), "key_id"),
        (
            CreateKeyRequest {
                key: None,
                ..create_key(ACME, "main")
            },
            "key.provider",
        ),
        (
            CreateKeyRequest {
                material: None,
                ..create_key(ACME, "main")
            },
            "material",
        ),
        (with(|key| key.provider = "acme".into()), "key.provider"),
        (
            with(|key| key.display_name = "x".repeat(64)),
            "key.display_name",
        ),
        (
            with(|key| key.default_model = "a b".into()),
            "key.default_model",
        ),
        (
            with(|key| key.allowed_models = vec!["a*b".to_owned()]),
            "key.allowed_models[0]",
        ),
        (
            with(|key| key.denied_models = vec![String::new()]),
            "key.denied_models[0]",
        ),
        (with(|key| key.priority = -1), "key.priority"),
        (with(|key| key.priority = 1_000_001), "key.priority"),
        (with(|key| key.weight = 1_000_001), "key.weight"),
        (
            with(|key| {
                key.expire_time = Some(Timestamp {
                    seconds: 0,
                    nanos: -1,
                });
            }),
            "key.expire_time",
        ),
        (
            with(|key| key.labels = [("Team".to_owned(), String::new())].into()),
            "key.labels",
        ),
    ] {
        let outcome = vault.keys(OWNER).create_key(request).await;
        assert_eq!(
            refused(outcome, Code::InvalidArgument, "FIELD_INVALID").fields,
            [field]
        );
    }
}

async fn only_permitted_callers_create_keys(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_workspace("other").await;
    for (who, parent) in [
        (ACME_OWNER, "workspaces/other"),
        (ACME_OWNER, "platform"),
        (OWNER, "platform"),
        (OPERATOR, ACME),
    ] {
        let outcome = vault.keys(who).create_key(create_key(parent, "main")).await;
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}

async fn routers_choose_again_after_a_new_key(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_key("platform", "shared").await;
    let router = Router::open_router_session(&vault).await;
    assert_eq!(
        router.obtains(resolve(ACME)).await.key_version,
        "platform/keys/shared/versions/1"
    );
    vault.create_key(ACME, "own").await;
    let invalidation = router.invalidation(ACME, 0).await;
    assert!(invalidation.revoked_key_versions.is_empty());
    let lease = router.obtains(resolve(ACME)).await;
    assert_eq!(lease.key_version, "workspaces/acme/keys/own/versions/1");
}
