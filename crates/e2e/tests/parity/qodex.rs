//! Qodex: "lets a Qodex project use your OpenAI API key for LLM calls".

use latchkey_contract::router::v1::summarize_usage_request::Dimension;
use latchkey_contract::router::v1::{Payer, attempt};
use latchkey_contract::vault::v1::{
    AddKeyVersionRequest, GetKeyRequest, KeyMaterial, ListKeysRequest, key, key_material, member,
    verification,
};
use latchkey_e2e::{prompt, refused, world_key};
use latchkey_migrations::testing::Backend;
use tonic::Code;

use crate::on_both_databases;
use crate::scene::{MODEL, OWN, PLATFORM, REVOKED, SECOND, Scene};

on_both_databases!(
    without_a_key_of_its_own_a_project_uses_the_platform_funded_key,
    the_next_llm_call_for_that_project_uses_your_key,
    your_account_is_billed_and_usage_is_visible_separately,
    a_key_starts_with_sk,
    the_key_is_validated_before_it_is_saved,
    if_openai_rejects_the_key_the_upstream_error_is_shown,
    only_the_last_four_characters_are_shown_after_save,
    your_team_replaces_the_key_without_the_operator,
    removing_the_key_returns_the_project_to_the_platform_funded_key,
    each_project_stores_its_own_key,
    anthropic_and_google_keys_work_too,
    if_the_provider_revokes_the_key_later_the_failure_appears_in_the_run_log,
    platform_funded_keys_are_managed_by_the_platform_alone,
);

/// A project of the workspace, and the platform's key beside it.
async fn project(backend: Backend) -> (Scene, String) {
    let mut scene = Scene::of("qodex", backend).await;
    scene.platform_key("shared", "openai", PLATFORM).await;
    let project = scene.project("web").await;
    (scene, project)
}

async fn without_a_key_of_its_own_a_project_uses_the_platform_funded_key(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    let payer = scene.payer(prompt(&project, MODEL, "hello")).await;
    assert_eq!(payer, Payer::Platform);
    assert_eq!(scene.last_key(), PLATFORM);
    scene.end().await;
}

async fn the_next_llm_call_for_that_project_uses_your_key(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    scene.generate(prompt(&project, MODEL, "hello")).await;
    assert_eq!(scene.last_key(), PLATFORM);
    scene.key(&project, "openai", "openai", OWN).await;
    scene.generate(prompt(&project, MODEL, "hello")).await;
    assert_eq!(scene.last_key(), OWN);
    scene.end().await;
}

async fn your_account_is_billed_and_usage_is_visible_separately(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    scene.generate(prompt(&project, MODEL, "hello")).await;
    scene.key(&project, "openai", "openai", OWN).await;
    scene.generate(prompt(&project, MODEL, "hello")).await;
    scene.generate(prompt(&project, MODEL, "hello")).await;
    let by_key = scene
        .usage(&project, [Dimension::Key, Dimension::Payer])
        .await;
    let mut rows = by_key
        .iter()
        .map(|row| {
            (
                row.key.clone(),
                row.payer(),
                row.attempt_count,
                row.cost_nanos,
            )
        })
        .collect::<Vec<_>>();
    rows.sort_by_key(|row| row.2);
    let cost = 12 * 2_000 + 5 * 8_000;
    let expected = [
        ("platform/keys/shared".to_owned(), Payer::Platform, 1, cost),
        (format!("{project}/keys/openai"), Payer::OwnKey, 2, 2 * cost),
    ];
    assert_eq!(rows, expected);
    scene.end().await;
}

async fn a_key_starts_with_sk(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    let status = scene
        .admin
        .key(&project, "openai", "openai", "not-a-real-own-key-0001wxyz")
        .await
        .unwrap_err();
    let refused = refused(&status);
    assert_eq!(
        (refused.code, &*refused.reason),
        (Code::InvalidArgument, "KEY_FORMAT")
    );
    assert_eq!(refused.fields, ["material.api_key"]);
    assert!(status.message().contains("sk-"), "{status}");
    scene.end().await;
}

async fn the_key_is_validated_before_it_is_saved(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    let saved = scene.key(&project, "openai", "openai", OWN).await;
    let verification = saved.verification.unwrap();
    assert_eq!(verification.grade(), verification::Grade::Alive);
    // The check cost no tokens.
    assert!(scene.deployment.provider.prompts().is_empty());
    let rejected = scene.admin.key(&project, "second", "openai", REVOKED).await;
    rejected.unwrap_err();
    let request = ListKeysRequest {
        parent: project,
        ..Default::default()
    };
    let listed = scene.admin.keys.list_keys(request).await.unwrap();
    assert_eq!(listed.into_inner().keys.len(), 1);
    scene.end().await;
}

async fn if_openai_rejects_the_key_the_upstream_error_is_shown(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    let rejected = scene.admin.key(&project, "openai", "openai", REVOKED).await;
    let status = rejected.unwrap_err();
    let refused = refused(&status);
    assert_eq!(
        (refused.code, &*refused.reason),
        (Code::FailedPrecondition, "PROVIDER_REJECTED_KEY")
    );
    assert_eq!(refused.metadata["provider_status"], "401");
    assert_eq!(refused.metadata["provider_code"], "invalid_api_key");
    let words = &refused.metadata["provider_message"];
    assert!(words.starts_with("Incorrect API key provided"), "{words}");
    assert!(!words.contains(REVOKED), "{words}");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_saved_key_is_encrypted_at_rest() {
    let (mut scene, project) = project(Backend::Sqlite).await;
    scene.key(&project, "openai", "openai", OWN).await;
    scene.generate(prompt(&project, MODEL, "hello")).await;
    assert_eq!(scene.last_key(), OWN);
    assert!(!scene.keeps_in_clear(OWN).await);
}

async fn only_the_last_four_characters_are_shown_after_save(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    let saved = scene.key(&project, "openai", "openai", OWN).await;
    let request = GetKeyRequest {
        name: saved.name.clone(),
    };
    let shown = scene.admin.keys.get_key(request).await;
    let shown = shown.unwrap().into_inner();
    assert_eq!(shown, saved);
    assert_eq!(shown.material_tail, "wxyz");
    assert!(!format!("{shown:?}").contains("0001wxyz"));
    scene.end().await;
}

async fn your_team_replaces_the_key_without_the_operator(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    let mut owner = scene.member("owner", member::Role::Owner).await;
    let saved = owner.key(&project, "openai", "openai", OWN).await.unwrap();
    owner.ask(prompt(&project, MODEL, "hello")).await.unwrap();
    let material = key_material::Kind::ApiKey(SECOND.to_owned());
    let request = AddKeyVersionRequest {
        name: saved.name,
        material: Some(KeyMaterial {
            kind: Some(material),
        }),
        ..Default::default()
    };
    owner.keys.add_key_version(request).await.unwrap();
    owner.ask(prompt(&project, MODEL, "hello")).await.unwrap();
    let sent = scene.deployment.provider.prompts();
    let used = sent.iter().map(latchkey_e2e::Recorded::api_key);
    assert_eq!(used.collect::<Vec<_>>(), [OWN, SECOND]);
    scene.end().await;
}

async fn removing_the_key_returns_the_project_to_the_platform_funded_key(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    let saved = scene.key(&project, "openai", "openai", OWN).await;
    scene.generate(prompt(&project, MODEL, "hello")).await;
    assert_eq!(scene.last_key(), OWN);
    scene.delete_key(&saved.name).await;
    let payer = scene.payer(prompt(&project, MODEL, "hello")).await;
    assert_eq!(payer, Payer::Platform);
    assert_eq!(scene.last_key(), PLATFORM);
    scene.end().await;
}

async fn each_project_stores_its_own_key(backend: Backend) {
    let (mut scene, web) = project(backend).await;
    let app = scene.project("app").await;
    let other = scene.project("other").await;
    scene.key(&web, "openai", "openai", OWN).await;
    scene.key(&app, "openai", "openai", SECOND).await;
    for (project, expected) in [(&web, OWN), (&app, SECOND), (&other, PLATFORM)] {
        scene.generate(prompt(project, MODEL, "hello")).await;
        assert_eq!(scene.last_key(), expected, "{project}");
    }
    // The full name of the key does not open it to another project.
    let mut request = prompt(&other, MODEL, "hello");
    request.key = format!("{web}/keys/openai");
    let refused = scene.refusal(request).await;
    assert!(
        matches!(refused.code, Code::NotFound | Code::InvalidArgument),
        "{refused:?}"
    );
    scene.end().await;
}

async fn anthropic_and_google_keys_work_too(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    for (provider, model) in [
        ("anthropic", "claude-opus-4-6"),
        ("google", "gemini-3.8-flash"),
    ] {
        let api_key = format!("sk-not-a-real-key-for-{provider}");
        let world = &scene.deployment.world;
        let stored = world_key(world, &project, provider, provider, &api_key);
        scene.admin.keys.create_key(stored).await.unwrap();
        let mut request = prompt(&project, model, "hello");
        request.provider = provider.to_owned();
        assert_eq!(scene.payer(request).await, Payer::OwnKey);
        let sent = scene.deployment.world.prompts().pop().unwrap();
        assert_eq!((sent.provider, sent.api_key), (provider, api_key));
    }
    scene.end().await;
}

async fn if_the_provider_revokes_the_key_later_the_failure_appears_in_the_run_log(
    backend: Backend,
) {
    let (mut scene, project) = project(backend).await;
    let saved = scene.key(&project, "openai", "openai", OWN).await;
    scene.generate(prompt(&project, MODEL, "hello")).await;
    scene.deployment.provider.revoke(OWN);
    let refused = scene.refusal(prompt(&project, MODEL, "hello")).await;
    assert_eq!(refused.reason, "PROVIDER_REJECTED_KEY");

    let run_log = scene.admin.attempts(&project).await;
    assert_eq!(run_log.len(), 2, "no other key was tried");
    let failed = &run_log[0];
    assert_eq!(failed.state(), attempt::State::Failed);
    assert_eq!(failed.error_reason, "PROVIDER_REJECTED_KEY");
    assert_eq!(failed.http_status, 401);
    assert_eq!(failed.key_version, saved.current_version);
    assert_eq!(failed.payer(), Payer::OwnKey);

    // The key shows the refusal too, once the vault has received the router's report.
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(20));
    loop {
        looks.tick().await;
        let request = GetKeyRequest {
            name: saved.name.clone(),
        };
        let shown = scene.admin.keys.get_key(request).await;
        let shown = shown.unwrap().into_inner();
        if shown.state() == key::State::Quarantined {
            assert!(
                shown.state_detail.contains("Incorrect API key"),
                "{shown:?}"
            );
            break;
        }
    }
    scene.end().await;
}

async fn platform_funded_keys_are_managed_by_the_platform_alone(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    let mut owner = scene.member("owner", member::Role::Owner).await;
    owner.ask(prompt(&project, MODEL, "hello")).await.unwrap();
    let request = ListKeysRequest {
        parent: "platform".to_owned(),
        ..Default::default()
    };
    let status = owner.keys.list_keys(request).await.unwrap_err();
    assert_eq!(refused(&status).code, Code::PermissionDenied);
    let replaced = owner.key("platform", "mine", "openai", OWN).await;
    assert_eq!(refused(&replaced.unwrap_err()).code, Code::PermissionDenied);
    scene.end().await;
}
