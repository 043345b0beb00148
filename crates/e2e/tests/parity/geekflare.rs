//! Geekflare Connect: "supply their own API keys to AI platforms, with complete control over data,
//! costs, and model choice".

mod conversation;
mod together;

use latchkey_contract::router::v1::summarize_usage_request::Dimension;
use latchkey_contract::router::v1::{
    Expectations, Fallback, Funding, GenerateRequest, Payer, funding,
};
use latchkey_contract::vault::v1::{
    AddKeyVersionRequest, DisableKeyRequest, FundingPolicy, Key, KeyMaterial,
    UpdateWorkspaceRequest, Workspace, funding_policy, key, key_material, member,
};
use latchkey_e2e::{prompt, refused};
use latchkey_migrations::testing::Backend;
use tonic::Code;

use crate::on_both_databases;
use crate::scene::{MODEL, OWN, PLATFORM, SECOND, Scene};

on_both_databases!(
    a_prompt_is_routed_to_the_selected_model_using_your_key,
    users_pay_providers_directly_bypassing_platform_markups,
    usage_and_billing_are_recorded_under_your_own_account,
    the_platform_does_not_resell_ai_usage,
    only_the_operator_can_let_the_platform_pay,
    a_workspace_may_require_keys_without_retention,
    you_stay_in_control_of_which_model_you_use,
    a_request_may_limit_what_it_costs,
    access_can_be_changed_or_revoked_at_any_time,
    every_top_model_is_accessed_in_one_place,
    any_model_you_name_can_be_plugged_in,
    you_switch_without_being_locked_into_a_single_vendor,
);

async fn a_prompt_is_routed_to_the_selected_model_using_your_key(backend: Backend) {
    let mut scene = Scene::of("geekflare", backend).await;
    scene.own_key("mine", "openai", OWN).await;
    let answer = scene.admin.ask(scene.prompt()).await.unwrap();
    assert_eq!(answer, "echo: hello");
    let sent = scene.deployment.provider.prompts().pop().unwrap();
    assert_eq!(sent.api_key(), OWN);
    assert_eq!(sent.json()["model"], MODEL);
    scene.end().await;
}

async fn users_pay_providers_directly_bypassing_platform_markups(backend: Backend) {
    let mut scene = Scene::of("geekflare", backend).await;
    scene.own_key("mine", "openai", OWN).await;
    let attempt = scene.attempt(scene.prompt()).await;
    assert_eq!(attempt.payer(), Payer::OwnKey);
    // The cost is the provider's list price, without a surcharge.
    assert_eq!(attempt.cost_nanos, Some(12 * 2_000 + 5 * 8_000));
    scene.end().await;
}

async fn usage_and_billing_are_recorded_under_your_own_account(backend: Backend) {
    let mut scene = Scene::of("geekflare", backend).await;
    scene.platform_key("shared", "openai", PLATFORM).await;
    let stored = scene.own_key("mine", "openai", OWN).await;
    let attempt = scene.attempt(scene.prompt()).await;
    // This id finds the call in the provider's own records.
    assert_eq!(attempt.provider_request_id, "req_fake");
    let parent = scene.workspace.clone();
    let by_key = scene
        .usage(&parent, [Dimension::Key, Dimension::Payer])
        .await;
    let [own] = &by_key[..] else {
        panic!("{by_key:?}")
    };
    assert_eq!((own.payer(), &own.key), (Payer::OwnKey, &stored.name));
    scene.end().await;
}

async fn the_platform_does_not_resell_ai_usage(backend: Backend) {
    let mut scene = Scene::of("geekflare", backend).await;
    scene.platform_key("shared", "openai", PLATFORM).await;
    // The platform pays neither without an own key, nor for a disabled one, nor for a failing one.
    let refused = scene.refusal(scene.prompt()).await;
    assert_eq!(
        (refused.code, &*refused.reason),
        (Code::FailedPrecondition, "OWN_KEY_REQUIRED")
    );
    let rule = refused.metadata.get("platform/keys/shared");
    assert_eq!(rule.map(String::as_str), Some("PLATFORM_NOT_ALLOWED"));
    let stored = scene.own_key("mine", "openai", OWN).await;
    let request = DisableKeyRequest {
        name: stored.name,
        ..Default::default()
    };
    scene.admin.keys.disable_key(request).await.unwrap();
    let refused = scene.refusal(scene.prompt()).await;
    assert_eq!(refused.reason, "OWN_KEY_REQUIRED");
    scene.own_key("second", "openai", SECOND).await;
    scene.deployment.provider.revoke(SECOND);
    let refused = scene.refusal(scene.prompt()).await;
    assert_eq!(refused.reason, "PROVIDER_REJECTED_KEY");

    let sent = scene.deployment.provider.prompts();
    assert!(sent.iter().all(|sent| sent.api_key() != PLATFORM));
    scene.end().await;
}

async fn only_the_operator_can_let_the_platform_pay(backend: Backend) {
    let mut scene = Scene::of("geekflare", backend).await;
    scene.platform_key("shared", "openai", PLATFORM).await;
    let mut owner = scene.member("owner", member::Role::Owner).await;
    let opened = FundingPolicy {
        when_missing: funding_policy::FundingFallback::Platform.into(),
        ..Default::default()
    };
    let request = UpdateWorkspaceRequest {
        workspace: Some(Workspace {
            name: scene.workspace.clone(),
            funding: Some(opened),
            ..Default::default()
        }),
        ..Default::default()
    };
    let status = owner
        .workspaces
        .update_workspace(request)
        .await
        .unwrap_err();
    assert!(
        matches!(
            status.code(),
            Code::PermissionDenied | Code::InvalidArgument
        ),
        "{status}"
    );
    let asked_for = GenerateRequest {
        funding: Some(Funding {
            when_missing: funding::FundingFallback::Platform.into(),
            ..Default::default()
        }),
        ..scene.prompt()
    };
    let refused = scene.refusal(asked_for).await;
    assert_eq!(refused.reason, "OWN_KEY_REQUIRED");
    assert!(scene.deployment.provider.prompts().is_empty());
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_supply_their_keys_securely() {
    let mut scene = Scene::of("geekflare", Backend::Sqlite).await;
    scene.own_key("mine", "openai", OWN).await;
    scene.generate(scene.prompt()).await;
    assert_eq!(scene.last_key(), OWN);
    assert!(!scene.keeps_in_clear(OWN).await);
}

async fn a_workspace_may_require_keys_without_retention(backend: Backend) {
    let mut scene = Scene::of("geekflare", backend).await;
    let stored = scene.own_key("mine", "openai", OWN).await;
    let request = UpdateWorkspaceRequest {
        workspace: Some(Workspace {
            name: scene.workspace.clone(),
            zero_retention: true,
            ..Default::default()
        }),
        ..Default::default()
    };
    let updated = scene.admin.workspaces.update_workspace(request).await;
    updated.unwrap();
    let refused = scene.refusal(scene.prompt()).await;
    let rule = refused.metadata.get(&stored.name).map(String::as_str);
    assert_eq!(rule, Some("RETENTION"), "{refused:?}");
    let nothing_kept = Key {
        retention: key::Retention::Zero.into(),
        ..Default::default()
    };
    let parent = scene.workspace.clone();
    scene
        .key_with(&parent, "private", nothing_kept, SECOND)
        .await;
    scene.generate(scene.prompt()).await;
    assert_eq!(scene.last_key(), SECOND);
    scene.end().await;
}

async fn you_stay_in_control_of_which_model_you_use(backend: Backend) {
    let mut scene = Scene::of("geekflare", backend).await;
    scene.own_key("mine", "openai", OWN).await;
    let request = UpdateWorkspaceRequest {
        workspace: Some(Workspace {
            name: scene.workspace.clone(),
            allowed_models: vec![MODEL.to_owned()],
            ..Default::default()
        }),
        ..Default::default()
    };
    let updated = scene.admin.workspaces.update_workspace(request).await;
    updated.unwrap();
    scene.generate(scene.prompt()).await;
    let other = prompt(&scene.workspace, "gpt-4-turbo", "hello");
    let refused = scene.refusal(other).await;
    assert_eq!(refused.reason, "POLICY_FORBIDS");
    assert_eq!(refused.metadata["rule"], "WORKSPACE_FORBIDS");
    scene.end().await;
}

async fn a_request_may_limit_what_it_costs(backend: Backend) {
    let mut scene = Scene::of("geekflare", backend).await;
    scene.own_key("mine", "openai", OWN).await;
    let limited = |max_cost_nanos| GenerateRequest {
        max_output_tokens: Some(100),
        expectations: Some(Expectations {
            max_cost_nanos: Some(max_cost_nanos),
            ..Default::default()
        }),
        ..scene.prompt()
    };
    // A hundred tokens of output alone may cost 800,000.
    let (too_little, enough) = (limited(800_000), limited(1_000_000));
    let refused = scene.refusal(too_little).await;
    assert_eq!(refused.reason, "EXPECTATION_UNMET");
    assert!(scene.deployment.provider.prompts().is_empty());
    scene.generate(enough).await;
    scene.end().await;
}

async fn access_can_be_changed_or_revoked_at_any_time(backend: Backend) {
    let mut scene = Scene::of("geekflare", backend).await;
    let stored = scene.own_key("mine", "openai", OWN).await;
    scene.generate(scene.prompt()).await;
    let material = key_material::Kind::ApiKey(SECOND.to_owned());
    let request = AddKeyVersionRequest {
        name: stored.name.clone(),
        material: Some(KeyMaterial {
            kind: Some(material),
        }),
        ..Default::default()
    };
    let changed = scene.admin.keys.add_key_version(request).await.unwrap();
    let propagation = changed.into_inner().propagation.unwrap();
    assert_eq!(propagation.acknowledged_router_count, 1);
    scene.generate(scene.prompt()).await;
    assert_eq!(scene.last_key(), SECOND);
    scene.delete_key(&stored.name).await;
    let refused = scene.refusal(scene.prompt()).await;
    assert_eq!(refused.reason, "OWN_KEY_REQUIRED");
    assert_eq!(scene.deployment.provider.prompts().len(), 2);
    scene.end().await;
}

async fn every_top_model_is_accessed_in_one_place(backend: Backend) {
    let mut scene = Scene::of("geekflare", backend).await;
    for (provider, model) in [
        ("anthropic", "claude-opus-4-7"),
        ("azure", "gpt-5.4"),
        ("deepseek", "deepseek-v4-pro"),
        ("google", "gemini-3.8-flash"),
        ("openai", "gpt-5.4"),
        ("openrouter", "anthropic/claude-opus-4.7"),
        ("vertex", "gemini-3.8-flash"),
    ] {
        let api_key = format!("sk-not-a-real-key-for-{provider}");
        scene.world_key(provider, &api_key).await;
        let mut request = prompt(&scene.workspace, model, "hello");
        request.provider = provider.to_owned();
        assert_eq!(scene.payer(request).await, Payer::OwnKey, "{provider}");
        let sent = scene.deployment.world.prompts().pop().unwrap();
        assert_eq!(sent.provider, provider);
        let expected = match provider {
            // The access token that the service account's key was exchanged for.
            "vertex" => "token-of-latchkey@acme-models.iam.gserviceaccount.example",
            _ => &api_key,
        };
        assert_eq!(sent.api_key, expected);
    }
    scene.end().await;
}

async fn any_model_you_name_can_be_plugged_in(backend: Backend) {
    let mut scene = Scene::of("geekflare", backend).await;
    // A provider and a model that the catalogue does not know.
    let newcomer = Key {
        provider: "custom".to_owned(),
        base_url: scene.deployment.world.base_url("custom"),
        ..Default::default()
    };
    let parent = scene.workspace.clone();
    scene.key_with(&parent, "newcomer", newcomer, OWN).await;
    let mut request = scene.prompt_with("newcomer");
    request.provider.clear();
    request.model = "a-model-of-tomorrow".to_owned();
    let answer = scene.generate(request).await;
    assert_eq!(answer.model, "a-model-of-tomorrow");
    let sent = scene.deployment.world.prompts().pop().unwrap();
    assert_eq!((sent.provider, &*sent.api_key), ("custom", OWN));
    scene.end().await;
}

async fn you_switch_without_being_locked_into_a_single_vendor(backend: Backend) {
    let mut scene = Scene::of("geekflare", backend).await;
    scene.own_key("openai", "openai", OWN).await;
    let anthropic = "sk-ant-not-a-real-own-key-0001";
    scene.own_key("anthropic", "anthropic", anthropic).await;
    // The first vendor is down, and the request's fallback answers.
    let request = GenerateRequest {
        fallbacks: vec![Fallback {
            provider: "anthropic".to_owned(),
            model: "claude-opus-4-6".to_owned(),
            ..Default::default()
        }],
        ..prompt(&scene.workspace, "status-500", "hello")
    };
    let answer = scene.generate(request).await;
    let attempt = answer.attempts.last().unwrap();
    assert_eq!(attempt.provider, "anthropic");
    assert_eq!(attempt.payer(), Payer::OwnKey);
    assert_eq!(scene.last_key(), anthropic);
    scene.end().await;
}

/// Asserts that the call was refused with `PERMISSION_DENIED`.
pub(crate) fn is_denied<T: std::fmt::Debug>(answer: Result<T, tonic::Status>) {
    assert_eq!(refused(&answer.unwrap_err()).code, Code::PermissionDenied);
}
