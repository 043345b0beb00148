//! Expectations of a request: the properties of its key, and the highest cost of a call.

use latchkey_contract::router::v1::{Expectations, Funding, GenerateRequest, Payer};
use tonic::Code;

use super::{claude_answer, falling_back, for_model, ok_answer, router};
use crate::harness::{ACME, gpt, of, own, refused, shared, version};

const CLAUDE: &str = "anthropic/claude-sonnet-5";

fn expecting(expectations: Expectations) -> GenerateRequest {
    GenerateRequest {
        expectations: Some(expectations),
        ..gpt()
    }
}

#[tokio::test]
async fn a_key_that_does_not_meet_the_expectations_is_skipped() {
    let router = router().await;
    let mut european = of("vertex", own("v"));
    european.location = "europe-west4".to_owned();
    router.vault_grants([own("a"), own("b"), shared("p"), european]);
    router.provider.returns(ok_answer());
    let version = |key: &str| Expectations {
        key_version: version(ACME, key),
        ..Expectations::default()
    };
    router.generate(expecting(version("b"))).await.unwrap();
    assert_eq!(router.provider.keys(), ["b"]);
    for expectations in [
        version("c"),
        Expectations {
            provider: "anthropic".to_owned(),
            ..Expectations::default()
        },
        Expectations {
            payer: Payer::Platform.into(),
            ..Expectations::default()
        },
        Expectations {
            location: "us-east1".to_owned(),
            ..Expectations::default()
        },
    ] {
        let outcome = router.generate(expecting(expectations)).await;
        refused(outcome, Code::FailedPrecondition, "EXPECTATION_UNMET");
    }
    assert_eq!(router.provider.calls().len(), 1);
}

#[tokio::test]
async fn a_fallback_is_used_if_only_it_meets_the_expectations() {
    let router = router().await;
    router.vault_grants([own("a"), of("anthropic", own("c"))]);
    router.provider.returns(claude_answer());
    let expectations = Expectations {
        provider: "anthropic".to_owned(),
        ..Expectations::default()
    };
    let request = falling_back([CLAUDE], expecting(expectations));
    router.generate(request).await.unwrap();
    assert_eq!(router.provider.keys(), ["c"]);
}

/// A request with this cost limit per call.
fn for_at_most(nanos: i64, request: GenerateRequest) -> GenerateRequest {
    GenerateRequest {
        max_output_tokens: Some(10),
        expectations: Some(Expectations {
            max_cost_nanos: Some(nanos),
            ..Expectations::default()
        }),
        ..request
    }
}

#[tokio::test]
async fn a_call_that_may_exceed_the_cost_limit_is_not_made() {
    let router = router().await;
    router.vault_grants([own("a")]);
    router.provider.returns(ok_answer());
    let outcome = router.generate(for_at_most(0, gpt())).await;
    let refusal = refused(outcome, Code::FailedPrecondition, "EXPECTATION_UNMET");
    assert_eq!(refusal.metadata["expectation"], "max_cost_nanos");
    // "Hello" is 5 bytes, a message 16 more; $2 and $8 for a million at gpt-4.1.
    let highest = 21 * 2_000 + 10 * 8_000;
    assert_eq!(refusal.metadata["highest_cost_nanos"], highest.to_string());
    let outcome = router.generate(for_at_most(highest - 1, gpt())).await;
    refused(outcome, Code::FailedPrecondition, "EXPECTATION_UNMET");
    let outcome = router.stream(for_at_most(highest - 1, gpt())).await;
    refused(outcome, Code::FailedPrecondition, "EXPECTATION_UNMET");
    assert!(router.provider.calls().is_empty());
    assert!(router.attempts().await.is_empty());
    router.generate(for_at_most(highest, gpt())).await.unwrap();
    assert_eq!(router.provider.calls().len(), 1);
}

#[tokio::test]
async fn an_unknown_cost_never_satisfies_a_limit() {
    let router = router().await;
    router.vault_grants([own("a")]);
    let request = for_at_most(i64::MAX, for_model("gpt-of-tomorrow"));
    let outcome = router.generate(request).await;
    let refusal = refused(outcome, Code::FailedPrecondition, "EXPECTATION_UNMET");
    assert!(!refusal.metadata.contains_key("highest_cost_nanos"));
}

#[tokio::test]
async fn a_fallback_below_the_cost_limit_is_used() {
    let router = router().await;
    router.vault_grants([own("a")]);
    router.provider.returns(ok_answer());
    let request = falling_back(["openai/gpt-4.1-mini"], gpt());
    let response = router.generate(for_at_most(50_000, request)).await.unwrap();
    assert_eq!(response.attempts.len(), 1);
    assert_eq!(response.attempts[0].model, "gpt-4.1-mini");
    // No key has failed, so the platform may pay.
    router.vault_grants([own("a"), of("anthropic", shared("q"))]);
    let request = falling_back([CLAUDE], for_model("gpt-4o"));
    let request = for_at_most(1, request);
    let outcome = router.generate(request).await;
    refused(outcome, Code::FailedPrecondition, "EXPECTATION_UNMET");
    let last = router.vault.queries().pop().unwrap();
    assert_eq!((&*last.provider, last.own_key_failed), ("anthropic", false));
}

#[tokio::test]
async fn a_malformed_funding_or_expectation_is_named() {
    let router = router().await;
    let funding = Funding {
        when_missing: 7,
        ..Funding::default()
    };
    let expectations = Expectations {
        max_cost_nanos: Some(-1),
        ..Expectations::default()
    };
    for (request, field) in [
        (
            GenerateRequest {
                funding: Some(funding),
                ..gpt()
            },
            "funding.when_missing",
        ),
        (expecting(expectations), "expectations.max_cost_nanos"),
    ] {
        let outcome = router.generate(request.clone()).await;
        let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, [field]);
        let outcome = router.stream(request).await;
        let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, [format!("request.{field}")]);
    }
    assert!(router.vault.queries().is_empty());
}
