//! The payer of a request whose first key failed.

use std::time::Duration;

use latchkey_contract::router::v1::funding::{FundingFallback, Selection};
use latchkey_contract::router::v1::{
    Attempt, Expectations, ExplainRequest, Fallback, Funding, GenerateRequest, GetAttemptRequest,
    Payer, explain_request,
};
use latchkey_contract::vault::v1::{self, Lease};
use tonic::Code;

use super::{
    are_recorded, claude_answer, failed, falling_back, for_model, ok_answer, reasons, router,
};
use crate::harness::{
    ACME, APP, Answer, OWNER, Router, StoredKeys, gpt, of, own, refused, shared, version,
};

const CLAUDE: &str = "anthropic/claude-sonnet-5";
const THROTTLED: &str = "PROVIDER_THROTTLED";

fn throttled() -> Answer {
    failed(429).with("retry-after", "15")
}

/// A router with these keys, in a workspace whose `when_failed` is PLATFORM.
async fn lenient(keys: impl IntoIterator<Item = Lease>) -> Router {
    let router = router().await;
    router.vault_grants_from(StoredKeys {
        keys: keys.into_iter().collect(),
        platform_after_failure: true,
        ..StoredKeys::default()
    });
    router
}

fn payers(attempts: &[Attempt]) -> Vec<Payer> {
    attempts.iter().map(Attempt::payer).collect()
}

fn funded(funding: Funding) -> GenerateRequest {
    GenerateRequest {
        funding: Some(funding),
        ..gpt()
    }
}

fn refusing_when_failed() -> Funding {
    Funding {
        when_failed: FundingFallback::Refuse.into(),
        ..Funding::default()
    }
}

#[tokio::test]
async fn the_platform_key_replaces_a_failed_key_if_the_policy_allows_it() {
    for failure in [
        throttled(),
        failed(401),
        failed(403),
        failed(402),
        failed(404),
    ] {
        let router = lenient([own("a"), shared("p")]).await;
        router.provider.returns_to("a", failure);
        router.provider.returns_to("p", ok_answer());
        let response = router.generate(gpt()).await.unwrap();
        assert_eq!(router.provider.keys(), ["a", "p"]);
        assert_eq!(payers(&response.attempts), [Payer::OwnKey, Payer::Platform]);
        are_recorded(&router, &response.attempts).await;
        let queries = router.vault.queries();
        assert_eq!(queries.len(), 2);
        assert_eq!(queries[1].payer(), v1::Payer::Unspecified);
        assert_eq!(queries[1].excluded_keys, ["workspaces/acme/keys/a"]);
        assert!(queries[1].own_key_failed);
    }
}

#[tokio::test]
async fn other_own_keys_are_tried_before_the_platform_key() {
    let router = lenient([own("a"), own("b"), shared("p")]).await;
    router.provider.returns(throttled());
    router.provider.returns_to("p", ok_answer());
    let response = router.generate(gpt()).await.unwrap();
    assert_eq!(router.provider.keys(), ["a", "b", "p"]);
    assert_eq!(reasons(&response.attempts), [THROTTLED, THROTTLED, ""]);
}

#[tokio::test]
async fn a_cooling_own_key_is_replaced_by_the_platform_key_without_a_call() {
    let router = lenient([own("a"), shared("p")]).await;
    router.provider.returns_to("a", throttled());
    router.provider.returns_to("p", ok_answer());
    router.generate(gpt()).await.unwrap();
    let queries = router.vault.queries().len();
    let response = router.generate(gpt()).await.unwrap();
    assert_eq!(router.provider.keys(), ["a", "p", "p"]);
    assert_eq!(payers(&response.attempts), [Payer::Platform]);
    // The cached answers serve both queries.
    assert_eq!(router.vault.queries().len(), queries);
}

#[tokio::test]
async fn a_request_may_refuse_the_platform_key() {
    let router = lenient([own("a"), shared("p"), of("anthropic", shared("q"))]).await;
    router.provider.returns(throttled());
    let request = falling_back([CLAUDE], funded(refusing_when_failed()));
    let outcome = router.generate(request).await;
    refused(outcome, Code::ResourceExhausted, THROTTLED);
    assert_eq!(router.provider.keys(), ["a"]);
    // The second query is for the fallback only.
    let queries = router.vault.queries();
    let providers: Vec<_> = queries.iter().map(|query| &*query.provider).collect();
    assert_eq!(providers, ["openai", "anthropic"]);
    let policy = queries[0].funding.as_ref().unwrap();
    assert_eq!(
        policy.when_failed(),
        v1::funding_policy::FundingFallback::Refuse
    );
}

#[tokio::test]
async fn a_request_cannot_widen_the_funding_policy() {
    let router = router().await;
    router.vault_grants([own("a"), shared("p")]);
    router.provider.returns(throttled());
    let outcome = router
        .generate(funded(Funding {
            when_failed: FundingFallback::Platform.into(),
            ..Funding::default()
        }))
        .await;
    refused(outcome, Code::ResourceExhausted, THROTTLED);
    assert_eq!(router.provider.keys(), ["a"]);
}

#[tokio::test]
async fn an_own_key_never_follows_a_platform_key() {
    let keys = [
        own("a"),
        shared("p"),
        of("anthropic", own("c")),
        of("anthropic", shared("q")),
    ];
    let router = lenient(keys).await;
    router.provider.returns(throttled());
    router.provider.returns_to("q", claude_answer());
    let response = router
        .generate(falling_back([CLAUDE], gpt()))
        .await
        .unwrap();
    assert_eq!(router.provider.keys(), ["a", "p", "q"]);
    let (own_key, platform) = (Payer::OwnKey, Payer::Platform);
    assert_eq!(payers(&response.attempts), [own_key, platform, platform]);
    let last = router.vault.queries().pop().unwrap();
    assert_eq!(last.payer(), v1::Payer::Platform);
    assert!(last.own_key_failed);
}

/// Not even if the own key is about to be free again.
#[tokio::test]
async fn a_request_paid_by_the_platform_does_not_return_to_a_throttled_own_key() {
    let router = lenient([own("a"), shared("p")]).await;
    router
        .provider
        .returns_to("a", failed(429).with("retry-after-ms", "1"));
    router.provider.returns_to("p", throttled());
    let outcome = router.generate(gpt()).await;
    let refusal = refused(outcome, Code::ResourceExhausted, THROTTLED);
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(15)));
    assert_eq!(router.provider.keys(), ["a", "p"]);
}

#[tokio::test]
async fn a_request_that_began_with_a_platform_key_uses_platform_keys_only() {
    let router = router().await;
    router.vault_grants([
        shared("p"),
        of("anthropic", own("c")),
        of("anthropic", shared("q")),
    ]);
    router.provider.returns(throttled());
    router.provider.returns_to("q", claude_answer());
    let response = router.generate(falling_back([CLAUDE], gpt())).await;
    let attempts = response.unwrap().attempts;
    assert_eq!(router.provider.keys(), ["p", "q"]);
    assert_eq!(payers(&attempts), [Payer::Platform, Payer::Platform]);
    let last = router.vault.queries().pop().unwrap();
    assert_eq!(last.payer(), v1::Payer::Platform);
    assert!(!last.own_key_failed);
}

#[tokio::test]
async fn a_fallback_to_another_provider_counts_as_after_a_failure() {
    let keys = || [own("a"), of("anthropic", shared("q"))];
    let strict = router().await;
    strict.vault_grants(keys());
    strict.provider.returns(throttled());
    let outcome = strict.generate(falling_back([CLAUDE], gpt())).await;
    refused(outcome, Code::ResourceExhausted, THROTTLED);
    assert_eq!(strict.provider.keys(), ["a"]);
    let last = strict.vault.queries().pop().unwrap();
    assert_eq!((&*last.provider, last.own_key_failed), ("anthropic", true));
    assert_eq!((last.payer, last.excluded_keys), (0, Vec::new()));

    let lenient = lenient(keys()).await;
    lenient.provider.returns_to("a", throttled());
    lenient.provider.returns_to("q", claude_answer());
    let response = lenient.generate(falling_back([CLAUDE], gpt())).await;
    let attempts = response.unwrap().attempts;
    assert_eq!(payers(&attempts), [Payer::OwnKey, Payer::Platform]);
    // Without an own key none has failed, so the platform may pay.
    strict.vault_grants([of("anthropic", shared("q"))]);
    strict.provider.returns_to("q", claude_answer());
    let request = falling_back([CLAUDE], for_model("gpt-4o"));
    let attempts = strict.generate(request).await.unwrap().attempts;
    assert_eq!(payers(&attempts), [Payer::Platform]);
}

#[tokio::test]
async fn an_own_key_of_a_fallback_may_follow_an_own_key() {
    let router = router().await;
    router.vault_grants([own("a"), of("anthropic", own("c"))]);
    router.provider.returns_to("a", throttled());
    router.provider.returns_to("c", claude_answer());
    let response = router.generate(falling_back([CLAUDE], gpt())).await;
    let attempts = response.unwrap().attempts;
    assert_eq!(payers(&attempts), [Payer::OwnKey, Payer::OwnKey]);
}

#[tokio::test]
async fn a_named_key_is_not_replaced_by_any_key() {
    let router = lenient([own("a"), own("b"), shared("p")]).await;
    router.provider.returns(throttled());
    let request = GenerateRequest {
        key: "a".to_owned(),
        ..gpt()
    };
    let outcome = router.generate(request).await;
    refused(outcome, Code::ResourceExhausted, THROTTLED);
    assert_eq!(router.provider.keys(), ["a"]);
    assert_eq!(router.vault.queries().len(), 1);
}

#[tokio::test]
async fn the_named_key_of_a_fallback_is_not_replaced() {
    let router = lenient([own("a"), own("b"), shared("p")]).await;
    router.provider.returns(throttled());
    let fallback = Fallback {
        key: "b".to_owned(),
        model: "gpt-4o".to_owned(),
        ..Fallback::default()
    };
    let request = GenerateRequest {
        fallbacks: vec![fallback],
        ..funded(refusing_when_failed())
    };
    let outcome = router.generate(request).await;
    refused(outcome, Code::ResourceExhausted, THROTTLED);
    assert_eq!(router.provider.keys(), ["a", "b", "b"]);
}

#[tokio::test]
async fn a_stream_moves_to_the_platform_key_before_its_first_piece() {
    let router = lenient([own("a"), shared("p")]).await;
    router.provider.returns_to("a", throttled());
    router.provider.returns_to("p", ok_answer());
    assert!(router.stream(gpt()).await.is_ok());
    assert_eq!(router.provider.keys(), ["a", "p"]);
    let queries = router.vault.queries();
    assert!(queries[1].own_key_failed);
}

#[tokio::test]
async fn the_router_waits_for_a_throttled_key_if_the_platform_may_not_pay() {
    let router = Router::start_in_real_time(|_| {}).await;
    router.vault_grants([own("a"), shared("p")]);
    let soon = failed(429).with("retry-after-ms", "20");
    router.provider.returns_once(soon);
    router.provider.returns_to("a", ok_answer());
    let response = router.generate(gpt()).await.unwrap();
    assert_eq!(router.provider.keys(), ["a", "a"]);
    assert_eq!(payers(&response.attempts), [Payer::OwnKey, Payer::OwnKey]);
}

#[tokio::test]
async fn own_keys_are_not_selected_for_a_request_with_when_named() {
    let router = router().await;
    router.vault_grants([own("a"), shared("p")]);
    router.provider.returns(ok_answer());
    let when_named = Funding {
        selection: Selection::WhenNamed.into(),
        ..Funding::default()
    };
    let outcome = router.generate(funded(when_named)).await;
    let refusal = refused(outcome, Code::FailedPrecondition, "OWN_KEY_REQUIRED");
    assert_eq!(refusal.metadata["workspaces/acme/keys/a"], "NOT_NAMED");
    assert_eq!(refusal.metadata["platform/keys/p"], "OWN_KEY_FIRST");
    let named = GenerateRequest {
        key: "a".to_owned(),
        ..funded(when_named)
    };
    router.generate(named).await.unwrap();
    assert_eq!(router.provider.keys(), ["a"]);
}

/// The attempts of a failed request name key, version, tail and payer, as those of an answer do.
#[tokio::test]
async fn the_attempts_of_an_error_name_keys_and_payers() {
    let router = lenient([own("a"), shared("p")]).await;
    router.provider.returns(failed(401));
    let outcome = router.generate(gpt()).await;
    let refusal = refused(outcome, Code::FailedPrecondition, "PROVIDER_REJECTED_KEY");
    let mut named = Vec::new();
    for name in refusal.metadata["attempts"].split(' ') {
        let name = name.to_owned();
        let request = GetAttemptRequest { name };
        let got = router.usage(OWNER).get_attempt(request).await;
        let attempt = got.unwrap().into_inner();
        assert_eq!(attempt.material_tail, "wxyz");
        named.push((attempt.key_version.clone(), attempt.payer()));
    }
    let expected = [
        (version(ACME, "a"), Payer::OwnKey),
        (version("platform", "p"), Payer::Platform),
    ];
    assert_eq!(named, expected);
}

#[tokio::test]
async fn a_key_may_forbid_the_platform_fallback() {
    let alone = Lease {
        platform_fallback_allowed: false,
        ..own("a")
    };
    let router = lenient([alone, of("anthropic", shared("q"))]).await;
    router.provider.returns(throttled());
    let outcome = router.generate(falling_back([CLAUDE], gpt())).await;
    refused(outcome, Code::ResourceExhausted, THROTTLED);
    assert_eq!(router.provider.keys(), ["a"]);
    // The query for the fallback is restricted to own keys, regardless of the policy there.
    let query = router.vault.queries().pop().unwrap();
    assert_eq!(
        (&*query.provider, query.payer()),
        ("anthropic", v1::Payer::OwnKey)
    );
}

#[tokio::test]
async fn a_key_above_the_cost_limit_does_not_count_as_failed() {
    let mut dear = own("a");
    dear.default_model = "gpt-4.1".to_owned();
    let mut cheap = of("anthropic", shared("q"));
    cheap.default_model = "claude-haiku-4-5".to_owned();
    let router = lenient([dear, cheap]).await;
    let request = GenerateRequest {
        provider: String::new(),
        model: String::new(),
        max_output_tokens: Some(10),
        expectations: Some(Expectations {
            max_cost_nanos: Some(1),
            ..Expectations::default()
        }),
        ..gpt()
    };
    let outcome = router.generate(request.clone()).await;
    refused(outcome, Code::FailedPrecondition, "EXPECTATION_UNMET");
    assert!(router.provider.calls().is_empty());
    // The platform key is not queried, regardless of its price.
    let query = router.vault.queries();
    assert!(!query.iter().any(|query| query.own_key_failed));
    let later = query.iter().skip(1);
    assert!(
        later
            .clone()
            .all(|query| query.payer() == v1::Payer::OwnKey)
    );

    let request = ExplainRequest {
        request: Some(explain_request::Request::Generate(request)),
    };
    let response = router.inference(APP).explain(request).await.unwrap();
    let explained = response.into_inner().models.remove(0);
    let rules: Vec<_> = explained
        .keys
        .iter()
        .map(|key| (&*key.rule, key.step))
        .collect();
    assert_eq!(rules, [("COST_EXPECTATION", 0), ("PAYER_DIFFERS", 0)]);
    assert_eq!(explained.refusal.unwrap().reason, "EXPECTATION_UNMET");
}
