//! `Compare`.

use std::time::Duration;

use latchkey_contract::router::v1::compare_response::Outcome;
use latchkey_contract::router::v1::{
    Alternative, Attempt, CompareFailure, CompareRequest, CompareResponse, Expectations, Fallback,
    GenerateRequest, Payer, attempt,
};
use latchkey_contract::vault::v1;
use latchkey_migrations::testing::Backend;
use serde_json::json;
use tonic::{Code, Status, Streaming};

use crate::harness::{APP, Answer, Router, StoredKeys, anthropic, chat, gpt, of, own, refused};

async fn router() -> Router {
    let router = Router::start(Backend::Sqlite).await;
    router.vault_grants([own("a"), of("anthropic", own("c"))]);
    router.provider.returns_to("a", ok_answer());
    router
        .provider
        .returns_to("c", Answer::json(200, &anthropic::whole()));
    router
}

fn ok_answer() -> Answer {
    Answer::json(200, &chat::whole())
}

/// Models as `{provider}/{model}`.
fn compare_request<const N: usize>(models: [&str; N]) -> CompareRequest {
    let alternatives = models.map(|line| {
        let (provider, model) = line.split_once('/').unwrap();
        Alternative {
            provider: provider.to_owned(),
            model: model.to_owned(),
            key: String::new(),
        }
    });
    CompareRequest {
        request: Some(prompt()),
        alternatives: alternatives.to_vec(),
    }
}

/// A greeting without a provider or a model.
fn prompt() -> GenerateRequest {
    GenerateRequest {
        provider: String::new(),
        model: String::new(),
        ..gpt()
    }
}

async fn compare(
    router: &Router,
    request: CompareRequest,
) -> Result<Streaming<CompareResponse>, Status> {
    let start = router.inference(APP).compare(request).await;
    start.map(tonic::Response::into_inner)
}

/// Every outcome, in the order of the alternatives.
async fn outcomes(router: &Router, request: CompareRequest) -> Vec<Outcome> {
    let mut stream = compare(router, request).await.unwrap();
    let mut outcomes = Vec::new();
    while let Some(response) = stream.message().await.unwrap() {
        outcomes.push((response.index, response.outcome.unwrap()));
    }
    outcomes.sort_by_key(|(index, _)| *index);
    let indices: Vec<_> = outcomes.iter().map(|(index, _)| *index).collect();
    let all: Vec<_> = (0..).take(indices.len()).collect();
    assert_eq!(indices, all);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// The failure of an alternative; an answer fails the test.
fn failure(outcome: &Outcome) -> &CompareFailure {
    match outcome {
        Outcome::Failure(failure) => failure,
        Outcome::Answer(answer) => panic!("{answer:?}"),
    }
}

#[tokio::test]
async fn one_request_is_sent_to_each_model() {
    let router = router().await;
    let models = ["openai/gpt-4.1", "anthropic/claude-sonnet-5"];
    let outcomes = outcomes(&router, compare_request(models)).await;
    let mut answered = Vec::new();
    for outcome in outcomes {
        let Outcome::Answer(answer) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(answer.attempts.len(), 1);
        let attempt = &answer.attempts[0];
        assert_eq!(attempt.payer(), Payer::OwnKey);
        answered.push(format!("{}/{}", attempt.provider, attempt.model));
    }
    assert_eq!(answered, models);
    assert_eq!(router.attempts().await.len(), 2);
}

#[tokio::test]
async fn an_answer_is_sent_as_soon_as_its_model_returns_it() {
    let router = router().await;
    let held = router.provider.holds_answer();
    let request = compare_request(["openai/gpt-4.1", "openai/gpt-4o"]);
    let mut stream = compare(&router, request).await.unwrap();
    let first = stream.message().await.unwrap().unwrap();
    assert!(!held.is_closed());
    assert!(held.send(ok_answer()).is_ok());
    let second = stream.message().await.unwrap().unwrap();
    let mut indices = [first.index, second.index];
    indices.sort_unstable();
    assert_eq!(indices, [0, 1]);
    assert_eq!(stream.message().await.unwrap(), None);
}

/// The second model's call ends while the caller reads nothing.
#[tokio::test]
async fn a_caller_that_reads_nothing_holds_up_no_call() {
    let router = router().await;
    let request = compare_request(["openai/gpt-4.1", "anthropic/claude-sonnet-5"]);
    let _unread = compare(&router, request).await.unwrap();
    router.provider.receives_call(2).await;
    let both_end = async {
        loop {
            let attempts = router.attempts().await;
            let is_over = |attempt: &&Attempt| attempt.state() == attempt::State::Succeeded;
            if attempts.iter().filter(is_over).count() == 2 {
                return;
            }
        }
    };
    tokio::time::timeout(crate::TIME_LIMIT, both_end)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_failure_of_one_model_is_its_outcome() {
    let router = router().await;
    let error = json!({"error": {"message": "slow down"}});
    let throttled = Answer::json(429, &error).with("retry-after", "15");
    router.provider.returns_to("c", throttled);
    let models = [
        "anthropic/claude-sonnet-5",
        "openai/gpt-4.1",
        "deepseek/deepseek-chat",
    ];
    let outcomes = outcomes(&router, compare_request(models)).await;
    let throttled = failure(&outcomes[0]);
    assert_eq!(throttled.code, i32::from(Code::ResourceExhausted));
    assert_eq!(throttled.reason, "PROVIDER_THROTTLED");
    assert_ne!(throttled.message, "");
    assert_eq!(throttled.metadata["provider_message"], "slow down");
    assert_eq!(throttled.metadata["attempts"].split(' ').count(), 1);
    assert!(matches!(outcomes[1], Outcome::Answer(_)));
    let without_key = failure(&outcomes[2]);
    assert_eq!(without_key.code, i32::from(Code::FailedPrecondition));
    assert_eq!(without_key.reason, "OWN_KEY_REQUIRED");
}

#[tokio::test]
async fn a_compared_model_has_no_fallback() {
    let router = router().await;
    router.vault_grants_from(StoredKeys {
        keys: vec![own("a"), of("anthropic", own("c"))],
        fallbacks: vec!["anthropic/claude-sonnet-5"],
        ..StoredKeys::default()
    });
    router
        .provider
        .returns_to("a", Answer::json(404, &json!({})));
    let outcomes = outcomes(&router, compare_request(["openai/gpt-4.1"])).await;
    assert_eq!(failure(&outcomes[0]).reason, "MODEL_UNAVAILABLE");
    assert_eq!(router.provider.keys(), ["a"]);
}

#[tokio::test]
async fn the_conditions_of_the_request_hold_for_each_model() {
    let router = router().await;
    let mut request = compare_request(["openai/gpt-4.1", "anthropic/claude-sonnet-5"]);
    request.request.as_mut().unwrap().expectations = Some(Expectations {
        provider: "anthropic".to_owned(),
        ..Expectations::default()
    });
    let outcomes = outcomes(&router, request).await;
    assert_eq!(failure(&outcomes[0]).reason, "EXPECTATION_UNMET");
    assert!(matches!(outcomes[1], Outcome::Answer(_)));
}

#[tokio::test]
async fn an_alternative_may_name_its_key() {
    let router = router().await;
    let mut request = compare_request(["openai/gpt-4.1"]);
    request.alternatives[0].key = "a".to_owned();
    let outcomes = outcomes(&router, request).await;
    assert!(matches!(outcomes[0], Outcome::Answer(_)));
    assert_eq!(router.vault.queries()[0].key, "a");
    assert_eq!(router.vault.queries()[0].payer(), v1::Payer::Unspecified);
}

#[tokio::test]
async fn a_caller_that_disconnects_cancels_every_call() {
    let router = router().await;
    let mut held = router.provider.holds_answer();
    let stream = compare(&router, compare_request(["openai/gpt-4.1"])).await;
    router.provider.receives_call(1).await;
    drop(stream.unwrap());
    held.closed().await;
    assert_eq!(router.settled().await.state(), attempt::State::Cancelled);
}

#[tokio::test]
async fn the_callers_deadline_holds_for_each_model() {
    let router = Router::start_in_real_time(|_| {}).await;
    router.vault_grants([own("a")]);
    let _held = [
        router.provider.holds_answer(),
        router.provider.holds_answer(),
    ];
    let request = compare_request(["openai/gpt-4.1", "openai/gpt-4o"]);
    let mut client = router.inference_with_deadline(Duration::from_millis(200));
    let mut stream = client.compare(request).await.unwrap().into_inner();
    for _ in 0..2 {
        let response = stream.message().await.unwrap().unwrap();
        let outcome = response.outcome.unwrap();
        assert_eq!(failure(&outcome).reason, "DEADLINE_EXCEEDED");
        assert_eq!(failure(&outcome).code, i32::from(Code::DeadlineExceeded));
    }
    assert_eq!(stream.message().await.unwrap(), None);
}

#[tokio::test]
async fn a_malformed_field_is_named() {
    type Damage = fn(&mut GenerateRequest, &mut Vec<Alternative>);
    let router = router().await;
    let damages: [(&str, Damage); 11] = [
        ("request.parent", |request, _| {
            request.parent = "acme".to_owned();
        }),
        ("request.provider", |request, _| {
            request.provider = "openai".to_owned();
        }),
        ("request.model", |request, _| {
            request.model = "gpt-4.1".to_owned();
        }),
        ("request.key", |request, _| request.key = "a".to_owned()),
        ("request.fallbacks", |request, _| {
            request.fallbacks.push(Fallback::default());
        }),
        ("request.funding.when_failed", |request, _| {
            request.funding.get_or_insert_default().when_failed = 9;
        }),
        ("alternatives", |_, alternatives| alternatives.clear()),
        ("alternatives", |_, alternatives| {
            alternatives.resize(9, alternatives[0].clone());
        }),
        ("alternatives[1].provider", |_, alternatives| {
            alternatives[1].provider = "unknown".to_owned();
        }),
        ("alternatives[1].provider", |_, alternatives| {
            alternatives[1].provider.clear();
            alternatives[1].model = "unknown-model".to_owned();
        }),
        ("alternatives[0].model", |_, alternatives| {
            alternatives[0].model = "x".repeat(257);
        }),
    ];
    for (field, damage) in damages {
        let mut request = compare_request(["openai/gpt-4.1", "openai/gpt-4o"]);
        damage(request.request.as_mut().unwrap(), &mut request.alternatives);
        let outcome = compare(&router, request).await;
        let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, [field]);
    }
    let nothing = CompareRequest {
        request: None,
        ..compare_request(["openai/gpt-4.1"])
    };
    let refusal = refused(
        compare(&router, nothing).await,
        Code::InvalidArgument,
        "FIELD_INVALID",
    );
    assert_eq!(refusal.fields, ["request"]);
    assert!(router.vault.queries().is_empty());
}

#[tokio::test]
async fn eight_models_may_be_compared() {
    let router = router().await;
    let outcomes = outcomes(&router, compare_request(["openai/gpt-4.1"; 8])).await;
    assert_eq!(outcomes.len(), 8);
    assert_eq!(router.provider.calls().len(), 8);
}
