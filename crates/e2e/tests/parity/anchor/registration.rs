//! "You can store one or more keys per project"; "you can also manage keys without the Dashboard".

use latchkey_contract::router::v1::{GenerateRequest, Payer};
use latchkey_contract::vault::v1::{
    AddKeyVersionRequest, CreateProjectRequest, GetKeyRequest, GetProjectRequest, InitialKey, Key,
    KeyMaterial, ListKeysRequest, UpdateKeyRequest, key_material, verification,
};
use latchkey_e2e::{custom_key, prompt, refused, world_key};
use latchkey_migrations::testing::Backend;
use tonic::Code;

use super::{project, with_key};
use crate::on_both_databases;
use crate::scene::{OWN, REVOKED, SECOND, Scene};

on_both_databases!(
    six_providers_are_supported,
    a_live_test_call_confirms_that_the_key_works_before_it_is_stored,
    a_base_url_is_required_for_azure_and_custom,
    vertex_takes_the_service_account_and_a_region,
    keys_are_registered_when_creating_a_project,
    with_one_bad_key_neither_the_project_nor_any_key_is_created,
    keys_are_never_returned_by_the_api,
    you_enter_the_key_again_whenever_you_change_a_configuration,
);

const SIX: [(&str, &str); 6] = [
    ("openai", "gpt-5.4"),
    ("anthropic", "claude-sonnet-4-6"),
    ("google", "gemini-3.8-flash"),
    ("vertex", "gemini-3.8-flash"),
    ("azure", "gpt-5.4"),
    ("custom", "my-model"),
];

async fn six_providers_are_supported(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    for (provider, model) in SIX {
        let api_key = format!("sk-not-a-real-key-for-{provider}");
        let world = &scene.deployment.world;
        let request = world_key(world, &project, provider, provider, &api_key);
        let stored = scene.admin.keys.create_key(request).await;
        stored.unwrap_or_else(|status| panic!("{provider}: {status}"));
        let request = GenerateRequest {
            model: model.to_owned(),
            ..with_key(&project, provider)
        };
        let attempt = scene.attempt(request).await;
        assert_eq!(
            (&*attempt.provider, attempt.payer()),
            (provider, Payer::OwnKey)
        );
        let sent = scene.deployment.world.prompts().pop().unwrap();
        assert_eq!(sent.provider, provider);
    }
    scene.end().await;
}

async fn a_live_test_call_confirms_that_the_key_works_before_it_is_stored(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    let rejected = scene.admin.key(&project, "bad", "openai", REVOKED).await;
    assert_eq!(
        refused(&rejected.unwrap_err()).reason,
        "PROVIDER_REJECTED_KEY"
    );
    let request = GetKeyRequest {
        name: format!("{project}/keys/bad"),
    };
    let status = scene.admin.keys.get_key(request).await.unwrap_err();
    assert_eq!(refused(&status).reason, "KEY_NOT_FOUND");
    let stored = scene.key(&project, "good", "openai", OWN).await;
    let grade = stored.verification.unwrap().grade();
    assert_eq!(grade, verification::Grade::Alive);
    scene.end().await;
}

async fn a_base_url_is_required_for_azure_and_custom(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    for provider in ["azure", "custom"] {
        let stored = scene.admin.key(&project, "mine", provider, OWN).await;
        let refused = refused(&stored.unwrap_err());
        assert_eq!(refused.code, Code::InvalidArgument, "{provider}");
        assert_eq!(refused.fields, ["key.base_url"], "{provider}");
        let key = Key {
            provider: provider.to_owned(),
            base_url: scene.deployment.world.base_url(provider),
            ..Default::default()
        };
        let stored = scene.key_with(&project, provider, key.clone(), OWN).await;
        assert_eq!(stored.base_url, key.base_url);
        scene.delete_key(&stored.name).await;
    }
    scene.end().await;
}

async fn vertex_takes_the_service_account_and_a_region(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    let complete = world_key(&scene.deployment.world, &project, "mine", "vertex", "");
    let mut homeless = complete.clone();
    homeless.key = Some(Key {
        location: String::new(),
        ..complete.key.clone().unwrap()
    });
    let stored = scene.admin.keys.create_key(homeless).await;
    let refused = refused(&stored.unwrap_err());
    assert_eq!(refused.fields, ["key.location"]);
    let stored = scene.admin.keys.create_key(complete).await;
    let stored = stored.unwrap().into_inner();
    assert_eq!(stored.location, "global");
    // The tail shows the end of the service account's key id, and nothing else of its file.
    assert_eq!(stored.material_tail, "6789");
    scene.end().await;
}

/// A request for a project with these keys of OpenAI.
fn with_keys(scene: &Scene, keys: &[(&str, &str)]) -> CreateProjectRequest {
    let initial = |(id, api_key): &(&str, &str)| {
        let key = Key {
            provider: "openai".to_owned(),
            ..Default::default()
        };
        let request = custom_key("", id, key, api_key);
        InitialKey {
            key_id: request.key_id,
            key: request.key,
            material: request.material,
            skip_verification: false,
        }
    };
    CreateProjectRequest {
        parent: scene.workspace.clone(),
        project_id: "shopping".to_owned(),
        initial_keys: keys.iter().map(initial).collect(),
        ..Default::default()
    }
}

async fn keys_are_registered_when_creating_a_project(backend: Backend) {
    let (mut scene, _) = project(backend).await;
    let request = with_keys(&scene, &[("first", OWN), ("second", SECOND)]);
    let created = scene.admin.workspaces.create_project(request).await;
    let project = created.unwrap().into_inner().name;
    for (key, expected) in [("first", OWN), ("second", SECOND)] {
        scene.generate(with_key(&project, key)).await;
        assert_eq!(scene.last_key(), expected);
    }
    scene.end().await;
}

async fn with_one_bad_key_neither_the_project_nor_any_key_is_created(backend: Backend) {
    let (mut scene, _) = project(backend).await;
    let request = with_keys(&scene, &[("first", OWN), ("second", REVOKED)]);
    let created = scene.admin.workspaces.create_project(request).await;
    let refused_for = refused(&created.unwrap_err());
    assert_eq!(refused_for.reason, "PROVIDER_REJECTED_KEY");
    let name = format!("{}/projects/shopping", scene.workspace);
    let request = GetProjectRequest { name: name.clone() };
    let status = scene.admin.workspaces.get_project(request).await;
    assert_eq!(refused(&status.unwrap_err()).reason, "PROJECT_NOT_FOUND");
    // The accepted key was not stored, so it can be registered elsewhere.
    let request = with_keys(&scene, &[("first", OWN)]);
    scene
        .admin
        .workspaces
        .create_project(request)
        .await
        .unwrap();
    let request = ListKeysRequest {
        parent: name,
        ..Default::default()
    };
    let listed = scene.admin.keys.list_keys(request).await.unwrap();
    assert_eq!(listed.into_inner().keys.len(), 1);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn your_keys_are_encrypted_at_rest() {
    let (mut scene, project) = project(Backend::Sqlite).await;
    scene.key(&project, "mine", "openai", OWN).await;
    scene.generate(with_key(&project, "mine")).await;
    assert_eq!(scene.last_key(), OWN);
    assert!(!scene.keeps_in_clear(OWN).await);
}

async fn keys_are_never_returned_by_the_api(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    let created = scene.key(&project, "mine", "openai", OWN).await;
    let request = GetKeyRequest {
        name: created.name.clone(),
    };
    let got = scene.admin.keys.get_key(request).await.unwrap();
    let request = ListKeysRequest {
        parent: project.clone(),
        ..Default::default()
    };
    let listed = scene.admin.keys.list_keys(request).await.unwrap();
    let renamed = Key {
        name: created.name.clone(),
        display_name: "Mine".to_owned(),
        ..Default::default()
    };
    let request = UpdateKeyRequest {
        key: Some(renamed),
        ..Default::default()
    };
    let updated = scene.admin.keys.update_key(request).await.unwrap();
    let answer = scene.generate(with_key(&project, "mine")).await;
    let events = scene.admin.audit_events(&scene.workspace).await;
    for (what, shown) in [
        ("created", format!("{created:?}")),
        ("got", format!("{got:?}")),
        ("listed", format!("{listed:?}")),
        ("updated", format!("{updated:?}")),
        ("answer", format!("{answer:?}")),
        ("events", format!("{events:?}")),
    ] {
        assert!(shown.contains(&created.name), "{what}");
        assert!(!shown.contains("own-key"), "{what}: {shown}");
    }
    scene.end().await;
}

async fn you_enter_the_key_again_whenever_you_change_a_configuration(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    let stored = scene.key(&project, "mine", "openai", OWN).await;
    let elsewhere = scene.deployment.world.base_url("custom");
    let moved = Key {
        name: stored.name.clone(),
        base_url: elsewhere.clone(),
        ..Default::default()
    };
    let request = UpdateKeyRequest {
        key: Some(moved),
        ..Default::default()
    };
    let status = scene.admin.keys.update_key(request).await.unwrap_err();
    let refused_for = refused(&status);
    assert_eq!(
        (refused_for.code, &*refused_for.reason),
        (Code::InvalidArgument, "MATERIAL_REQUIRED")
    );
    let add = |material: Option<&str>| AddKeyVersionRequest {
        name: stored.name.clone(),
        material: material.map(|api_key| KeyMaterial {
            kind: Some(key_material::Kind::ApiKey(api_key.to_owned())),
        }),
        base_url: elsewhere.clone(),
        ..Default::default()
    };
    let without = add(None);
    let status = scene.admin.keys.add_key_version(without).await;
    assert_eq!(status.unwrap_err().code(), Code::InvalidArgument);
    let with = add(Some(OWN));
    let changed = scene.admin.keys.add_key_version(with).await.unwrap();
    assert_eq!(changed.into_inner().key.unwrap().base_url, elsewhere);
    let mut request = prompt(&project, "my-model", "hello");
    request.key = "mine".to_owned();
    scene.generate(request).await;
    let sent = scene.deployment.world.prompts();
    assert_eq!((sent.len(), &*sent[0].api_key), (1, OWN));
    scene.end().await;
}
