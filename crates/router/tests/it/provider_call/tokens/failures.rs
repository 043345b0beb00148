//! Tokens that the provider refuses, and token requests that fail.

use std::time::Duration;

use latchkey_contract::router::v1::attempt::State;
use serde_json::json;
use tonic::Code;

use super::{FIRST, Fixture, SECOND, SECRET, application, azure, granted};
use crate::harness::{ACME, APP, Answer, chat, of, own, refused, version, version_uid};

const REJECTED: &str = "PROVIDER_REJECTED_KEY";

/// The provider quotes the token that it refuses.
fn unauthorized(token: &str) -> Answer {
    let message = format!("the token {token} has expired");
    Answer::json(401, &chat::error("some_error", "401", &message))
}

fn denied(error: &str) -> Answer {
    let message = format!("AADSTS7000215: Invalid client secret provided: {SECRET}.");
    Answer::json(401, &json!({"error": error, "error_description": message}))
}

#[tokio::test]
async fn a_refused_token_is_renewed_and_the_call_retried_once() {
    let fixture = Fixture::new().await;
    fixture.router.provider.returns_once(unauthorized(FIRST));
    let response = fixture.router.generate(azure()).await.unwrap();
    assert_eq!(fixture.shown(), [FIRST, SECOND]);
    let reasons = response
        .attempts
        .iter()
        .map(|attempt| &*attempt.error_reason);
    assert_eq!(reasons.collect::<Vec<_>>(), [REJECTED, ""]);
    // The new token is cached, and the key is not reported.
    fixture.router.generate(azure()).await.unwrap();
    assert_eq!(fixture.shown().len(), 3);
    assert_eq!(fixture.issuer.calls().len(), 2);
    assert_eq!(fixture.router.vault.receives(|_| true).await.reports, []);
}

#[tokio::test]
async fn a_stream_with_a_refused_token_is_retried_once() {
    let fixture = Fixture::new().await;
    fixture.router.provider.returns_once(unauthorized(FIRST));
    let pieces = Answer::events(&chat::pieces());
    fixture.router.provider.returns_once(pieces);
    assert!(fixture.router.stream(azure()).await.is_ok());
    assert_eq!(fixture.shown(), [FIRST, SECOND]);
}

#[tokio::test]
async fn a_key_whose_new_token_is_refused_too_is_reported() {
    let fixture = Fixture::new().await;
    fixture.router.provider.returns(unauthorized(FIRST));
    let outcome = fixture.router.generate(azure()).await;
    let refusal = refused(outcome, Code::FailedPrecondition, REJECTED);
    assert_eq!(fixture.shown(), [FIRST, SECOND]);
    assert_eq!(refusal.metadata["attempts"].split(' ').count(), 2);
    let vault = &fixture.router.vault;
    let received = vault
        .receives(|received| !received.reports.is_empty())
        .await;
    assert_eq!(
        received.reports[0].key_version_uid,
        version_uid(&version(ACME, "z"))
    );
}

#[tokio::test]
async fn an_error_never_contains_the_token() {
    let fixture = Fixture::new().await;
    fixture.router.provider.returns_once(unauthorized(FIRST));
    fixture.router.provider.returns_once(unauthorized(SECOND));
    let outcome = fixture.router.generate(azure()).await;
    let refusal = refused(outcome, Code::FailedPrecondition, REJECTED);
    assert!(refusal.metadata["provider_message"].contains("has expired"));
    assert!(!format!("{refusal:?}").contains("token-"), "{refusal:?}");
}

/// The revocation may have ended the token, so its refusal does not count against the key.
#[tokio::test]
async fn a_key_revoked_during_the_call_is_not_reported() {
    let fixture = Fixture::new().await;
    let held = fixture.router.provider.holds_answer();
    let mut client = fixture.router.inference(APP);
    let call = tokio::spawn(async move { client.generate(azure()).await });
    fixture.router.provider.receives_call(1).await;
    let vault = &fixture.router.vault;
    vault.invalidates(ACME, 2, &[version(ACME, "z")]);
    vault
        .receives(|received| !received.acknowledgements.is_empty())
        .await;
    assert!(held.send(unauthorized(FIRST)).is_ok());
    call.await.unwrap().unwrap();
    assert_eq!(fixture.shown(), [FIRST, SECOND]);
    assert_eq!(vault.receives(|_| true).await.reports, []);
}

#[tokio::test]
async fn a_key_that_the_issuer_refuses_is_reported_and_recorded() {
    let fixture = Fixture::of_keys([application("z")]).await;
    fixture.issuer.returns(denied("invalid_client"));
    let outcome = fixture.router.generate(azure()).await;
    let refusal = refused(outcome, Code::FailedPrecondition, REJECTED);
    assert!(refusal.metadata["provider_message"].starts_with("AADSTS7000215"));
    assert!(!format!("{refusal:?}").contains(SECRET), "{refusal:?}");
    let attempt = &fixture.router.attempts().await[0];
    assert_eq!(refusal.metadata["attempts"], attempt.name);
    assert_eq!(attempt.state(), State::Failed);
    assert_eq!(attempt.error_reason, REJECTED);
    assert_eq!(attempt.http_status, 401);
    assert_eq!(attempt.key_version, version(ACME, "z"));
    let vault = &fixture.router.vault;
    let received = vault
        .receives(|received| !received.reports.is_empty())
        .await;
    assert_eq!(
        received.reports[0].key_version_uid,
        version_uid(&version(ACME, "z"))
    );
    let refusal = received.reports[0].refusal.as_ref().unwrap();
    assert_eq!(
        (refusal.http_status, &*refusal.code),
        (401, "invalid_client")
    );
    assert!(!refusal.message.contains(SECRET));
    // The provider was not called, and the issuer once.
    assert!(fixture.router.provider.calls().is_empty());
    assert_eq!(fixture.issuer.calls().len(), 1);
}

#[tokio::test]
async fn a_key_that_the_issuer_refuses_is_replaced() {
    let fixture = Fixture::of_keys([application("y"), of("azure", own("z"))]).await;
    fixture.issuer.returns(denied("invalid_client"));
    let response = fixture.router.generate(azure()).await.unwrap();
    assert_eq!(fixture.router.provider.keys(), ["z"]);
    assert_eq!(response.attempts.len(), 2);
}

#[tokio::test]
async fn a_failed_token_request_is_retried() {
    let fixture = Fixture::of_keys([application("z")]).await;
    let down = || Answer::json(503, &json!({"error": "temporarily_unavailable"}));
    for failure in [
        down(),
        Answer::hung_up(),
        Answer::cut(&json!({"access_token": ""})),
    ] {
        fixture.issuer.returns_once(failure);
        // The token expires at once, so the next call needs a new one.
        fixture.issuer.returns_once(granted(FIRST, 0));
        let response = fixture.router.generate(azure()).await.unwrap();
        let reasons = response
            .attempts
            .iter()
            .map(|attempt| &*attempt.error_reason);
        let expected = ["PROVIDER_UNAVAILABLE", ""];
        assert_eq!(reasons.collect::<Vec<_>>(), expected);
    }
    fixture.issuer.returns(down());
    let outcome = fixture.router.generate(azure()).await;
    refused(outcome, Code::Unavailable, "PROVIDER_UNAVAILABLE");
    assert_eq!(fixture.issuer.calls().len(), 3 * 2 + 2);
    assert_eq!(fixture.router.vault.receives(|_| true).await.reports, []);
}

#[tokio::test]
async fn the_callers_deadline_holds_for_token_requests() {
    let span = Duration::from_secs(5);
    let fixture = Fixture::of_keys([application("z")]).await;
    let mut held = fixture.issuer.holds_answer();
    let mut client = fixture.router.inference_with_deadline(span);
    let call = tokio::spawn(async move { client.generate(azure()).await });
    fixture.issuer.receives_call(1).await;
    tokio::time::pause();
    tokio::time::advance(span).await;
    tokio::time::resume();
    let outcome = call.await.unwrap();
    refused(outcome, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    held.closed().await;
    let attempt = fixture.router.settled().await;
    assert_eq!(attempt.state(), State::Cancelled);
    assert_eq!(attempt.error_reason, "DEADLINE_EXCEEDED");
}
