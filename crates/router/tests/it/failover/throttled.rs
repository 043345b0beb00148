//! Throttled keys, which are replaced by others.

use std::time::Duration;

use latchkey_contract::router::v1::GenerateRequest;
use latchkey_contract::vault::v1::Payer;
use tonic::Code;

use super::{are_recorded, failed, for_model, ok_answer, reasons, router};
use crate::harness::{APP, Answer, gpt, own, refused, shared, streamed};

fn throttled() -> Answer {
    failed(429)
}

#[tokio::test]
async fn a_throttled_key_is_replaced_by_the_next_own_key() {
    let router = router().await;
    router.vault_grants([own("a"), own("b"), shared("p")]);
    router.provider.returns_to("a", throttled());
    router.provider.returns_to("b", ok_answer());
    let response = router.generate(gpt()).await.unwrap();
    assert_eq!(router.provider.keys(), ["a", "b"]);
    assert_eq!(reasons(&response.attempts), ["PROVIDER_THROTTLED", ""]);
    are_recorded(&router, &response.attempts).await;
    // The first query, and a second that excludes the tried key.
    let queries = router.vault.queries();
    assert_eq!(queries.len(), 2);
    assert_eq!(queries[1].excluded_keys, ["workspaces/acme/keys/a"]);
    // The vault decides whether the platform may pay after the failure.
    assert_eq!(queries[1].payer(), Payer::Unspecified);
    let failed = queries.iter().map(|query| query.own_key_failed);
    assert_eq!(failed.collect::<Vec<_>>(), [false, true]);
}

#[tokio::test]
async fn a_platform_key_does_not_replace_a_throttled_own_key() {
    let router = router().await;
    router.vault_grants([own("a"), shared("p")]);
    router
        .provider
        .returns_to("a", throttled().with("retry-after", "60"));
    router.provider.returns_to("p", ok_answer());
    for _ in 0..2 {
        let outcome = router.generate(gpt()).await;
        let refusal = refused(outcome, Code::ResourceExhausted, "PROVIDER_THROTTLED");
        assert_eq!(refusal.retry_after, Some(Duration::from_mins(1)));
    }
    assert_eq!(router.provider.keys(), ["a"]);
    // The candidates have no other key, so no second query is sent.
    assert_eq!(router.vault.queries().len(), 1);
}

#[tokio::test]
async fn a_throttled_platform_key_is_replaced_by_another() {
    let router = router().await;
    router.vault_grants([shared("p"), shared("q")]);
    router.provider.returns_to("p", throttled());
    router.provider.returns_to("q", ok_answer());
    router.generate(gpt()).await.unwrap();
    assert_eq!(router.provider.keys(), ["p", "q"]);
    let query = &router.vault.queries()[1];
    assert_eq!(query.payer(), Payer::Platform);
    assert!(!query.own_key_failed);
}

#[tokio::test]
async fn a_throttled_key_cools_down_for_the_same_model_only() {
    let router = router().await;
    router.vault_grants([own("a"), own("b")]);
    router
        .provider
        .returns_to("a", throttled().with("retry-after", "20"));
    router.provider.returns_to("b", ok_answer());
    router.generate(gpt()).await.unwrap();
    let response = router.generate(gpt()).await.unwrap();
    assert_eq!(reasons(&response.attempts), [""]);
    assert!(router.stream(gpt()).await.is_ok());
    assert_eq!(router.provider.keys(), ["a", "b", "b", "b"]);
    // Both keys are leased by now.
    assert_eq!(router.vault.queries().len(), 2);

    // Another model may have a limit of its own.
    router.provider.returns_to("a", ok_answer());
    router.generate(for_model("gpt-4o")).await.unwrap();
    assert_eq!(router.provider.keys()[4..], ["a"]);

    router.clock.advance(Duration::from_micros(19_999_999));
    router.generate(gpt()).await.unwrap();
    router.clock.advance(Duration::from_micros(1));
    router.generate(gpt()).await.unwrap();
    assert_eq!(router.provider.keys()[5..], ["b", "a"]);
}

#[tokio::test]
async fn every_form_of_retry_after_is_honoured() {
    let router = router().await;
    router.vault_grants([own("a")]);
    for (index, (name, value, wait)) in [
        ("retry-after-ms", "11500", 11_500),
        ("retry-after", "12", 12_000),
        ("retry-after", "12.25", 12_250),
        // Half a minute after the clock's time.
        ("retry-after", "Sat, 21 Nov 2026 12:00:30 GMT", 30_000),
    ]
    .into_iter()
    .enumerate()
    {
        router.provider.returns(throttled().with(name, value));
        let wait = Some(Duration::from_millis(wait));
        // During the cool-down the same refusal is returned without a call.
        for _ in 0..2 {
            let outcome = router
                .generate(for_model(&format!("gpt-4.1-{index}")))
                .await;
            let refusal = refused(outcome, Code::ResourceExhausted, "PROVIDER_THROTTLED");
            assert_eq!(refusal.retry_after, wait, "{name}: {value}");
            assert_eq!(refusal.metadata["provider_status"], "429");
        }
        assert_eq!(router.provider.calls().len(), index + 1);
    }
}

#[tokio::test]
async fn a_refusal_names_the_remaining_wait() {
    let router = router().await;
    router.vault_grants([own("a")]);
    router
        .provider
        .returns(throttled().with("retry-after", "25"));
    let first = refused(
        router.generate(gpt()).await,
        Code::ResourceExhausted,
        "PROVIDER_THROTTLED",
    );
    assert!(first.metadata.contains_key("attempts"));
    router.clock.advance(Duration::from_secs(10));
    let second = refused(
        router.generate(gpt()).await,
        Code::ResourceExhausted,
        "PROVIDER_THROTTLED",
    );
    assert_eq!(second.retry_after, Some(Duration::from_secs(15)));
    // No call was made for it.
    assert!(!second.metadata.contains_key("attempts"));
    assert_eq!(router.attempts().await.len(), 1);
}

#[tokio::test]
async fn every_own_key_is_called_before_a_request_fails() {
    let router = router().await;
    router.vault_grants([own("a"), own("b"), own("c"), shared("p")]);
    router
        .provider
        .returns(throttled().with("retry-after", "15"));
    router
        .provider
        .returns_to("b", throttled().with("retry-after", "12"));
    let outcome = router.generate(gpt()).await;
    let refusal = refused(outcome, Code::ResourceExhausted, "PROVIDER_THROTTLED");
    assert_eq!(router.provider.keys(), ["a", "b", "c"]);
    assert_eq!(refusal.metadata["attempts"].split(' ').count(), 3);
    // No key is left to call.
    let outcome = router.generate(gpt()).await;
    refused(outcome, Code::ResourceExhausted, "PROVIDER_THROTTLED");
    assert_eq!(router.provider.calls().len(), 3);
}

#[tokio::test]
async fn a_throttled_named_key_is_not_replaced() {
    let router = router().await;
    router.vault_grants([own("a"), own("b")]);
    router
        .provider
        .returns(throttled().with("retry-after", "15"));
    let named = GenerateRequest {
        key: "a".to_owned(),
        ..gpt()
    };
    let outcome = router.generate(named.clone()).await;
    refused(outcome, Code::ResourceExhausted, "PROVIDER_THROTTLED");
    let outcome = router.inference(APP).stream_generate(streamed(named)).await;
    refused(outcome, Code::ResourceExhausted, "PROVIDER_THROTTLED");
    assert_eq!(router.provider.keys(), ["a"]);
}

/// No other key can be leased then; the provider's failure is the more useful refusal.
#[tokio::test]
async fn the_refusal_names_the_failed_call_if_the_vault_is_unreachable() {
    let mut router = router().await;
    router.vault_grants([own("a"), own("b")]);
    router.provider.returns_once(ok_answer());
    router.generate(gpt()).await.unwrap();
    router.vault.stop().await;
    let answer = throttled().with("retry-after", "15");
    router.provider.returns(answer);
    let outcome = router.generate(gpt()).await;
    refused(outcome, Code::ResourceExhausted, "PROVIDER_THROTTLED");
    assert_eq!(router.provider.keys(), ["a", "a"]);
}
