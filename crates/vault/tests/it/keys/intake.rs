//! The intake of material by `CreateKey` and `AddKeyVersion`: its format, its destination and its
//! verification.

use latchkey_contract::vault::v1::{AddKeyVersionRequest, CreateKeyRequest, Hello, Key};
use latchkey_contract::vault::v1::{Verification, verification::Grade};
use tonic::{Code, Status};

use crate::harness::{
    OWNER, Outcome, ROUTER, Router, Vault, alive, api_key, create_key, key_of, material, refused,
    rejected, secret, unreachable,
};
use crate::on_both_databases;

on_both_databases!(
    a_router_checks_the_material_with_its_provider,
    a_limited_key_is_stored_with_the_providers_message,
    a_refused_key_is_not_stored_and_the_providers_message_is_returned,
    an_unreachable_provider_stores_nothing,
    without_a_router_nothing_is_stored,
    a_router_that_does_not_know_the_provider_gets_no_task,
    nothing_is_stored_when_the_router_leaves_during_the_check,
    a_check_may_be_skipped,
    a_material_of_the_wrong_form_is_refused_without_a_check,
    a_destination_that_is_not_public_is_refused,
);

const ACME: &str = "workspaces/acme";

fn checked(id: &str) -> CreateKeyRequest {
    CreateKeyRequest {
        skip_verification: false,
        ..create_key(ACME, id)
    }
}

fn checked_version() -> AddKeyVersionRequest {
    AddKeyVersionRequest {
        name: "workspaces/acme/keys/main".to_owned(),
        material: material(&secret(ACME, "second")),
        ..AddKeyVersionRequest::default()
    }
}

/// Both ways in, for a router that answers like this: a new key, and a new version of `main`.
async fn outcomes(vault: &Vault) -> [Result<Key, Status>; 2] {
    let mut client = vault.keys(OWNER);
    let created = client.create_key(checked("new")).await;
    let added = client.add_key_version(checked_version()).await;
    [
        created.map(tonic::Response::into_inner),
        added.map(|answer| answer.into_inner().key.unwrap()),
    ]
}

async fn acme(vault: &Vault) -> Key {
    vault.create_workspace("acme").await;
    vault.create_key(ACME, "main").await
}

/// That `main` is as it was and `new` is not there.
async fn nothing_was_stored(vault: &Vault, before: &Key) {
    assert_eq!(vault.get_key(&before.name).await, *before);
    vault.create_key(ACME, "new").await;
}

async fn a_router_checks_the_material_with_its_provider(vault: Vault) {
    acme(&vault).await;
    let router = Router::open_router_session(&vault).await;
    router.answers_tasks(alive());
    for key in outcomes(&vault).await {
        assert_eq!(key.unwrap().verification.unwrap().grade(), Grade::Alive);
    }
    let tasks = router.tasks();
    let checked: Vec<_> = tasks
        .iter()
        .map(|task| api_key(task.material.as_ref()))
        .collect();
    assert_eq!(checked, [secret(ACME, "new"), secret(ACME, "second")]);
    assert!(tasks.iter().all(|task| task.provider == "openai"));
}

async fn a_limited_key_is_stored_with_the_providers_message(vault: Vault) {
    acme(&vault).await;
    let router = Router::open_router_session(&vault).await;
    let detail = "You exceeded your current quota".to_owned();
    let grade = Grade::Limited.into();
    let limited = Verification {
        grade,
        detail: detail.clone(),
        verify_time: None,
    };
    router.answers_tasks(Outcome::Verified(limited));
    for key in outcomes(&vault).await {
        let verification = key.unwrap().verification.unwrap();
        assert_eq!(verification.grade(), Grade::Limited);
        assert_eq!(verification.detail, detail);
        assert_eq!(verification.verify_time.unwrap().seconds, 1_795_262_400);
    }
}

async fn a_refused_key_is_not_stored_and_the_providers_message_is_returned(vault: Vault) {
    let before = acme(&vault).await;
    let router = Router::open_router_session(&vault).await;
    router.answers_tasks(rejected());
    for outcome in outcomes(&vault).await {
        let refused = refused(outcome, Code::FailedPrecondition, "PROVIDER_REJECTED_KEY");
        assert_eq!(refused.metadata["provider_status"], "401");
        assert_eq!(refused.metadata["provider_code"], "invalid_api_key");
        assert_eq!(
            refused.metadata["provider_message"],
            "Incorrect API key provided"
        );
        assert!(refused.message.contains("Incorrect API key provided"));
    }
    nothing_was_stored(&vault, &before).await;
}

async fn an_unreachable_provider_stores_nothing(vault: Vault) {
    let before = acme(&vault).await;
    let router = Router::open_router_session(&vault).await;
    router.answers_tasks(unreachable());
    for outcome in outcomes(&vault).await {
        let refused = refused(outcome, Code::Unavailable, "PROVIDER_UNAVAILABLE");
        assert_eq!(refused.metadata["provider_message"], "connection refused");
        assert!(refused.retry_after.is_some());
    }
    nothing_was_stored(&vault, &before).await;
}

async fn without_a_router_nothing_is_stored(vault: Vault) {
    let before = acme(&vault).await;
    for outcome in outcomes(&vault).await {
        let refused = refused(outcome, Code::Unavailable, "NO_ROUTER_CONNECTED");
        assert!(refused.retry_after.is_some());
    }
    nothing_was_stored(&vault, &before).await;
}

async fn a_router_that_does_not_know_the_provider_gets_no_task(vault: Vault) {
    let before = acme(&vault).await;
    let providers = vec!["anthropic".to_owned(), "unheard-of".to_owned()];
    let hello = Hello {
        instance: "r".to_owned(),
        revisions: Vec::new(),
        providers,
    };
    let router = Router::open_session_as(&vault, ROUTER, hello)
        .await
        .unwrap();
    for outcome in outcomes(&vault).await {
        refused(outcome, Code::Unavailable, "NO_ROUTER_CONNECTED");
    }
    assert!(router.tasks().is_empty());
    nothing_was_stored(&vault, &before).await;
}

async fn nothing_is_stored_when_the_router_leaves_during_the_check(vault: Vault) {
    let before = acme(&vault).await;
    let router = Router::open_router_session(&vault).await;
    router.answers_tasks(None);
    let mut client = vault.keys(OWNER);
    let creating = tokio::spawn(async move { client.create_key(checked("new")).await });
    router.task().await;
    router.leaves().await;
    refused(
        creating.await.unwrap(),
        Code::Unavailable,
        "PROVIDER_UNAVAILABLE",
    );
    nothing_was_stored(&vault, &before).await;
}

async fn a_check_may_be_skipped(vault: Vault) {
    acme(&vault).await;
    let router = Router::open_router_session(&vault).await;
    router.answers_tasks(rejected());
    let request = AddKeyVersionRequest {
        skip_verification: true,
        ..checked_version()
    };
    let answer = vault
        .keys(OWNER)
        .add_key_version(request)
        .await
        .unwrap()
        .into_inner();
    let verification = answer.key.unwrap().verification.unwrap();
    assert_eq!(verification.grade(), Grade::Format);
    assert!(router.tasks().is_empty());
}

async fn a_material_of_the_wrong_form_is_refused_without_a_check(vault: Vault) {
    acme(&vault).await;
    let router = Router::open_router_session(&vault).await;
    for text in [
        "",
        "sk-ant-api03-not-real",
        "not-openai-at-all",
        "sk-not a key",
        "sk-\u{e9}clair",
    ] {
        let mut client = vault.keys(OWNER);
        let request = CreateKeyRequest {
            material: material(text),
            ..checked("new")
        };
        let created = client.create_key(request).await.map(drop);
        let request = AddKeyVersionRequest {
            material: material(text),
            ..checked_version()
        };
        let added = client.add_key_version(request).await.map(drop);
        for outcome in [created, added] {
            let refused = refused(outcome, Code::InvalidArgument, "KEY_FORMAT");
            assert_eq!(refused.fields, ["material.api_key"]);
            assert!(text.len() < 8 || !refused.message.contains(text));
        }
    }
    assert!(router.tasks().is_empty());
}

async fn a_destination_that_is_not_public_is_refused(vault: Vault) {
    acme(&vault).await;
    let router = Router::open_router_session(&vault).await;
    for base_url in [
        "http://llm.example/v1",
        "https://10.0.0.1/v1",
        "https://169.254.169.254",
        "https://localhost",
        "https://user@llm.example",
        "https://llm.example?a=b",
        "not a url",
    ] {
        let mut client = vault.keys(OWNER);
        let key = Key {
            base_url: base_url.to_owned(),
            ..key_of("openai")
        };
        let created = client
            .create_key(CreateKeyRequest {
                key: Some(key),
                ..checked("new")
            })
            .await;
        let created = refused(created, Code::InvalidArgument, "DESTINATION_FORBIDDEN");
        assert_eq!(created.fields, ["key.base_url"], "{base_url}");
        let base_url = base_url.to_owned();
        let request = AddKeyVersionRequest {
            base_url,
            ..checked_version()
        };
        let added = client.add_key_version(request).await;
        let added = refused(added, Code::InvalidArgument, "DESTINATION_FORBIDDEN");
        assert_eq!(added.fields, ["base_url"]);
    }
    let key = Some(key_of("custom"));
    let outcome = vault
        .keys(OWNER)
        .create_key(CreateKeyRequest {
            key,
            ..checked("new")
        })
        .await;
    refused(outcome, Code::InvalidArgument, "DESTINATION_FORBIDDEN");
    assert!(router.tasks().is_empty());
}
