//! `Generate`.

use std::time::Duration;

use latchkey_contract::Reason;
use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{
    Attempt, FinishReason, GenerateRequest, GetAttemptRequest, Operation, Origin, Payer, Role,
    Sampling, Usage, attempt,
};
use latchkey_migrations::testing::Backend;
use latchkey_providers::catalogue::Catalogue;
use latchkey_rpc::refusal::Refusal;
use serde_json::json;
use tonic::Code;

use super::failures::{self, Failure, numbered};
use crate::harness::{
    ACME, APP, Answer, OTHER_APP, OWNER, Router, SECRET, START, WEB, anthropic, chat, claude, gpt,
    key, on, refused, responses, uid_of, version, version_uid,
};
use crate::on_both_databases;

on_both_databases!(
    openai_answers_by_chat_completions,
    openai_answers_by_responses,
    anthropic_answers,
    the_attempt_of_the_answer_is_recorded,
    an_answer_without_usage_has_no_cost,
    a_model_without_a_price_has_no_cost,
    the_price_of_the_requested_model_applies_if_the_served_one_has_none,
    the_default_model_of_the_key_is_called_if_the_request_names_none,
    the_catalogue_supplies_the_provider_of_a_model,
    a_request_may_name_its_key,
    the_attempt_records_requester_origin_and_payer,
    latency_is_measured_on_the_clock,
    a_served_model_name_is_truncated,
    a_key_that_the_endpoint_repeats_is_redacted,
    a_malformed_field_is_named_and_nothing_is_sent,
    a_feature_that_the_provider_lacks_is_refused,
    the_refusal_of_the_vault_is_passed_on,
);

on_both_databases!(|config| config.attempts = crate::harness::ONCE;
    a_failure_of_openai_is_returned_and_recorded,
    a_failure_of_anthropic_is_returned_and_recorded,
    a_provider_that_refuses_the_connection_is_unavailable,
    an_answer_whose_connection_breaks_is_unavailable,
);

async fn openai_answers_by_chat_completions(router: Router) {
    let answer = Answer::json(200, &chat::whole()).with("x-request-id", "req_1");
    router.provider.returns(answer);
    let response = router.generate(gpt()).await.unwrap();
    let message = response.message.unwrap();
    assert_eq!(message.role(), Role::Assistant);
    let text = Content::Text("Good day".to_owned());
    assert_eq!(message.parts[0].content, Some(text));
    assert_eq!(response.finish_reason, i32::from(FinishReason::Stop));
    assert_eq!(response.native_finish_reason, "stop");
    assert_eq!(response.model, "gpt-4.1-2025-04-14");
    assert_eq!(response.response_id, "chatcmpl-1");
    assert_eq!(response.usage, Some(OPENAI_USAGE));
    let [attempt] = &response.attempts[..] else {
        panic!("expected one attempt")
    };
    // 600 at 2,000, 400 at 500 and 200 at 8,000.
    assert_eq!(attempt.cost_nanos, Some(3_000_000));
    assert_eq!(attempt.provider_request_id, "req_1");

    let call = router.provider.receives_call(1).await;
    assert_eq!(
        (call.method.as_str(), &*call.path),
        ("POST", "/v1/chat/completions")
    );
    assert_eq!(call.header("authorization"), format!("Bearer {SECRET}"));
    assert_eq!(call.body["model"], "gpt-4.1");
    assert_eq!(call.body["messages"][0]["content"], "Hello");
    assert_ne!(call.body["stream"], true);
}

const OPENAI_USAGE: Usage = Usage {
    input_tokens: 600,
    cache_read_tokens: 400,
    cache_write_tokens: 0,
    cache_write_1h_tokens: 0,
    output_tokens: 150,
    reasoning_tokens: 50,
    image_input_tokens: 0,
    image_output_tokens: 0,
    image_count: 0,
};

async fn openai_answers_by_responses(router: Router) {
    router
        .provider
        .returns(Answer::json(200, &responses::whole()));
    let response = router.generate(for_model("gpt-5.4")).await.unwrap();
    assert_eq!(response.usage, Some(OPENAI_USAGE));
    // 600 at 2,500, 400 at 250 and 200 at 15,000.
    assert_eq!(response.attempts[0].cost_nanos, Some(4_600_000));
    let call = router.provider.receives_call(1).await;
    assert_eq!(call.path, "/v1/responses");
    assert_eq!(call.body["store"], false);
}

async fn anthropic_answers(router: Router) {
    router
        .provider
        .returns(Answer::json(200, &anthropic::whole()).with("request-id", "req_2"));
    let response = router.generate(claude()).await.unwrap();
    let usage = Usage {
        input_tokens: 10,
        cache_read_tokens: 20,
        cache_write_tokens: 30,
        cache_write_1h_tokens: 40,
        output_tokens: 50,
        reasoning_tokens: 0,
        ..Usage::default()
    };
    assert_eq!(response.usage, Some(usage));
    let attempt = &response.attempts[0];
    // 10 at 2,000, 20 at 200, 30 at 2,500, 40 at 4,000 and 50 at 10,000.
    assert_eq!(attempt.cost_nanos, Some(759_000));
    assert_eq!(attempt.provider_request_id, "req_2");
    let call = router.provider.receives_call(1).await;
    assert_eq!(call.path, "/v1/messages");
    assert_eq!(call.header("x-api-key"), SECRET);
    assert_eq!(call.header("authorization"), "");
}

async fn the_attempt_of_the_answer_is_recorded(router: Router) {
    let answer = Answer::json(200, &chat::whole()).with("x-request-id", "req_1");
    router.provider.returns(answer);
    let response = router.generate(gpt()).await.unwrap();
    let (seconds, nanos) = START.to_unix();
    let nanos = i32::try_from(nanos).unwrap();
    let expected = Attempt {
        name: response.attempts[0].name.clone(),
        parent: ACME.to_owned(),
        key_version: version(ACME, "main"),
        workspace_uid: uid_of(ACME),
        project_uid: String::new(),
        key_uid: uid_of("workspaces/acme/keys/main"),
        material_tail: "wxyz".to_owned(),
        payer: Payer::OwnKey.into(),
        provider: "openai".to_owned(),
        model: "gpt-4.1".to_owned(),
        served_model: "gpt-4.1-2025-04-14".to_owned(),
        requester: APP.requester(),
        origin: Origin::Interactive.into(),
        streamed: false,
        state: attempt::State::Succeeded.into(),
        error_reason: String::new(),
        http_status: 200,
        provider_request_id: "req_1".to_owned(),
        start_time: Some(prost_types::Timestamp { seconds, nanos }),
        first_byte_latency: Some(prost_types::Duration::default()),
        latency: Some(prost_types::Duration::default()),
        usage: Some(OPENAI_USAGE),
        certainty: attempt::Certainty::Reported.into(),
        cost_nanos: Some(3_000_000),
        price_version: Catalogue::builtin().version().to_owned(),
        operation: Operation::Generate.into(),
        service_tier: String::new(),
    };
    assert_eq!(response.attempts, std::slice::from_ref(&expected));
    assert_eq!(router.attempts().await, response.attempts);
    let request = GetAttemptRequest {
        name: expected.name.clone(),
    };
    let read = router.usage(OWNER).get_attempt(request).await.unwrap();
    assert_eq!(read.into_inner(), expected);
}

async fn an_answer_without_usage_has_no_cost(router: Router) {
    let mut answer = chat::whole();
    answer.as_object_mut().unwrap().remove("usage");
    router.provider.returns(Answer::json(200, &answer));
    let response = router.generate(gpt()).await.unwrap();
    assert_eq!(response.usage, None);
    let recorded = &router.attempts().await[0];
    for attempt in [&response.attempts[0], recorded] {
        assert_eq!(attempt.state(), attempt::State::Succeeded);
        assert_eq!(attempt.certainty(), attempt::Certainty::Unknown);
        assert_eq!(attempt.usage.unwrap_or_default(), Usage::default());
        assert_eq!(attempt.cost_nanos, None);
    }
}

async fn a_model_without_a_price_has_no_cost(router: Router) {
    let mut answer = chat::whole();
    answer["model"] = "house-model".into();
    router.provider.returns(Answer::json(200, &answer));
    let request = GenerateRequest {
        provider: "custom".to_owned(),
        model: "house-model".to_owned(),
        ..gpt()
    };
    router.generate(request).await.unwrap();
    let attempt = &router.attempts().await[0];
    assert_eq!(attempt.certainty(), attempt::Certainty::Reported);
    assert_eq!(attempt.usage, Some(OPENAI_USAGE));
    assert_eq!(attempt.cost_nanos, None);
}

async fn the_price_of_the_requested_model_applies_if_the_served_one_has_none(router: Router) {
    let mut answer = chat::whole();
    answer["model"] = "gpt-4.1-of-tomorrow".into();
    router.provider.returns(Answer::json(200, &answer));
    let response = router.generate(gpt()).await.unwrap();
    assert_eq!(response.attempts[0].cost_nanos, Some(3_000_000));
}

async fn the_default_model_of_the_key_is_called_if_the_request_names_none(router: Router) {
    router.vault_grants_default(|_, lease| lease.default_model = "gpt-4o".to_owned());
    router.provider.returns(Answer::json(200, &chat::whole()));
    let response = router.generate(for_model("")).await.unwrap();
    assert_eq!(
        router.provider.receives_call(1).await.body["model"],
        "gpt-4o"
    );
    assert_eq!(response.attempts[0].model, "gpt-4o");
}

async fn the_catalogue_supplies_the_provider_of_a_model(router: Router) {
    router
        .provider
        .returns(Answer::json(200, &anthropic::whole()));
    let request = GenerateRequest {
        provider: String::new(),
        ..claude()
    };
    router.generate(request).await.unwrap();
    assert_eq!(router.vault.queries()[0].provider, "anthropic");
}

async fn a_request_may_name_its_key(router: Router) {
    router.vault_grants_default(|request, lease| lease.key_version = version(ACME, &request.key));
    router.provider.returns(Answer::json(200, &chat::whole()));
    let request = GenerateRequest {
        key: "spare".to_owned(),
        provider: String::new(),
        ..gpt()
    };
    let response = router.generate(request).await.unwrap();
    let query = &router.vault.queries()[0];
    assert_eq!((&*query.key, &*query.provider), ("spare", ""));
    assert_eq!(response.attempts[0].key_version, version(ACME, "spare"));
}

async fn the_attempt_records_requester_origin_and_payer(router: Router) {
    router.vault_grants_default(|_, lease| {
        lease.key_version = version("platform", "main");
        lease.payer = latchkey_contract::vault::v1::Payer::Platform.into();
    });
    router.provider.returns(Answer::json(200, &chat::whole()));
    let request = GenerateRequest {
        origin: Origin::Automation.into(),
        ..on(WEB, gpt())
    };
    router.generate_as(OTHER_APP, request).await.unwrap();
    assert_eq!(router.vault.queries()[0].parent, WEB);
    let attempt = &router.attempts().await[0];
    assert!(attempt.name.starts_with("workspaces/acme/attempts/"));
    assert_eq!(attempt.parent, WEB);
    assert_eq!(attempt.requester, OTHER_APP.requester());
    assert_eq!(attempt.origin(), Origin::Automation);
    assert_eq!(attempt.payer(), Payer::Platform);
    assert_eq!(attempt.key_version, version("platform", "main"));
}

async fn latency_is_measured_on_the_clock(router: Router) {
    let held = router.provider.holds_answer();
    let mut client = router.inference(APP);
    let call = tokio::spawn(async move { client.generate(gpt()).await });
    router.provider.receives_call(1).await;
    router.clock.advance(Duration::from_millis(1_500));
    assert!(held.send(Answer::json(200, &chat::whole())).is_ok());
    let response = call.await.unwrap().unwrap().into_inner();
    let latency = prost_types::Duration {
        seconds: 1,
        nanos: 500_000_000,
    };
    assert_eq!(response.attempts[0].latency, Some(latency));
    assert_eq!(response.attempts[0].first_byte_latency, Some(latency));
    assert_eq!(router.attempts().await, response.attempts);
}

/// A row that the database refuses would block all later rows.
/// In what the endpoint calls an id or a model, whole and streamed.
async fn a_key_that_the_endpoint_repeats_is_redacted(router: Router) {
    let mut whole = chat::whole();
    for field in ["id", "model", "service_tier"] {
        whole[field] = json!(SECRET);
    }
    whole["choices"][0]["finish_reason"] = json!(SECRET);
    let answer = Answer::json(200, &whole).with("x-request-id", SECRET);
    router.provider.returns(answer);
    let response = router.generate(gpt()).await.unwrap();
    assert!(!format!("{response:?}").contains(SECRET));
    let mut events = router.stream(gpt()).await.unwrap();
    while let Some(event) = events.message().await.unwrap() {
        assert!(!format!("{event:?}").contains(SECRET));
    }
    let attempts = router.attempts().await;
    assert_eq!(attempts.len(), 2);
    assert!(!format!("{attempts:?}").contains(SECRET));
}

async fn a_served_model_name_is_truncated(router: Router) {
    let mut answer = chat::whole();
    answer["model"] = format!("{}\0{}", "a".repeat(200), "b".repeat(200_000)).into();
    router.provider.returns(Answer::json(200, &answer));
    router.generate(gpt()).await.unwrap();
    let attempt = &router.attempts().await[0];
    assert_eq!(attempt.state(), attempt::State::Succeeded);
    assert_eq!(
        attempt.served_model,
        // The control character became a space.
        format!("{} {}", "a".repeat(200), "b".repeat(55))
    );
}

async fn a_malformed_field_is_named_and_nothing_is_sent(router: Router) {
    let provider = |provider: &str, model: &str| GenerateRequest {
        provider: provider.to_owned(),
        ..for_model(model)
    };
    let no_messages = GenerateRequest {
        messages: Vec::new(),
        ..gpt()
    };
    let by_key = GenerateRequest {
        key: "main".to_owned(),
        ..provider("", "")
    };
    for (request, field) in [
        (on("acme", gpt()), "parent"),
        (on("", gpt()), "parent"),
        (on("workspaces/acme/keys/main", gpt()), "parent"),
        (provider("", ""), "model"),
        (provider("", "unknown-model"), "provider"),
        (provider("acme", "gpt-4.1"), "provider"),
        (for_model(&"x".repeat(257)), "model"),
        (for_model("gpt\0"), "model"),
        (by_key, "model"),
        (no_messages, "messages"),
    ] {
        let refusal = refused(
            router.generate(request).await,
            Code::InvalidArgument,
            "FIELD_INVALID",
        );
        assert_eq!(refusal.fields, [field]);
    }
    assert!(router.provider.calls().is_empty());
    assert_eq!(router.attempts().await, []);
}

fn for_model(model: &str) -> GenerateRequest {
    GenerateRequest {
        model: model.to_owned(),
        ..gpt()
    }
}

async fn a_feature_that_the_provider_lacks_is_refused(router: Router) {
    let sampling = Sampling {
        top_k: Some(40),
        ..Sampling::default()
    };
    let request = GenerateRequest {
        sampling: Some(sampling),
        ..gpt()
    };
    let outcome = router.generate(request).await;
    let refusal = refused(outcome, Code::InvalidArgument, "UNSUPPORTED_BY_PROVIDER");
    assert_eq!(refusal.fields, ["sampling.top_k"]);
    assert!(router.provider.calls().is_empty());
    assert_eq!(router.attempts().await, []);
}

async fn the_refusal_of_the_vault_is_passed_on(router: Router) {
    for (code, reason) in [
        (Code::NotFound, Reason::WorkspaceNotFound),
        (Code::NotFound, Reason::ProjectNotFound),
        (Code::NotFound, Reason::KeyNotFound),
        (Code::FailedPrecondition, Reason::OwnKeyRequired),
        (Code::FailedPrecondition, Reason::KeyUnusable),
        (Code::FailedPrecondition, Reason::ProviderMismatch),
        (Code::InvalidArgument, Reason::FieldInvalid),
        (Code::DataLoss, Reason::Integrity),
    ] {
        let refusal = Refusal::new(reason, "the vault's message")
            .with(&key(ACME, "main"), "KEY_DISABLED")
            .violation("key", "is no name");
        router.vault.refuses(refusal.into_status("vault.latchkey"));
        let refusal = refused(router.generate(gpt()).await, code, reason.as_str());
        assert_eq!(refusal.message, "the vault's message");
        assert_eq!(refusal.metadata[&key(ACME, "main")], "KEY_DISABLED");
        assert_eq!(refusal.fields, ["key"]);
    }
    assert!(router.provider.calls().is_empty());
    assert_eq!(router.attempts().await, []);
}

async fn a_failure_of_openai_is_returned_and_recorded(router: Router) {
    let failures = failures::openai().into_iter().chain(failures::whole());
    for (number, failure) in failures.enumerate() {
        fails(&router, numbered(gpt(), number), failure).await;
    }
}

async fn a_failure_of_anthropic_is_returned_and_recorded(router: Router) {
    for (number, failure) in failures::of_anthropic().into_iter().enumerate() {
        fails(&router, numbered(claude(), number), failure).await;
    }
}

async fn fails(router: &Router, request: GenerateRequest, failure: Failure) {
    router.provider.returns((failure.answer)());
    let received = router.vault.receives(|_| true).await.reports.len();
    let refusal = refused(router.generate(request).await, failure.code, failure.reason);
    failure.check_refusal(&refusal);
    let attempt = &router.attempts().await[0];
    assert_eq!(refusal.metadata["attempts"], attempt.name);
    failure.is_recorded(attempt);
    if failure.reported {
        let received = router
            .vault
            .receives(|now| now.reports.len() > received)
            .await;
        let report = received.reports.last().unwrap();
        assert_eq!(report.key_version_uid, version_uid(&version(ACME, "main")));
        let refusal = report.refusal.as_ref().unwrap();
        assert_eq!(refusal.http_status, i32::from(failure.status));
        assert_eq!(refusal.code, failure.provider_code);
        assert!(!refusal.message.contains(SECRET));
    } else {
        assert_eq!(
            router.vault.receives(|_| true).await.reports.len(),
            received
        );
    }
    // The next attempt must be newer.
    router.clock.advance(Duration::from_micros(1));
}

async fn a_provider_that_refuses_the_connection_is_unavailable(router: Router) {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = format!("http://{}/v1", unused.local_addr().unwrap());
    drop(unused);
    router.vault_grants_default(move |_, lease| lease.base_url.clone_from(&nowhere));
    let outcome = router.generate(gpt()).await;
    let refusal = refused(outcome, Code::Unavailable, "PROVIDER_UNAVAILABLE");
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(1)));
    let attempt = &router.attempts().await[0];
    assert_eq!(attempt.state(), attempt::State::Failed);
    assert_eq!(attempt.http_status, 0);
    assert_eq!(attempt.error_reason, "PROVIDER_UNAVAILABLE");
}

async fn an_answer_whose_connection_breaks_is_unavailable(router: Router) {
    router
        .provider
        .returns(Answer::cut(&chat::whole()).with("x-request-id", "req_1"));
    let outcome = router.generate(gpt()).await;
    refused(outcome, Code::Unavailable, "PROVIDER_UNAVAILABLE");
    let attempt = &router.attempts().await[0];
    assert_eq!(attempt.state(), attempt::State::Failed);
    assert_eq!(attempt.http_status, 200);
    assert_eq!(attempt.provider_request_id, "req_1");
    assert_eq!(attempt.certainty(), attempt::Certainty::Unknown);
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_abandoned() {
    let router = Router::start_with(Backend::Sqlite, |config| {
        config.upstream.total_timeout = Duration::from_millis(50);
        config.attempts = crate::harness::ONCE;
    })
    .await;
    let held = router.provider.holds_answer();
    let outcome = router.generate(gpt()).await;
    refused(outcome, Code::DeadlineExceeded, "PROVIDER_TIMEOUT");
    let attempt = &router.attempts().await[0];
    assert_eq!(attempt.state(), attempt::State::Failed);
    assert_eq!(attempt.error_reason, "PROVIDER_TIMEOUT");
    drop(held);
}

#[tokio::test]
async fn the_first_byte_timeout_does_not_apply_to_unstreamed_answers() {
    let router = Router::start_with(Backend::Sqlite, |config| {
        config.upstream.first_byte_timeout = Duration::ZERO;
    })
    .await;
    router.provider.returns(Answer::json(200, &chat::whole()));
    router.generate(gpt()).await.unwrap();
}

#[tokio::test]
async fn a_cost_is_rounded_up_by_the_operators_catalogue() {
    let mine = "version = \"mine\"\n[[models]]\nprovider = \"openai\"\nid = \"gpt-4.1\"\n\
        prices = { input = 1, cache_read = 0, output = 0 }";
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("mine.toml");
    std::fs::write(&file, mine).unwrap();
    let router = Router::start_with(Backend::Sqlite, |config| {
        config.catalogue.extend = vec![file];
    })
    .await;
    router.provider.returns(Answer::json(200, &chat::whole()));
    let response = router.generate(gpt()).await.unwrap();
    assert_eq!(response.attempts[0].cost_nanos, Some(1));
    let version = &response.attempts[0].price_version;
    assert!(version.ends_with("+mine"), "{version}");
    assert_eq!(
        router.provider.receives_call(1).await.body["messages"],
        json!([{
            "role": "user",
            "content": "Hello",
        }])
    );
}
