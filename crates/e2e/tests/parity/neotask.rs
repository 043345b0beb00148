//! Neotask: "use your own API keys instead of Neotask's managed infrastructure".

use std::collections::BTreeMap;

use latchkey_contract::router::v1::summarize_usage_request::Dimension;
use latchkey_contract::router::v1::{
    Attempt, EmbedRequest, GenerateImagesRequest, Operation, Payer, StreamGenerateRequest,
    generated_image::Source,
};
use latchkey_contract::vault::v1::{GetKeyRequest, Key, ListKeysRequest};
use latchkey_e2e::prompt;
use latchkey_migrations::testing::Backend;
use tonic::Code;

use crate::on_both_databases;
use crate::scene::{MODEL, OWN, PLATFORM, Scene};

on_both_databases!(
    your_own_key_is_used_instead_of_the_managed_infrastructure,
    your_agent_uses_your_key_for_all_llm_calls,
    base_token_costs_go_directly_to_your_provider,
    without_your_own_keys_the_shared_pooled_keys_are_used,
    use_of_the_shared_keys_is_tracked,
    keys_of_five_providers_are_supported,
    openai_keys_make_pictures_with_dall_e_3,
    openrouter_reaches_models_of_many_providers_with_one_key,
    the_plan_includes_some_models_and_your_key_serves_all_it_supports,
    only_the_last_four_characters_of_your_key_are_visible,
    with_your_key_your_accounts_rate_limits_apply,
    calls_go_to_the_address_of_your_cloud_account,
);

const FIVE: [(&str, &str); 5] = [
    ("anthropic", "claude-opus-4-6"),
    ("openai", "gpt-5.4"),
    ("google", "gemini-3.8-flash"),
    ("openrouter", "anthropic/claude-opus-4.6"),
    ("deepseek", "deepseek-v4-pro"),
];

/// A key with a quarter of the weight gets none of this many calls once in 10^24 runs.
const DRAWS: usize = 200;

async fn your_own_key_is_used_instead_of_the_managed_infrastructure(backend: Backend) {
    let mut scene = Scene::of("neotask", backend).await;
    scene.platform_key("shared", "openai", PLATFORM).await;
    assert_eq!(scene.payer(scene.prompt()).await, Payer::Platform);
    scene.own_key("mine", "openai", OWN).await;
    assert_eq!(scene.payer(scene.prompt()).await, Payer::OwnKey);
    assert_eq!(scene.last_key(), OWN);
    scene.end().await;
}

async fn your_agent_uses_your_key_for_all_llm_calls(backend: Backend) {
    let mut scene = Scene::of("neotask", backend).await;
    scene.platform_key("shared", "openai", PLATFORM).await;
    scene.own_key("mine", "openai", OWN).await;
    let parent = scene.workspace.clone();
    let provider = "openai".to_owned();

    scene.generate(scene.prompt()).await;
    let request = StreamGenerateRequest {
        request: Some(scene.prompt()),
    };
    let stream = scene.admin.inference.stream_generate(request).await;
    let mut stream = stream.unwrap().into_inner();
    while stream.message().await.unwrap().is_some() {}
    let request = EmbedRequest {
        parent: parent.clone(),
        provider: provider.clone(),
        model: "text-embedding-3-small".to_owned(),
        inputs: vec!["hello".to_owned()],
        ..Default::default()
    };
    scene.admin.inference.embed(request).await.unwrap();
    let request = GenerateImagesRequest {
        parent: parent.clone(),
        provider,
        model: "dall-e-3".to_owned(),
        prompt: "a key".to_owned(),
        ..Default::default()
    };
    scene
        .admin
        .inference
        .generate_images(request)
        .await
        .unwrap();

    let sent = scene.deployment.provider.prompts();
    assert_eq!(sent.len(), 4);
    assert!(sent.iter().all(|sent| sent.api_key() == OWN));
    let attempts = scene.admin.attempts(&parent).await;
    let operations = attempts.iter().map(Attempt::operation);
    let expected = [
        Operation::GenerateImages,
        Operation::Embed,
        Operation::Generate,
        Operation::Generate,
    ];
    assert_eq!(operations.collect::<Vec<_>>(), expected);
    scene.end().await;
}

async fn base_token_costs_go_directly_to_your_provider(backend: Backend) {
    let mut scene = Scene::of("neotask", backend).await;
    scene.platform_key("shared", "openai", PLATFORM).await;
    scene.own_key("mine", "openai", OWN).await;
    scene.generate(scene.prompt()).await;
    let parent = scene.workspace.clone();
    let by_payer = scene.usage(&parent, [Dimension::Payer]).await;
    let [own] = &by_payer[..] else {
        panic!("the own key is the only payer: {by_payer:?}")
    };
    assert_eq!(own.payer(), Payer::OwnKey);
    // Provider rates: 12 tokens in, 5 out.
    assert_eq!(own.cost_nanos, 12 * 2_000 + 5 * 8_000);
    scene.end().await;
}

async fn without_your_own_keys_the_shared_pooled_keys_are_used(backend: Backend) {
    let mut scene = Scene::of("neotask", backend).await;
    for (id, weight, api_key) in [
        ("first", 3, "sk-not-a-real-pooled-key-0003"),
        ("second", 1, "sk-not-a-real-pooled-key-0001"),
    ] {
        let key = Key {
            weight,
            ..Default::default()
        };
        scene.key_with("platform", id, key, api_key).await;
    }
    let mut drawn = BTreeMap::new();
    for _ in 0..DRAWS {
        let attempt = scene.attempt(scene.prompt()).await;
        assert_eq!(attempt.payer(), Payer::Platform);
        *drawn.entry(attempt.material_tail).or_insert(0) += 1;
    }
    // 150 and 50 are expected; a standard deviation is 6.
    let of = |tail: &str| drawn.get(tail).copied().unwrap_or(0);
    assert!(of("0003") > of("0001") && of("0001") > 0, "{drawn:?}");
    scene.end().await;
}

async fn use_of_the_shared_keys_is_tracked(backend: Backend) {
    let mut scene = Scene::of("neotask", backend).await;
    scene.platform_key("shared", "openai", PLATFORM).await;
    scene.generate(scene.prompt()).await;
    scene.generate(scene.prompt()).await;
    let parent = scene.workspace.clone();
    let by_key = scene
        .usage(&parent, [Dimension::Key, Dimension::Payer])
        .await;
    let [shared] = &by_key[..] else {
        panic!("{by_key:?}")
    };
    assert_eq!(shared.payer(), Payer::Platform);
    assert_eq!(shared.key, "platform/keys/shared");
    assert_eq!((shared.attempt_count, shared.succeeded_count), (2, 2));
    let usage = shared.usage.unwrap();
    assert_eq!((usage.input_tokens, usage.output_tokens), (24, 10));
    scene.end().await;
}

async fn keys_of_five_providers_are_supported(backend: Backend) {
    let mut scene = Scene::of("neotask", backend).await;
    for (provider, model) in FIVE {
        let api_key = format!("sk-not-a-real-key-for-{provider}");
        let key = scene.world_key(provider, &api_key).await;
        let mut request = prompt(&scene.workspace, model, "hello");
        request.provider = provider.to_owned();
        let attempt = scene.attempt(request).await;
        assert_eq!(attempt.key_version, key.current_version);
        let sent = scene.deployment.world.prompts().pop().unwrap();
        assert_eq!((sent.provider, sent.api_key), (provider, api_key));
    }
    scene.end().await;
}

async fn openai_keys_make_pictures_with_dall_e_3(backend: Backend) {
    let mut scene = Scene::of("neotask", backend).await;
    scene.own_key("mine", "openai", OWN).await;
    let request = GenerateImagesRequest {
        parent: scene.workspace.clone(),
        provider: "openai".to_owned(),
        model: "dall-e-3".to_owned(),
        prompt: "a key in a lock".to_owned(),
        size: "1024x1024".to_owned(),
        ..Default::default()
    };
    let made = scene.admin.inference.generate_images(request).await;
    let made = made.unwrap().into_inner();
    let Some(Source::Blob(picture)) = &made.images[0].source else {
        panic!("{made:?}")
    };
    assert_eq!(&picture.data[..], b"\x89PNG\r\n\x1a\n");
    assert_eq!(made.attempts[0].payer(), Payer::OwnKey);
    let sent = scene.deployment.provider.prompts().pop().unwrap();
    assert_eq!(sent.path, "/v1/images/generations");
    assert_eq!(sent.json()["model"], "dall-e-3");
    assert_eq!(sent.api_key(), OWN);
    scene.end().await;
}

async fn openrouter_reaches_models_of_many_providers_with_one_key(backend: Backend) {
    let mut scene = Scene::of("neotask", backend).await;
    scene.world_key("openrouter", OWN).await;
    let models = [
        "anthropic/claude-opus-4.7",
        "meta-llama/llama-4",
        "qwen/qwen-4",
    ];
    for model in models {
        let mut request = prompt(&scene.workspace, model, "hello");
        request.provider = "openrouter".to_owned();
        scene.generate(request).await;
    }
    let sent = scene.deployment.world.prompts();
    assert!(sent.iter().all(|sent| sent.api_key == OWN));
    let asked = sent.iter().map(|sent| {
        let body: serde_json::Value = serde_json::from_str(&sent.body).unwrap();
        body["model"].as_str().unwrap().to_owned()
    });
    assert_eq!(asked.collect::<Vec<_>>(), models);
    scene.end().await;
}

async fn the_plan_includes_some_models_and_your_key_serves_all_it_supports(backend: Backend) {
    let mut scene = Scene::of("neotask", backend).await;
    let included = Key {
        allowed_models: vec![format!("{MODEL}*")],
        ..Default::default()
    };
    scene
        .key_with("platform", "shared", included, PLATFORM)
        .await;
    assert_eq!(scene.payer(scene.prompt()).await, Payer::Platform);
    let not_included = prompt(&scene.workspace, "gpt-4-turbo", "hello");
    let refused = scene.refusal(not_included.clone()).await;
    assert_eq!(refused.reason, "OWN_KEY_REQUIRED");
    scene.own_key("mine", "openai", OWN).await;
    assert_eq!(scene.payer(not_included).await, Payer::OwnKey);
    scene.end().await;
}

async fn only_the_last_four_characters_of_your_key_are_visible(backend: Backend) {
    let mut scene = Scene::of("neotask", backend).await;
    let created = scene.own_key("mine", "openai", OWN).await;
    let request = GetKeyRequest {
        name: created.name.clone(),
    };
    let got = scene.admin.keys.get_key(request).await;
    let request = ListKeysRequest {
        parent: scene.workspace.clone(),
        ..Default::default()
    };
    let listed = scene.admin.keys.list_keys(request).await;
    let shown = [
        created,
        got.unwrap().into_inner(),
        listed.unwrap().into_inner().keys.remove(0),
    ];
    for key in shown {
        assert_eq!(key.material_tail, "wxyz");
        assert!(!format!("{key:?}").contains("0001wxyz"));
    }
    let attempt = scene.attempt(scene.prompt()).await;
    assert_eq!(attempt.material_tail, "wxyz");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_encrypted_on_the_server() {
    let mut scene = Scene::of("neotask", Backend::Sqlite).await;
    scene.own_key("mine", "openai", OWN).await;
    scene.generate(scene.prompt()).await;
    assert_eq!(scene.last_key(), OWN);
    assert!(!scene.keeps_in_clear(OWN).await);
}

async fn with_your_key_your_accounts_rate_limits_apply(backend: Backend) {
    let mut scene = Scene::of("neotask", backend).await;
    scene.platform_key("shared", "openai", PLATFORM).await;
    scene.own_key("mine", "openai", OWN).await;
    let throttled = prompt(&scene.workspace, "status-429", "hello");
    let refused = scene.refusal(throttled).await;
    assert_eq!(refused.code, Code::ResourceExhausted);
    assert_eq!(refused.reason, "PROVIDER_THROTTLED");
    assert_eq!(refused.retry_seconds, Some(7));
    // The shared pool is not used when the own account's limit is reached.
    let sent = scene.deployment.provider.prompts();
    assert!(sent.iter().all(|sent| sent.api_key() == OWN));
    scene.end().await;
}

async fn calls_go_to_the_address_of_your_cloud_account(backend: Backend) {
    let mut scene = Scene::of("neotask", backend).await;
    scene.platform_key("shared", "openai", PLATFORM).await;
    let gateway = Key {
        base_url: scene.deployment.world.base_url("custom"),
        ..Default::default()
    };
    let parent = scene.workspace.clone();
    scene.key_with(&parent, "mine", gateway, OWN).await;
    scene.generate(scene.prompt()).await;
    let sent = scene.deployment.world.prompts();
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].provider, &*sent[0].api_key), ("custom", OWN));
    assert!(scene.deployment.provider.prompts().is_empty());
    scene.end().await;
}
