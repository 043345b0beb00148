//! Faults of a provider, and the caller's error for each.

use latchkey_contract::router::v1::{StreamGenerateRequest, attempt};
use latchkey_contract::vault::v1::{GetKeyRequest, key};
use latchkey_e2e::{Clients, Deployment, prompt, refused};
use latchkey_migrations::testing::Backend;
use tonic::{Code, Status};

const ACME: &str = "workspaces/acme";

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
async fn each_provider_fault_has_its_error_and_a_recorded_attempt() {
    let (deployment, mut admin) = Deployment::start_with_key(Backend::Sqlite).await;
    for (model, code, reason) in [
        ("status-429", Code::ResourceExhausted, "PROVIDER_THROTTLED"),
        ("status-500", Code::Unavailable, "PROVIDER_UNAVAILABLE"),
        ("garbage", Code::Unavailable, "PROVIDER_MALFORMED"),
        ("cut", Code::Unavailable, "PROVIDER_UNAVAILABLE"),
    ] {
        let status = admin.ask(prompt(ACME, model, "hello")).await.unwrap_err();
        let refusal = refused(&status);
        assert_eq!(
            (refusal.code, refusal.reason.as_str()),
            (code, reason),
            "{model}"
        );
        assert_eq!(refusal.domain, "router.latchkey");
        assert!(refusal.retry_seconds.is_some(), "{model}");
        let recorded = admin.attempts(ACME).await.remove(0);
        assert_eq!(
            (recorded.state(), recorded.error_reason.as_str()),
            (attempt::State::Failed, reason)
        );
        assert_eq!(recorded.cost_nanos, None);

        // A stream has already passed on its first events, so a cut has a reason of its own.
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
    let refusal = refused(&status);
    assert_eq!(refusal.retry_seconds, Some(7));
    assert_eq!(refusal.metadata["provider_status"], "429");
    assert_eq!(refusal.metadata["provider_code"], "rate_limit_exceeded");
    deployment.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_its_provider_rejects_is_not_stored() {
    let (deployment, mut admin) = Deployment::start_with_workspace(Backend::Sqlite).await;
    let stored = admin
        .key(ACME, "main", "openai", "sk-not-real-revoked-12345678")
        .await;
    let status = stored.unwrap_err();
    let refusal = refused(&status);
    assert_eq!(
        (refusal.code, &*refusal.reason),
        (Code::FailedPrecondition, "PROVIDER_REJECTED_KEY")
    );
    assert!(refusal.metadata["provider_message"].starts_with("Incorrect API key provided"));
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
async fn a_key_that_its_provider_no_longer_accepts_is_quarantined() {
    let (deployment, mut admin) = Deployment::start_with_workspace(Backend::Sqlite).await;
    // Stored without verification, so that the first call finds out.
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

    // The router reports the key after it has answered, so the state is polled.
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
    let refusal = refused(&status);
    assert_eq!(refusal.reason, "OWN_KEY_REQUIRED");
    assert_eq!(
        refusal.metadata["workspaces/acme/keys/main"],
        "KEY_QUARANTINED"
    );
    deployment.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_goes_away_cancels_the_call_and_its_attempt() {
    let (deployment, admin) = Deployment::start_with_key(Backend::Sqlite).await;
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
