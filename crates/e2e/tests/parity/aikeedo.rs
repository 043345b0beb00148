//! Aikeedo: "let workspace owners use their own OpenAI and Anthropic API keys".

use latchkey_contract::router::v1::summarize_usage_request::Dimension;
use latchkey_contract::router::v1::{GenerateImagesRequest, GenerateRequest, Payer};
use latchkey_contract::vault::v1::{
    AuditEvent, CreateWorkspaceRequest, GetKeyRequest, GetProviderRequest, ListKeysRequest,
    ProviderAccess, VerifyKeyRequest, key, member, provider_access::Switch, verification,
};
use latchkey_e2e::{prompt, refused};
use latchkey_migrations::testing::Backend;
use tonic::Code;

use crate::on_both_databases;
use crate::scene::{MODEL, OWN, PLATFORM, REVOKED, SECOND, Scene};

on_both_databases!(
    owners_add_their_own_keys_and_the_workspace_uses_them,
    costs_are_charged_to_the_workspaces_own_keys,
    workspaces_without_custom_keys_continue_using_the_global_keys,
    costs_are_distributed_across_workspaces,
    own_keys_are_enabled_separately_for_openai_and_anthropic,
    disabling_switches_every_workspace_to_the_global_key_and_enabling_back,
    the_operator_keeps_control_over_feature_availability,
    the_operator_keeps_control_over_models,
    owners_are_responsible_for_the_validity_of_their_keys,
    members_use_the_keys_and_cannot_see_them,
    whether_own_keys_are_enabled_can_be_verified,
    whether_a_workspace_has_valid_keys_can_be_checked,
    whether_the_global_keys_work_can_be_checked,
);

const OFF: ProviderAccess = access(Switch::Off);
const ON: ProviderAccess = access(Switch::On);

/// A provider's availability with the switch for own keys alone.
const fn access(own_keys: Switch) -> ProviderAccess {
    ProviderAccess {
        own_keys: own_keys as i32,
        chat: 0,
        embeddings: 0,
        images: 0,
        allowed_models: Vec::new(),
        denied_models: Vec::new(),
        default_model: String::new(),
    }
}

/// The workspace, and global keys of both services.
async fn installation(backend: Backend) -> Scene {
    let mut scene = Scene::of("aikeedo", backend).await;
    scene.platform_key("openai", "openai", PLATFORM).await;
    let anthropic = "sk-ant-not-a-real-platform-key-8888";
    scene
        .platform_key("anthropic", "anthropic", anthropic)
        .await;
    scene
}

fn to_anthropic(parent: &str) -> GenerateRequest {
    let mut request = prompt(parent, "claude-opus-4-6", "hello");
    request.provider = "anthropic".to_owned();
    request
}

async fn owners_add_their_own_keys_and_the_workspace_uses_them(backend: Backend) {
    let mut scene = installation(backend).await;
    let mut owner = scene.member("owner", member::Role::Owner).await;
    owner
        .key(&scene.workspace, "openai", "openai", OWN)
        .await
        .unwrap();
    let mut member = scene.member("member", member::Role::Member).await;
    member.ask(scene.prompt()).await.unwrap();
    assert_eq!(scene.last_key(), OWN);
    scene.end().await;
}

async fn costs_are_charged_to_the_workspaces_own_keys(backend: Backend) {
    let mut scene = installation(backend).await;
    scene.own_key("openai", "openai", OWN).await;
    scene.generate(scene.prompt()).await;
    let parent = scene.workspace.clone();
    let by_payer = scene.usage(&parent, [Dimension::Payer]).await;
    let [own] = &by_payer[..] else {
        panic!("{by_payer:?}")
    };
    assert_eq!(own.payer(), Payer::OwnKey);
    assert_eq!(own.cost_nanos, 12 * 2_000 + 5 * 8_000);
    scene.end().await;
}

async fn workspaces_without_custom_keys_continue_using_the_global_keys(backend: Backend) {
    let mut scene = installation(backend).await;
    assert_eq!(scene.payer(scene.prompt()).await, Payer::Platform);
    // A key of one provider changes nothing for the other provider.
    scene.own_key("openai", "openai", OWN).await;
    let request = to_anthropic(&scene.workspace);
    assert_eq!(scene.payer(request).await, Payer::Platform);
    scene.end().await;
}

async fn costs_are_distributed_across_workspaces(backend: Backend) {
    let mut scene = installation(backend).await;
    scene.own_key("openai", "openai", OWN).await;
    let other = another_workspace(&mut scene).await;
    scene.generate(scene.prompt()).await;
    scene.generate(prompt(&other, MODEL, "hello")).await;
    for (workspace, payer) in [
        (scene.workspace.clone(), Payer::OwnKey),
        (other, Payer::Platform),
    ] {
        let paid = scene.usage(&workspace, [Dimension::Payer]).await;
        assert_eq!((paid.len(), paid[0].payer()), (1, payer), "{workspace}");
    }
    scene.end().await;
}

/// A second workspace, with the policy that every workspace has by default.
async fn another_workspace(scene: &mut Scene) -> String {
    let request = CreateWorkspaceRequest {
        workspace_id: "other".to_owned(),
        ..Default::default()
    };
    let created = scene.admin.workspaces.create_workspace(request).await;
    created.unwrap().into_inner().name
}

async fn own_keys_are_enabled_separately_for_openai_and_anthropic(backend: Backend) {
    let mut scene = installation(backend).await;
    scene.own_key("openai", "openai", OWN).await;
    let anthropic = "sk-ant-not-a-real-own-key-0001";
    scene.own_key("anthropic", "anthropic", anthropic).await;
    scene.allow("openai", OFF).await;
    assert_eq!(scene.payer(scene.prompt()).await, Payer::Platform);
    let request = to_anthropic(&scene.workspace);
    assert_eq!(scene.payer(request).await, Payer::OwnKey);
    scene.end().await;
}

async fn disabling_switches_every_workspace_to_the_global_key_and_enabling_back(backend: Backend) {
    let mut scene = installation(backend).await;
    scene.own_key("openai", "openai", OWN).await;
    let other = another_workspace(&mut scene).await;
    scene.key(&other, "openai", "openai", SECOND).await;
    let all = [scene.workspace.clone(), other];
    let without_keys = "workspaces/empty";
    scene.admin.workspace("empty").await;

    let all_pay = async |scene: &mut Scene, expected| {
        for workspace in &all {
            let payer = scene.payer(prompt(workspace, MODEL, "hello")).await;
            assert_eq!(payer, expected, "{workspace}");
        }
    };
    all_pay(&mut scene, Payer::OwnKey).await;
    let disabled = scene.allow("openai", OFF).await;
    assert_eq!(disabled.moved_workspace_count, 2);
    assert_eq!(disabled.propagation.unwrap().acknowledged_router_count, 1);
    all_pay(&mut scene, Payer::Platform).await;
    let enabled = scene.allow("openai", ON).await;
    assert_eq!(enabled.moved_workspace_count, 2);
    all_pay(&mut scene, Payer::OwnKey).await;

    for workspace in &all {
        let events = scene.admin.audit_events(workspace).await;
        let moves = events.iter().filter(|event| is_a_move(event));
        assert_eq!(moves.count(), 2, "{workspace}: {events:?}");
    }
    let events = scene.admin.audit_events(without_keys).await;
    assert!(!events.iter().any(is_a_move), "{events:?}");
    scene.end().await;
}

/// Whether an audit event records that own keys were switched on or off.
fn is_a_move(event: &AuditEvent) -> bool {
    event.method.ends_with("ProviderService/UpdateProvider")
}

async fn the_operator_keeps_control_over_feature_availability(backend: Backend) {
    let mut scene = installation(backend).await;
    scene.own_key("openai", "openai", OWN).await;
    let no_images = ProviderAccess {
        images: Switch::Off.into(),
        ..Default::default()
    };
    scene.allow("openai", no_images).await;
    let request = GenerateImagesRequest {
        parent: scene.workspace.clone(),
        provider: "openai".to_owned(),
        model: "dall-e-3".to_owned(),
        prompt: "a key".to_owned(),
        ..Default::default()
    };
    let status = scene.admin.inference.generate_images(request).await;
    let refused = refused(&status.unwrap_err());
    assert_eq!(
        (refused.code, &*refused.reason),
        (Code::FailedPrecondition, "POLICY_FORBIDS")
    );
    assert_eq!(refused.metadata["rule"], "FEATURE_OFF");
    assert_eq!(scene.payer(scene.prompt()).await, Payer::OwnKey);
    scene.end().await;
}

async fn the_operator_keeps_control_over_models(backend: Backend) {
    let mut scene = installation(backend).await;
    scene.own_key("openai", "openai", OWN).await;
    let some_models = ProviderAccess {
        allowed_models: vec![format!("{MODEL}*")],
        denied_models: vec![format!("{MODEL}-nano")],
        ..Default::default()
    };
    scene.allow("openai", some_models).await;
    assert_eq!(scene.payer(scene.prompt()).await, Payer::OwnKey);
    for model in ["gpt-4-turbo", "gpt-4.1-nano"] {
        let request = prompt(&scene.workspace, model, "hello");
        let refused = scene.refusal(request).await;
        assert_eq!(refused.reason, "POLICY_FORBIDS", "{model}");
        assert_eq!(refused.metadata["rule"], "MODEL_OFF", "{model}");
    }
    scene.end().await;
}

async fn owners_are_responsible_for_the_validity_of_their_keys(backend: Backend) {
    let mut scene = installation(backend).await;
    scene.own_key("openai", "openai", OWN).await;
    scene.deployment.provider.revoke(OWN);
    // The global key serves workspaces without keys. It does not replace a failing key.
    let refused = scene.refusal(scene.prompt()).await;
    assert_eq!(refused.reason, "PROVIDER_REJECTED_KEY");
    let sent = scene.deployment.provider.prompts();
    assert!(sent.iter().all(|sent| sent.api_key() == OWN));
    scene.end().await;
}

async fn members_use_the_keys_and_cannot_see_them(backend: Backend) {
    let mut scene = installation(backend).await;
    let stored = scene.own_key("openai", "openai", OWN).await;
    let mut member = scene.member("member", member::Role::Member).await;
    member.ask(scene.prompt()).await.unwrap();
    assert_eq!(scene.last_key(), OWN);
    let request = ListKeysRequest {
        parent: scene.workspace.clone(),
        ..Default::default()
    };
    let status = member.keys.list_keys(request).await.unwrap_err();
    assert_eq!(refused(&status).code, Code::PermissionDenied);
    let request = GetKeyRequest { name: stored.name };
    let status = member.keys.get_key(request).await.unwrap_err();
    assert_eq!(refused(&status).code, Code::PermissionDenied);
    scene.end().await;
}

async fn whether_own_keys_are_enabled_can_be_verified(backend: Backend) {
    let mut scene = installation(backend).await;
    scene.own_key("openai", "openai", OWN).await;
    scene.allow("openai", OFF).await;
    let request = GetProviderRequest {
        name: "providers/openai".to_owned(),
    };
    let provider = scene.admin.providers.get_provider(request).await;
    let access = provider.unwrap().into_inner().access.unwrap();
    assert_eq!(access.own_keys(), Switch::Off);
    let keys = scene.explained(scene.prompt()).await;
    let rules = keys.iter().map(|key| (&*key.material_tail, &*key.rule));
    assert_eq!(
        rules.collect::<Vec<_>>(),
        [("7777", ""), ("wxyz", "OWN_KEYS_OFF")]
    );
    scene.end().await;
}

async fn whether_a_workspace_has_valid_keys_can_be_checked(backend: Backend) {
    let mut scene = installation(backend).await;
    let rejected = scene.admin.key(&scene.workspace, "bad", "openai", REVOKED);
    assert_eq!(
        refused(&rejected.await.unwrap_err()).reason,
        "PROVIDER_REJECTED_KEY"
    );
    let stored = scene.own_key("openai", "openai", OWN).await;
    assert_eq!(stored.state(), key::State::Active);
    let verify = VerifyKeyRequest { name: stored.name };
    let checked = scene.admin.keys.verify_key(verify.clone()).await;
    assert_eq!(
        checked.unwrap().into_inner().grade(),
        verification::Grade::Alive
    );
    scene.deployment.provider.revoke(OWN);
    let status = scene.admin.keys.verify_key(verify).await.unwrap_err();
    assert_eq!(refused(&status).reason, "PROVIDER_REJECTED_KEY");
    scene.end().await;
}

async fn whether_the_global_keys_work_can_be_checked(backend: Backend) {
    let mut scene = installation(backend).await;
    let verify = VerifyKeyRequest {
        name: "platform/keys/openai".to_owned(),
    };
    let checked = scene.admin.keys.verify_key(verify.clone()).await;
    assert_eq!(
        checked.unwrap().into_inner().grade(),
        verification::Grade::Alive
    );
    scene.deployment.provider.revoke(PLATFORM);
    let status = scene.admin.keys.verify_key(verify).await.unwrap_err();
    assert_eq!(refused(&status).reason, "PROVIDER_REJECTED_KEY");
    scene.end().await;
}
