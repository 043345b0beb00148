//! Verification tasks for keys that are exchanged for tokens.

use latchkey_contract::vault::v1::verification::Grade;
use latchkey_contract::vault::v1::verification_result::Outcome;
use latchkey_contract::vault::v1::{VerificationResult, VerificationTask};
use serde_json::json;

use super::service_accounts::material;
use super::{FIRST, Fixture, SECRET, application, granted};
use crate::harness::Answer;

async fn checked(fixture: &Fixture, task: VerificationTask) -> Outcome {
    let done = fixture.router.vault.receives(|_| true).await.results.len();
    fixture.router.vault.sends_verification_task(task);
    let received = fixture
        .router
        .vault
        .receives(|received| received.results.len() > done);
    let VerificationResult { outcome, .. } = received.await.results.pop().unwrap();
    outcome.unwrap()
}

async fn fixture() -> Fixture {
    let fixture = Fixture::of_keys([]).await;
    fixture.issuer.returns(granted(FIRST, 3_600));
    fixture
}

fn of_application(fixture: &Fixture) -> VerificationTask {
    VerificationTask {
        task_id: "task".to_owned(),
        provider: "azure".to_owned(),
        base_url: fixture.router.provider.url(),
        material: application("z").material,
        ..VerificationTask::default()
    }
}

fn of_account(fixture: &Fixture) -> VerificationTask {
    VerificationTask {
        provider: "vertex".to_owned(),
        material: Some(material()),
        location: "europe-west4".to_owned(),
        cloud_project: "acme-models".to_owned(),
        ..of_application(fixture)
    }
}

#[tokio::test]
async fn an_application_is_alive_if_its_token_is_accepted() {
    let fixture = fixture().await;
    let list = Answer::json(200, &json!({"object": "list", "data": []}));
    fixture.router.provider.returns(list);
    for calls in 1..=2 {
        let outcome = checked(&fixture, of_application(&fixture)).await;
        let Outcome::Verified(verification) = outcome else {
            panic!("the key is not verified: {outcome:?}")
        };
        assert_eq!(verification.grade(), Grade::Alive);
        // The token of a key that is not stored yet is not cached.
        assert_eq!(fixture.issuer.calls().len(), calls);
    }
    assert_eq!(fixture.shown(), [FIRST; 2]);
    assert_eq!(fixture.router.provider.connections(), 2);
}

#[tokio::test]
async fn a_service_account_is_alive_if_its_token_is_accepted() {
    let fixture = fixture().await;
    let list = Answer::json(200, &json!({"publisherModels": []}));
    fixture.router.provider.returns(list);
    let outcome = checked(&fixture, of_account(&fixture)).await;
    let Outcome::Verified(verification) = outcome else {
        panic!("the key is not verified: {outcome:?}")
    };
    assert_eq!(verification.grade(), Grade::Alive);
    assert_eq!(fixture.shown(), [FIRST]);
}

#[tokio::test]
async fn a_key_that_the_issuer_refuses_is_rejected() {
    let fixture = fixture().await;
    let message = format!("AADSTS7000215: Invalid client secret provided: {SECRET}.");
    let denied = json!({"error": "invalid_client", "error_description": message});
    fixture.issuer.returns(Answer::json(401, &denied));
    let outcome = checked(&fixture, of_application(&fixture)).await;
    let Outcome::Rejected(refusal) = outcome else {
        panic!("the key is not rejected: {outcome:?}")
    };
    assert_eq!(
        (refusal.http_status, &*refusal.code),
        (401, "invalid_client")
    );
    assert!(refusal.message.starts_with("AADSTS7000215"));
    assert!(!refusal.message.contains(SECRET));
    assert!(fixture.router.provider.calls().is_empty());
}

#[tokio::test]
async fn a_key_whose_token_the_provider_refuses_is_rejected() {
    let fixture = fixture().await;
    let error = json!({"error": {"code": "401", "message": "not that one"}});
    fixture.router.provider.returns(Answer::json(401, &error));
    let outcome = checked(&fixture, of_application(&fixture)).await;
    assert!(matches!(outcome, Outcome::Rejected(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_failing_issuer_leaves_the_key_unverified() {
    let fixture = fixture().await;
    for answer in [
        Answer::json(503, &json!({"error": "temporarily_unavailable"})),
        Answer::text(200, "text/html", "<html>log in to this network</html>"),
        Answer::hung_up(),
    ] {
        fixture.issuer.returns(answer);
        let calls = fixture.issuer.calls().len();
        let outcome = checked(&fixture, of_application(&fixture)).await;
        assert!(matches!(outcome, Outcome::Unreachable(_)), "{outcome:?}");
        // The issuer is called a second time, as any provider is.
        assert_eq!(fixture.issuer.calls().len(), calls + 2);
    }
    assert!(fixture.router.provider.calls().is_empty());
}
