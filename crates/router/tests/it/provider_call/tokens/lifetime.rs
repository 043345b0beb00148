//! The lifetime of a token, which serves one key version until it expires.

use std::time::Duration;

use latchkey_contract::router::v1::{CountTokensRequest, ListModelsRequest};
use serde_json::json;

use super::{FIRST, Fixture, SECOND, SECRET, TENANT, application, azure, granted};
use crate::harness::{ACME, APP, Answer, chat, streamed, version, version_uid};

#[tokio::test]
async fn a_token_is_requested_from_the_configured_issuer_and_sent_as_a_bearer_token() {
    let fixture = Fixture::new().await;
    fixture.router.generate(azure()).await.unwrap();
    let token_call = fixture.issuer.receives_call(1).await;
    let path = format!("/{TENANT}/oauth2/v2.0/token");
    assert_eq!(
        (token_call.method.as_str(), &token_call.path),
        ("POST", &path)
    );
    assert!(token_call.text.contains("grant_type=client_credentials"));
    let secret = SECRET.replace('~', "%7E");
    assert!(token_call.text.contains(&format!("client_secret={secret}")));
    assert_eq!(token_call.header("authorization"), "");
    let call = fixture.router.provider.receives_call(1).await;
    assert_eq!(call.header("authorization"), format!("Bearer {FIRST}"));
    assert_eq!(call.header("api-key"), "");
    assert!(!call.contains(SECRET));
}

#[tokio::test]
async fn calls_of_every_kind_share_one_token() {
    let fixture = Fixture::new().await;
    let router = &fixture.router;
    router.generate(azure()).await.unwrap();
    router.generate(azure()).await.unwrap();
    router.provider.returns(Answer::events(&chat::pieces()));
    let mut client = router.inference(APP);
    assert!(client.stream_generate(streamed(azure())).await.is_ok());
    let count = Answer::json(200, &json!({"input_tokens": 14}));
    router.provider.returns(count);
    let request = CountTokensRequest {
        request: Some(azure()),
    };
    client.count_tokens(request).await.unwrap();
    let list = Answer::json(200, &json!({"data": [{"id": "gpt-4.1"}]}));
    router.provider.returns(list);
    let request = ListModelsRequest {
        parent: ACME.to_owned(),
        provider: "azure".to_owned(),
        ..ListModelsRequest::default()
    };
    let listed = client.list_models(request).await.unwrap().into_inner();
    assert_eq!((listed.models.len(), listed.failures), (1, vec![]));
    assert_eq!(fixture.shown(), [FIRST; 5]);
    assert_eq!(fixture.issuer.calls().len(), 1);
}

#[tokio::test]
async fn concurrent_calls_wait_for_one_token() {
    let fixture = Fixture::of_keys([application("z")]).await;
    let held = fixture.issuer.holds_answer();
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let mut client = fixture.router.inference(APP);
            tokio::spawn(async move { client.generate(azure()).await })
        })
        .collect();
    fixture.issuer.receives_call(1).await;
    assert!(held.send(granted(FIRST, 3_600)).is_ok());
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(fixture.shown(), [FIRST; 10]);
    assert_eq!(fixture.issuer.calls().len(), 1);
}

/// A token of less than ten minutes is renewed after half of its lifetime.
#[tokio::test]
async fn a_token_is_renewed_before_it_expires() {
    let fixture = Fixture::of_keys([application("z")]).await;
    fixture.issuer.returns_once(granted(FIRST, 40));
    fixture.router.generate(azure()).await.unwrap();
    fixture
        .router
        .clock
        .advance(Duration::from_micros(19_999_999));
    fixture.router.generate(azure()).await.unwrap();
    fixture.router.clock.advance(Duration::from_micros(1));
    fixture.issuer.returns_once(granted(SECOND, 40));
    fixture.router.generate(azure()).await.unwrap();
    assert_eq!(fixture.shown(), [FIRST, FIRST, SECOND]);
}

#[tokio::test]
async fn other_calls_use_the_old_token_during_a_renewal() {
    let fixture = Fixture::of_keys([application("z")]).await;
    fixture.issuer.returns_once(granted(FIRST, 40));
    fixture.router.generate(azure()).await.unwrap();
    fixture.router.clock.advance(Duration::from_secs(20));
    let held = fixture.issuer.holds_answer();
    let mut client = fixture.router.inference(APP);
    let renewing = tokio::spawn(async move { client.generate(azure()).await });
    fixture.issuer.receives_call(2).await;
    fixture.router.generate(azure()).await.unwrap();
    assert!(held.send(granted(SECOND, 40)).is_ok());
    renewing.await.unwrap().unwrap();
    assert_eq!(fixture.shown(), [FIRST, FIRST, SECOND]);
}

#[tokio::test]
async fn a_token_is_dropped_with_its_key_version() {
    let fixture = Fixture::new().await;
    fixture.router.generate(azure()).await.unwrap();
    let mut next = application("z");
    next.key_version = next.key_version.replace("/versions/1", "/versions/2");
    fixture.router.vault_grants([next]);
    let revoked = [version(ACME, "z")];
    fixture.router.vault.invalidates(ACME, 2, &revoked);
    fixture
        .router
        .vault
        .receives(|received| !received.acknowledgements.is_empty())
        .await;
    fixture.router.generate(azure()).await.unwrap();
    assert_eq!(fixture.shown(), [FIRST, SECOND]);
}

/// A stream of the deleted key is still running, so its state is still in memory.
#[tokio::test]
async fn another_key_of_a_deleted_keys_name_gets_a_token_of_its_own() {
    let fixture = Fixture::new().await;
    let router = &fixture.router;
    let held = router.provider.holds_answer();
    let mut client = router.inference(APP);
    let running = tokio::spawn(async move { client.generate(azure()).await });
    router.provider.receives_call(1).await;
    let mut another = application("z");
    another.key_version_uid = version_uid("workspaces/acme/keys/another/versions/1");
    assert_eq!(another.key_version, application("z").key_version);
    router.vault_grants([another]);
    router.vault.invalidates(ACME, 2, &[version(ACME, "z")]);
    let confirmed = router
        .vault
        .receives(|received| !received.acknowledgements.is_empty())
        .await;
    assert_eq!(confirmed.acknowledgements[0].in_flight_count, 1);
    router.generate(azure()).await.unwrap();
    assert!(held.send(Answer::json(200, &chat::whole())).is_ok());
    running.await.unwrap().unwrap();
    router.generate(azure()).await.unwrap();
    assert_eq!(fixture.shown(), [FIRST, SECOND, SECOND]);
}

#[tokio::test]
async fn no_two_keys_share_a_token() {
    let fixture = Fixture::of_keys([application("y"), application("z")]).await;
    fixture.issuer.returns_once(granted(FIRST, 3_600));
    fixture.issuer.returns_once(granted(SECOND, 3_600));
    for key in ["y", "z", "y", "z"] {
        let request = latchkey_contract::router::v1::GenerateRequest {
            key: key.to_owned(),
            ..azure()
        };
        fixture.router.generate(request).await.unwrap();
    }
    assert_eq!(fixture.shown(), [FIRST, SECOND, FIRST, SECOND]);
}

/// The invalidation revokes no key, so the token obtained meanwhile is used.
#[tokio::test]
async fn an_invalidation_during_a_token_request_fails_no_call() {
    let fixture = Fixture::of_keys([application("z")]).await;
    let held = fixture.issuer.holds_answer();
    let mut client = fixture.router.inference(APP);
    let call = tokio::spawn(async move { client.generate(azure()).await });
    fixture.issuer.receives_call(1).await;
    fixture.router.vault.invalidates(ACME, 2, &[]);
    fixture
        .router
        .vault
        .receives(|received| !received.acknowledgements.is_empty())
        .await;
    assert!(held.send(granted(FIRST, 3_600)).is_ok());
    let response = call.await.unwrap().unwrap().into_inner();
    assert_eq!(response.attempts.len(), 1);
    assert_eq!(fixture.shown(), [FIRST]);
    assert_eq!(fixture.router.vault.queries().len(), 2);
}
