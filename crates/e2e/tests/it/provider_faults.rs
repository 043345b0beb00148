//! What a provider does wrong, and what the caller is told.

use latchkey_contract::router::v1::{StreamGenerateRequest, attempt};
use latchkey_contract::vault::v1::{GetKeyRequest, key};
use latchkey_e2e::{Clients, Deployment, prompt, refused};
use latchkey_migrations::testing::Backend;
use tonic::{Code, Status};

const ACME: &str = "workspaces/acme";

async fn with_key() -> (Deployment, Clients) {
    let deployment = Deployment::start(Backend::Sqlite).await;
    let mut admin = deployment.clients("admin");
    admin.workspace("acme").await;
    admin
        .key(ACME, "main", "openai", "sk-not-a-real-key-0001wxyz")
        .await
        .unwrap();
    (deployment, admin)
}

async fn streamed(clients: &mut Clients, model: &str) -> Status {
    let request = StreamGenerateRequest {
        request: Some(prompt(ACME, model, "hello")),
    };
    let mut stream = match clients.inference.stream_generate(request).await {
        Ok(stream) => stream.into_inner(),
        Err(status) => return status,
    };
    loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("a failed stream never ends cleanly"),
            Err(status) => return status,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_has_its_refusal_and_its_account() {
    let (deployment, mut admin) = with_key().await;
    for (model, code, reason) in [
        ("status-429", Code::ResourceExhausted, "PROVIDER_THROTTLED"),
        ("status-500", Code::Unavailable, "PROVIDER_UNAVAILABLE"),
        ("garbage", Code::Unavailable, "PROVIDER_MALFORMED"),
        ("cut", Code::Unavailable, "PROVIDER_UNAVAILABLE"),
    ] {
        let status = admin.ask(prompt(ACME, model, "hello")).await.unwrap_err();
        let said = refused(&status);
        assert_eq!((said.code, said.reason.as_str()), (code, reason), "{model}");
        assert_eq!(said.domain, "router.latchkey");
        assert!(said.retry_seconds.is_some(), "{model}");
        let kept = admin.attempts(ACME).await.remove(0);
        assert_eq!(
            (kept.state(), kept.error_reason.as_str()),
            (attempt::State::Failed, reason)
        );
        assert_eq!(kept.cost_nanos, None);

        // What came was handed on, so a cut is told as such.
        let reason = if model == "cut" {
            "STREAM_TRUNCATED"
        } else {
            reason
        };
        let status = streamed(&mut admin, model).await;
        assert_eq!(refused(&status).reason, reason, "{model}, streamed");
        assert_eq!(admin.attempts(ACME).await[0].error_reason, reason);
    }
    let status = admin
        .ask(prompt(ACME, "status-429", "hello"))
        .await
        .unwrap_err();
    let said = refused(&status);
    assert_eq!(said.retry_seconds, Some(7));
    assert_eq!(said.metadata["provider_status"], "429");
    assert_eq!(said.metadata["provider_code"], "rate_limit_exceeded");
    deployment.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_its_provider_rejects_is_not_stored() {
    let deployment = Deployment::start(Backend::Sqlite).await;
    let mut admin = deployment.clients("admin");
    admin.workspace("acme").await;
    let stored = admin
        .key(ACME, "main", "openai", "sk-not-real-revoked-12345678")
        .await;
    let status = stored.unwrap_err();
    let said = refused(&status);
    assert_eq!(
        (said.code, &*said.reason),
        (Code::FailedPrecondition, "PROVIDER_REJECTED_KEY")
    );
    assert!(said.metadata["provider_message"].starts_with("Incorrect API key provided"));
    assert!(
        !status.message().contains("12345678"),
        "{}",
        status.message()
    );
    let request = GetKeyRequest {
        name: "workspaces/acme/keys/main".to_owned(),
    };
    let missing = admin.keys.get_key(request).await.unwrap_err();
    assert_eq!(refused(&missing).reason, "KEY_NOT_FOUND");
    deployment.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_its_provider_stops_knowing_is_set_aside() {
    let deployment = Deployment::start(Backend::Sqlite).await;
    let mut admin = deployment.clients("admin");
    admin.workspace("acme").await;
    // Stored without asking, so that the first call finds out.
    let key = latchkey_contract::vault::v1::Key {
        provider: "openai".to_owned(),
        ..Default::default()
    };
    let mut request = latchkey_e2e::custom_key(ACME, "main", key, "sk-not-real-revoked-12345678");
    request.skip_verification = true;
    admin.keys.create_key(request).await.unwrap();
    let status = admin
        .ask(prompt(ACME, "gpt-4.1", "hello"))
        .await
        .unwrap_err();
    assert_eq!(refused(&status).reason, "PROVIDER_REJECTED_KEY");

    // The report travels beside the answer; the log tells when it has arrived.
    let quarantined = async {
        loop {
            let request = GetKeyRequest {
                name: "workspaces/acme/keys/main".to_owned(),
            };
            let key = admin.keys.get_key(request).await.unwrap().into_inner();
            if key.state() == key::State::Quarantined {
                return key;
            }
            tokio::task::yield_now().await;
        }
    };
    let key = quarantined.await;
    assert!(
        key.state_detail.contains("Incorrect API key provided"),
        "{}",
        key.state_detail
    );
    assert!(!key.state_detail.contains("12345678"));
    let status = admin
        .ask(prompt(ACME, "gpt-4.1", "hello"))
        .await
        .unwrap_err();
    let said = refused(&status);
    assert_eq!(said.reason, "OWN_KEY_REQUIRED");
    assert_eq!(
        said.metadata["workspaces/acme/keys/main"],
        "KEY_QUARANTINED"
    );
    deployment.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_goes_away_ends_the_call_and_the_account_says_so() {
    let (deployment, admin) = with_key().await;
    let mut caller = admin.clone();
    let call = tokio::spawn(async move { caller.ask(prompt(ACME, "hang", "hello")).await });
    // The probe at the start, the check of the key, and now the prompt.
    deployment.provider.asked(3).await;
    call.abort();
    let mut admin = admin;
    let cancelled = async {
        loop {
            let attempts = admin.attempts(ACME).await;
            if attempts[0].state() == attempt::State::Cancelled {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    cancelled.await;
    deployment.stop().await;
}
