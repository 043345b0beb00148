//! The main job, end to end: a key is stored, a prompt is sent with it, an attempt is recorded.

use latchkey_contract::router::v1::stream_generate_response::Event;
use latchkey_contract::router::v1::summarize_usage_request::Dimension;
use latchkey_contract::router::v1::{
    Payer, StreamGenerateRequest, SummarizeUsageRequest, attempt, part_delta,
};
use latchkey_contract::vault::v1::{
    AddKeyVersionRequest, CreateProjectRequest, DeleteKeyRequest, DisableKeyRequest,
    EnableKeyRequest, Key, KeyMaterial, ListKeysRequest, ListLeasesRequest, UpdateKeyRequest, key,
    key_material, verification,
};
use latchkey_e2e::{Deployment, custom_key, prompt, refused};
use latchkey_migrations::testing::Backend;
use tonic::Code;

use crate::on_both_databases;

const ACME: &str = "workspaces/acme";
const KEY: &str = "workspaces/acme/keys/main";

on_both_databases!(
    a_stored_key_answers_a_prompt_and_the_attempt_is_recorded,
    a_streamed_answer_ends_with_the_whole_answer_and_its_attempts,
    a_disabled_key_is_refused_from_the_next_call_on,
    a_new_key_version_is_used_from_the_next_call_on,
    a_workspaces_new_key_is_used_from_the_next_call_on,
    a_named_key_is_never_replaced_by_another,
    the_platforms_key_serves_a_workspace_without_a_key,
    a_projects_key_takes_precedence_over_the_workspaces,
    usage_is_summed_by_every_dimension,
    a_caller_of_another_workspace_is_denied,
);

async fn a_stored_key_answers_a_prompt_and_the_attempt_is_recorded(backend: Backend) {
    let (deployment, mut admin) = Deployment::start_with_workspace(backend).await;
    let stored = admin
        .key(ACME, "main", "openai", "sk-not-a-real-key-0001wxyz")
        .await
        .unwrap();
    assert_eq!(stored.material_tail, "wxyz");
    assert_eq!(
        stored.verification.unwrap().grade(),
        verification::Grade::Alive
    );

    let answer = admin.ask(prompt(ACME, "gpt-4.1", "hello")).await.unwrap();
    assert_eq!(answer, "echo: hello");
    let sent = deployment.provider.prompts();
    assert_eq!(sent[0].api_key(), "sk-not-a-real-key-0001wxyz");

    let attempts = admin.attempts(ACME).await;
    let [recorded] = &attempts[..] else {
        panic!("{attempts:?}")
    };
    assert_eq!(recorded.state(), attempt::State::Succeeded);
    assert_eq!(recorded.payer(), Payer::OwnKey);
    assert_eq!(recorded.key_version, format!("{KEY}/versions/1"));
    assert_eq!(recorded.material_tail, "wxyz");
    assert_eq!(recorded.requester, "token:admin");
    let usage = recorded.usage.unwrap();
    assert_eq!((usage.input_tokens, usage.output_tokens), (12, 5));
    // gpt-4.1: 2 and 8 dollars per million tokens.
    assert_eq!(recorded.cost_nanos, Some(12 * 2_000 + 5 * 8_000));

    let leases = admin
        .leases
        .list_leases(ListLeasesRequest::default())
        .await
        .unwrap();
    assert_eq!(
        leases.into_inner().leases[0].key_version,
        format!("{KEY}/versions/1")
    );
    deployment.stop().await;
}

async fn a_streamed_answer_ends_with_the_whole_answer_and_its_attempts(backend: Backend) {
    let (deployment, mut admin) = Deployment::start_with_key(backend).await;
    let request = StreamGenerateRequest {
        request: Some(prompt(ACME, "gpt-4.1", "hello")),
    };
    let mut stream = admin
        .inference
        .stream_generate(request)
        .await
        .unwrap()
        .into_inner();
    let (mut pieces, mut whole) = (String::new(), None);
    while let Some(response) = stream.message().await.unwrap() {
        match response.event {
            Some(Event::Delta(delta)) => match delta.delta {
                Some(part_delta::Delta::Text(text)) => pieces.push_str(&text),
                other => panic!("{other:?}"),
            },
            Some(Event::Completed(completed)) => whole = Some(completed),
            None => panic!("an event has content"),
        }
    }
    assert_eq!(pieces, "echo: hello");
    let whole = whole.unwrap();
    assert_eq!(whole.attempts[0].state(), attempt::State::Succeeded);
    let attempts = admin.attempts(ACME).await;
    assert!(attempts[0].streamed);
    assert_eq!(attempts[0].usage, whole.usage);
    deployment.stop().await;
}

async fn a_disabled_key_is_refused_from_the_next_call_on(backend: Backend) {
    let (deployment, mut admin) = Deployment::start_with_key(backend).await;
    admin.ask(prompt(ACME, "gpt-4.1", "hello")).await.unwrap();

    let request = DisableKeyRequest {
        name: KEY.to_owned(),
        ..Default::default()
    };
    let disabled = admin.keys.disable_key(request).await.unwrap().into_inner();
    assert_eq!(disabled.propagation.unwrap().acknowledged_router_count, 1);
    let status = admin
        .ask(prompt(ACME, "gpt-4.1", "again"))
        .await
        .unwrap_err();
    let refused = refused(&status);
    assert_eq!(
        (refused.code, &*refused.reason),
        (Code::FailedPrecondition, "OWN_KEY_REQUIRED")
    );
    assert_eq!(
        refused.metadata.get(KEY).map(String::as_str),
        Some("KEY_DISABLED")
    );
    assert_eq!(deployment.provider.prompts().len(), 1);

    let request = EnableKeyRequest {
        name: KEY.to_owned(),
        ..Default::default()
    };
    admin.keys.enable_key(request).await.unwrap();
    assert!(admin.ask(prompt(ACME, "gpt-4.1", "back")).await.is_ok());
    deployment.stop().await;
}

async fn a_new_key_version_is_used_from_the_next_call_on(backend: Backend) {
    let (deployment, mut admin) = Deployment::start_with_key(backend).await;
    admin.ask(prompt(ACME, "gpt-4.1", "one")).await.unwrap();
    let material = key_material::Kind::ApiKey("sk-not-a-real-key-0002abcd".to_owned());
    let request = AddKeyVersionRequest {
        name: KEY.to_owned(),
        material: Some(KeyMaterial {
            kind: Some(material),
        }),
        ..Default::default()
    };
    let replaced = admin
        .keys
        .add_key_version(request)
        .await
        .unwrap()
        .into_inner()
        .key
        .unwrap();
    assert_eq!(replaced.current_version, format!("{KEY}/versions/2"));
    admin.ask(prompt(ACME, "gpt-4.1", "two")).await.unwrap();
    let sent = deployment.provider.prompts();
    assert_eq!(sent[1].api_key(), "sk-not-a-real-key-0002abcd");
    deployment.stop().await;
}

async fn a_workspaces_new_key_is_used_from_the_next_call_on(backend: Backend) {
    let (deployment, mut admin) = Deployment::start_with_workspace(backend).await;
    admin
        .key("platform", "shared", "openai", "sk-not-a-real-platform-key")
        .await
        .unwrap();
    admin.ask(prompt(ACME, "gpt-4.1", "one")).await.unwrap();
    admin
        .key(ACME, "main", "openai", "sk-not-a-real-key-0001wxyz")
        .await
        .unwrap();
    admin.ask(prompt(ACME, "gpt-4.1", "two")).await.unwrap();
    // Without a key of its own, the workspace falls back to the platform's.
    let request = DeleteKeyRequest {
        name: KEY.to_owned(),
        ..Default::default()
    };
    admin.keys.delete_key(request).await.unwrap();
    admin.ask(prompt(ACME, "gpt-4.1", "three")).await.unwrap();
    let payers: Vec<_> = admin
        .attempts(ACME)
        .await
        .iter()
        .map(latchkey_contract::router::v1::Attempt::payer)
        .collect();
    assert_eq!(payers, [Payer::Platform, Payer::OwnKey, Payer::Platform]);
    deployment.stop().await;
}

async fn a_named_key_is_never_replaced_by_another(backend: Backend) {
    let (deployment, mut admin) = Deployment::start_with_key(backend).await;
    admin
        .key(ACME, "spare", "openai", "sk-not-a-real-key-0002abcd")
        .await
        .unwrap();
    let request = DisableKeyRequest {
        name: KEY.to_owned(),
        ..Default::default()
    };
    admin.keys.disable_key(request).await.unwrap();

    let named = |key: &str| {
        let mut request = prompt(ACME, "gpt-4.1", "hello");
        request.key = key.to_owned();
        request
    };
    let status = admin.ask(named("main")).await.unwrap_err();
    assert_eq!(refused(&status).reason, "KEY_UNUSABLE");
    assert!(admin.ask(named("spare")).await.is_ok());
    assert!(admin.ask(named("workspaces/acme/keys/spare")).await.is_ok());
    let status = admin.ask(named("missing")).await.unwrap_err();
    assert_eq!(refused(&status).reason, "KEY_NOT_FOUND");
    let mut mismatch = named("spare");
    mismatch.provider = "anthropic".to_owned();
    let status = admin.ask(mismatch).await.unwrap_err();
    assert_eq!(refused(&status).reason, "PROVIDER_MISMATCH");
    deployment.stop().await;
}

async fn the_platforms_key_serves_a_workspace_without_a_key(backend: Backend) {
    let (deployment, mut admin) = Deployment::start_with_workspace(backend).await;
    let status = admin
        .ask(prompt(ACME, "gpt-4.1", "hello"))
        .await
        .unwrap_err();
    assert_eq!(refused(&status).reason, "OWN_KEY_REQUIRED");
    admin
        .key("platform", "shared", "openai", "sk-not-a-real-platform-key")
        .await
        .unwrap();
    admin.ask(prompt(ACME, "gpt-4.1", "hello")).await.unwrap();
    assert_eq!(admin.attempts(ACME).await[0].payer(), Payer::Platform);
    deployment.stop().await;
}

async fn a_projects_key_takes_precedence_over_the_workspaces(backend: Backend) {
    let (deployment, mut admin) = Deployment::start_with_workspace(backend).await;
    let request = CreateProjectRequest {
        parent: ACME.to_owned(),
        project_id: "web".to_owned(),
        ..Default::default()
    };
    admin.workspaces.create_project(request).await.unwrap();
    let project = "workspaces/acme/projects/web";
    admin
        .key(ACME, "main", "anthropic", "sk-ant-not-a-real-key-w")
        .await
        .unwrap();
    admin
        .key(project, "main", "anthropic", "sk-ant-not-a-real-key-p")
        .await
        .unwrap();
    for parent in [ACME, project] {
        let mut request = prompt(parent, "claude-sonnet-4-6", "hello");
        request.provider.clear();
        assert_eq!(admin.ask(request).await.unwrap(), "echo: hello");
    }
    let sent: Vec<_> = deployment
        .provider
        .prompts()
        .iter()
        .map(latchkey_e2e::Recorded::api_key)
        .collect();
    assert_eq!(sent, ["sk-ant-not-a-real-key-w", "sk-ant-not-a-real-key-p"]);
    assert_eq!(admin.attempts(project).await.len(), 1);
    assert_eq!(admin.attempts(ACME).await.len(), 2);
    deployment.stop().await;
}

async fn usage_is_summed_by_every_dimension(backend: Backend) {
    let (deployment, mut admin) = Deployment::start_with_key(backend).await;
    for model in ["gpt-4.1", "gpt-4.1", "chat-unpriced"] {
        admin.ask(prompt(ACME, model, "hello")).await.unwrap();
    }
    admin
        .ask(prompt(ACME, "status-500", "hello"))
        .await
        .unwrap_err();
    let mut request = SummarizeUsageRequest {
        parent: ACME.to_owned(),
        ..Default::default()
    };
    request.set_group_by_all();
    let all = admin
        .usage
        .summarize_usage(request.clone())
        .await
        .unwrap()
        .into_inner()
        .summaries;
    assert_eq!(all.len(), 3);
    let priced = all.iter().find(|row| row.model == "gpt-4.1").unwrap();
    assert_eq!(
        (
            priced.attempt_count,
            priced.cost_nanos,
            priced.unpriced_count
        ),
        (2, 128_000, 0)
    );
    assert_eq!(
        (priced.provider.as_str(), priced.key.as_str()),
        ("openai", KEY)
    );
    assert_eq!(priced.payer(), Payer::OwnKey);
    request.group_by.clear();
    let total = admin
        .usage
        .summarize_usage(request)
        .await
        .unwrap()
        .into_inner()
        .summaries;
    // The failure was tried twice.
    assert_eq!((total[0].attempt_count, total[0].succeeded_count), (5, 3));
    assert_eq!(total[0].unpriced_count, 3);
    assert_eq!(total[0].usage.unwrap().input_tokens, 36);
    deployment.stop().await;
}

trait AllDimensions {
    fn set_group_by_all(&mut self);
}

impl AllDimensions for SummarizeUsageRequest {
    fn set_group_by_all(&mut self) {
        let all = [
            Dimension::Day,
            Dimension::Model,
            Dimension::Provider,
            Dimension::Key,
            Dimension::Project,
            Dimension::Requester,
            Dimension::Payer,
            Dimension::Origin,
        ];
        self.group_by = all.into_iter().map(i32::from).collect();
    }
}

async fn a_caller_of_another_workspace_is_denied(backend: Backend) {
    let deployment = Deployment::start(backend).await;
    let mut admin = deployment.clients("admin");
    admin.workspace("other").await;
    admin
        .key(
            "workspaces/other",
            "main",
            "openai",
            "sk-not-a-real-key-0001wxyz",
        )
        .await
        .unwrap();
    let mut acme = deployment.clients("acme");
    let request = ListKeysRequest {
        parent: "workspaces/other".to_owned(),
        ..Default::default()
    };
    let status = acme.keys.list_keys(request).await.unwrap_err();
    assert_eq!(refused(&status).code, Code::PermissionDenied);
    // A workspace that does not exist is refused in the same way.
    let request = ListKeysRequest {
        parent: "workspaces/missing".to_owned(),
        ..Default::default()
    };
    let missing = acme.keys.list_keys(request).await.unwrap_err();
    assert_eq!(refused(&missing), refused(&status));
    let status = acme
        .ask(prompt("workspaces/other", "gpt-4.1", "hello"))
        .await
        .unwrap_err();
    assert_eq!(refused(&status).code, Code::PermissionDenied);
    let events = admin.audit_events("workspaces/other").await;
    assert!(
        events
            .iter()
            .any(|event| event.reason == "PERMISSION_DENIED"),
        "{events:?}"
    );
    deployment.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keys_address_changes_only_with_its_material() {
    let (deployment, mut admin) = Deployment::start_with_workspace(Backend::Sqlite).await;
    let custom = Key {
        provider: "custom".to_owned(),
        base_url: deployment.provider.base_url(),
        default_model: "echo".to_owned(),
        ..Default::default()
    };
    let request = custom_key(ACME, "main", custom, "not-a-real-custom-key-0001");
    let stored = admin.keys.create_key(request).await.unwrap().into_inner();
    assert_eq!(stored.state(), key::State::Active);
    let elsewhere = Key {
        name: KEY.to_owned(),
        base_url: "https://elsewhere.example/v1".to_owned(),
        ..Default::default()
    };
    let request = UpdateKeyRequest {
        key: Some(elsewhere),
        ..Default::default()
    };
    let status = admin.keys.update_key(request).await.unwrap_err();
    let refused = refused(&status);
    assert_eq!(
        (refused.code, &refused.fields[..]),
        (Code::InvalidArgument, &["key.base_url".to_owned()][..])
    );
    deployment.stop().await;
}
