//! Anchor Browser: "BYOK is opt-in per request".

mod registration;
mod sessions;

use latchkey_contract::router::v1::{GenerateRequest, Payer};
use latchkey_contract::vault::v1::{Key, ListKeysRequest, ProviderAccess};
use latchkey_e2e::prompt;
use latchkey_migrations::testing::Backend;
use tonic::Code;

use crate::on_both_databases;
use crate::scene::{MODEL, OWN, PLATFORM, SECOND, Scene};

on_both_databases!(
    several_keys_stand_side_by_side_even_for_the_same_provider,
    a_request_uses_one_of_your_keys_only_when_it_names_it,
    anything_without_a_key_uses_the_platforms_default_model,
    a_named_key_is_never_replaced_by_another,
    requests_go_directly_to_your_provider,
    you_pay_your_provider_for_token_usage,
    you_manage_your_own_rate_limits,
    you_pick_the_provider_that_works_best_for_each_task,
    your_key_is_not_tied_to_a_single_model,
    if_you_pass_no_model_the_providers_default_is_used,
    the_provider_is_a_safety_check,
    your_key_must_have_access_to_whichever_model_is_used,
);

/// A project, and the platform's key with its default model.
async fn project(backend: Backend) -> (Scene, String) {
    let mut scene = Scene::of("anchor", backend).await;
    let default = Key {
        default_model: "gpt-4.1-mini".to_owned(),
        ..Default::default()
    };
    scene
        .key_with("platform", "default", default, PLATFORM)
        .await;
    let project = scene.project("browsing").await;
    (scene, project)
}

/// A prompt for the project that names one of its keys, and neither a provider nor a model.
fn with_key(project: &str, key: &str) -> GenerateRequest {
    GenerateRequest {
        key: key.to_owned(),
        provider: String::new(),
        ..prompt(project, MODEL, "hello")
    }
}

/// A prompt for the project that names no key, no provider and no model.
fn bare(project: &str) -> GenerateRequest {
    GenerateRequest {
        model: String::new(),
        ..with_key(project, "")
    }
}

async fn several_keys_stand_side_by_side_even_for_the_same_provider(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    scene.key(&project, "first", "openai", OWN).await;
    scene.key(&project, "second", "openai", SECOND).await;
    let request = ListKeysRequest {
        parent: project.clone(),
        ..Default::default()
    };
    let listed = scene.admin.keys.list_keys(request).await.unwrap();
    let names = listed.into_inner().keys.into_iter().map(|key| key.name);
    let expected = ["first", "second"].map(|id| format!("{project}/keys/{id}"));
    assert_eq!(names.collect::<Vec<_>>(), expected);
    for (key, expected) in [("first", OWN), ("second", SECOND), ("first", OWN)] {
        scene.generate(with_key(&project, key)).await;
        assert_eq!(scene.last_key(), expected);
    }
    scene.end().await;
}

async fn a_request_uses_one_of_your_keys_only_when_it_names_it(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    scene.key(&project, "mine", "openai", OWN).await;
    assert_eq!(scene.payer(with_key(&project, "mine")).await, Payer::OwnKey);
    assert_eq!(scene.last_key(), OWN);
    let unnamed = prompt(&project, MODEL, "hello");
    assert_eq!(scene.payer(unnamed).await, Payer::Platform);
    assert_eq!(scene.last_key(), PLATFORM);
    scene.end().await;
}

async fn anything_without_a_key_uses_the_platforms_default_model(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    // The own key has a default model too, but no request names the key.
    let mine = Key {
        default_model: MODEL.to_owned(),
        ..Default::default()
    };
    scene.key_with(&project, "mine", mine, OWN).await;
    let attempt = scene.attempt(bare(&project)).await;
    assert_eq!(attempt.payer(), Payer::Platform);
    assert_eq!(attempt.model, "gpt-4.1-mini");
    let sent = scene.deployment.provider.prompts().pop().unwrap();
    assert_eq!(sent.api_key(), PLATFORM);
    assert_eq!(sent.json()["model"], "gpt-4.1-mini");
    scene.end().await;
}

async fn a_named_key_is_never_replaced_by_another(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    scene.key(&project, "mine", "openai", OWN).await;
    scene.key(&project, "spare", "openai", SECOND).await;
    scene.deployment.provider.revoke(OWN);
    let refused = scene.refusal(with_key(&project, "mine")).await;
    assert_eq!(refused.reason, "PROVIDER_REJECTED_KEY");
    let sent = scene.deployment.provider.prompts();
    assert!(sent.iter().all(|sent| sent.api_key() == OWN));
    let refused = scene.refusal(with_key(&project, "missing")).await;
    assert_eq!(
        (refused.code, &*refused.reason),
        (Code::NotFound, "KEY_NOT_FOUND")
    );
    scene.end().await;
}

async fn requests_go_directly_to_your_provider(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    let mine = Key {
        base_url: scene.deployment.world.base_url("custom"),
        ..Default::default()
    };
    scene.key_with(&project, "mine", mine, OWN).await;
    scene.generate(with_key(&project, "mine")).await;
    let sent = scene.deployment.world.prompts();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].api_key, OWN);
    // The platform key's endpoint received no request.
    assert!(scene.deployment.provider.prompts().is_empty());
    scene.end().await;
}

async fn you_pay_your_provider_for_token_usage(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    scene.key(&project, "mine", "openai", OWN).await;
    let attempt = scene.attempt(with_key(&project, "mine")).await;
    assert_eq!(attempt.payer(), Payer::OwnKey);
    assert_eq!(attempt.cost_nanos, Some(12 * 2_000 + 5 * 8_000));
    scene.end().await;
}

async fn you_manage_your_own_rate_limits(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    scene.key(&project, "mine", "openai", OWN).await;
    let throttled = GenerateRequest {
        model: "status-429".to_owned(),
        ..with_key(&project, "mine")
    };
    let refused = scene.refusal(throttled).await;
    assert_eq!(
        (refused.code, &*refused.reason),
        (Code::ResourceExhausted, "PROVIDER_THROTTLED")
    );
    assert_eq!(refused.metadata["provider_message"], "slow down");
    let sent = scene.deployment.provider.prompts();
    assert!(sent.iter().all(|sent| sent.api_key() == OWN));
    scene.end().await;
}

async fn you_pick_the_provider_that_works_best_for_each_task(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    scene.key(&project, "my-openai-key", "openai", OWN).await;
    let anthropic = "sk-ant-not-a-real-own-key-0001";
    scene
        .key(&project, "my-anthropic-key", "anthropic", anthropic)
        .await;
    scene.generate(with_key(&project, "my-openai-key")).await;
    assert_eq!(scene.last_key(), OWN);
    let task = GenerateRequest {
        model: "claude-sonnet-4-6".to_owned(),
        ..with_key(&project, "my-anthropic-key")
    };
    assert_eq!(scene.attempt(task).await.provider, "anthropic");
    assert_eq!(scene.last_key(), anthropic);
    scene.end().await;
}

async fn your_key_is_not_tied_to_a_single_model(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    scene.key(&project, "mine", "openai", OWN).await;
    let models = ["gpt-4.1", "gpt-4o", "gpt-4.1-mini"];
    for model in models {
        let request = GenerateRequest {
            model: model.to_owned(),
            ..with_key(&project, "mine")
        };
        scene.generate(request).await;
    }
    let sent = scene.deployment.provider.prompts();
    assert!(sent.iter().all(|sent| sent.api_key() == OWN));
    let asked = sent.iter().map(|sent| sent.json()["model"].clone());
    assert_eq!(asked.collect::<Vec<_>>(), models);
    scene.end().await;
}

async fn if_you_pass_no_model_the_providers_default_is_used(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    let anthropic = "sk-ant-not-a-real-own-key-0001";
    scene.key(&project, "mine", "anthropic", anthropic).await;
    let request = GenerateRequest {
        model: String::new(),
        ..with_key(&project, "mine")
    };
    let refused = scene.refusal(request.clone()).await;
    assert_eq!(refused.reason, "KEY_UNUSABLE");
    assert_eq!(refused.metadata["rule"], "NO_DEFAULT_MODEL");
    let access = ProviderAccess {
        default_model: "claude-sonnet-4-6".to_owned(),
        ..Default::default()
    };
    scene.allow("anthropic", access).await;
    let attempt = scene.attempt(request).await;
    assert_eq!(attempt.model, "claude-sonnet-4-6");
    let sent = scene.deployment.provider.prompts().pop().unwrap();
    assert_eq!(sent.json()["model"], "claude-sonnet-4-6");
    assert_eq!(sent.api_key(), anthropic);
    scene.end().await;
}

async fn the_provider_is_a_safety_check(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    scene.key(&project, "mine", "openai", OWN).await;
    let checked = |provider: &str| GenerateRequest {
        provider: provider.to_owned(),
        ..with_key(&project, "mine")
    };
    let refused = scene.refusal(checked("anthropic")).await;
    assert_eq!(
        (refused.code, &*refused.reason),
        (Code::FailedPrecondition, "PROVIDER_MISMATCH")
    );
    assert_eq!(refused.metadata["actual"], "openai");
    assert!(scene.deployment.provider.prompts().is_empty());
    scene.generate(checked("openai")).await;
    scene.end().await;
}

async fn your_key_must_have_access_to_whichever_model_is_used(backend: Backend) {
    let (mut scene, project) = project(backend).await;
    scene.key(&project, "mine", "openai", OWN).await;
    let request = GenerateRequest {
        model: "no-access".to_owned(),
        ..with_key(&project, "mine")
    };
    let refused = scene.refusal(request).await;
    assert_eq!(
        (refused.code, &*refused.reason),
        (Code::FailedPrecondition, "MODEL_UNAVAILABLE")
    );
    let words = &refused.metadata["provider_message"];
    assert!(words.contains("do not have access"), "{words}");
    scene.end().await;
}
