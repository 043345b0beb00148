//! Leases: caching, concurrent use, revocation and expiry.

use std::time::Duration;

use latchkey_contract::router::v1::GenerateRequest;
use latchkey_contract::vault::v1::{ResolveResponse, ScopeRevision};
use latchkey_migrations::testing::Backend;
use tonic::Code;

use crate::harness::{
    ACME, APP, Answer, FRESHNESS, OTHER_APP, Router, WEB, api_key, chat, claude, gpt, on, refused,
    uid_of, version,
};

async fn router() -> Router {
    let router = Router::start(Backend::Sqlite).await;
    router.provider.returns(Answer::json(200, &chat::whole()));
    router
}

/// Has the vault grant another key version at this revision of acme.
fn moves_on(router: &Router, revision: i64) {
    let url = router.provider.openai_url();
    router.vault.resolves(move |request| {
        let lease = latchkey_contract::vault::v1::Lease {
            key_version: version(ACME, "next"),
            provider: request.provider.clone(),
            base_url: url.clone(),
            material: Some(api_key("sk-not-a-real-key-either")),
            payer: 1,
            ..Default::default()
        };
        let at = |scope: &str, revision| ScopeRevision {
            workspace_uid: uid_of(scope),
            revision,
        };
        Ok(ResolveResponse {
            lease: Some(lease),
            revisions: vec![at(ACME, revision), at("platform", 1)],
            ..ResolveResponse::default()
        })
    });
}

#[tokio::test]
async fn a_warm_call_sends_no_query() {
    let router = router().await;
    for _ in 0..3 {
        router.generate(gpt()).await.unwrap();
        router.generate_as(OTHER_APP, gpt()).await.unwrap();
        assert!(router.stream(gpt()).await.is_ok());
    }
    // There is one query per caller, since a key may be reserved for some callers.
    let queries = router.vault.queries();
    let callers: Vec<_> = queries.iter().map(|query| &*query.caller).collect();
    assert_eq!(callers, [APP.requester(), OTHER_APP.requester()]);
    assert_eq!(queries[0].router_session, "s1");
    assert_eq!((&*queries[0].parent, &*queries[0].model), (ACME, "gpt-4.1"));
}

#[tokio::test]
async fn another_scope_key_provider_or_model_is_another_query() {
    let router = router().await;
    let named = GenerateRequest {
        key: "main".to_owned(),
        ..gpt()
    };
    let mini = GenerateRequest {
        model: "gpt-4o-mini".to_owned(),
        ..gpt()
    };
    for request in [gpt(), on(WEB, gpt()), named, mini, claude()] {
        // The answer is malformed for Anthropic; only the query matters.
        let _ = router.generate(request).await;
    }
    assert_eq!(router.vault.queries().len(), 5);
}

#[tokio::test]
async fn concurrent_calls_share_one_query() {
    let router = router().await;
    let client = router.inference(APP);
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let mut client = client.clone();
            tokio::spawn(async move { client.generate(gpt()).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(router.vault.queries().len(), 1);
}

#[tokio::test]
async fn a_revoked_key_is_not_used_after_the_acknowledgement() {
    let router = router().await;
    let held = router.provider.holds_answer();
    let mut client = router.inference(APP);
    let running = tokio::spawn(async move { client.generate(gpt()).await });
    router.provider.receives_call(1).await;
    moves_on(&router, 2);
    router.vault.invalidates(ACME, 2, &[version(ACME, "main")]);
    let received = router
        .vault
        .receives(|received| !received.acknowledgements.is_empty())
        .await;
    let refusal = &received.acknowledgements[0];
    assert_eq!(
        (
            &*refusal.workspace_uid,
            refusal.revision,
            refusal.in_flight_count
        ),
        (&*uid_of(ACME), 2, 1)
    );

    let response = router.generate(gpt()).await.unwrap();
    assert_eq!(response.attempts[0].key_version, version(ACME, "next"));

    // The running call ends normally.
    assert!(held.send(Answer::json(200, &chat::whole())).is_ok());
    running.await.unwrap().unwrap();
    router.vault.invalidates(ACME, 3, &[version(ACME, "main")]);
    let received = router
        .vault
        .receives(|received| received.acknowledgements.len() == 2)
        .await;
    assert_eq!(received.acknowledgements[1].in_flight_count, 0);
}

#[tokio::test]
async fn a_stream_is_in_flight_until_its_end() {
    let router = router().await;
    let feed = router.provider.starts_stream();
    feed.sends_chunk(&chat::delta("Good "));
    let mut stream = router.stream(gpt()).await.unwrap();
    stream.message().await.unwrap().unwrap();
    router.vault.invalidates(ACME, 2, &[version(ACME, "main")]);
    let received = router
        .vault
        .receives(|received| !received.acknowledgements.is_empty())
        .await;
    assert_eq!(received.acknowledgements[0].in_flight_count, 1);
    for piece in &chat::pieces()[1..] {
        feed.sends(&format!("data: {piece}\n\n"));
    }
    while stream.message().await.unwrap().is_some() {}
    router.vault.invalidates(ACME, 3, &[version(ACME, "main")]);
    let received = router
        .vault
        .receives(|received| received.acknowledgements.len() == 2)
        .await;
    assert_eq!(received.acknowledgements[1].in_flight_count, 0);
}

#[tokio::test]
async fn a_key_that_expires_is_not_used_again() {
    let router = router().await;
    let expiry = crate::harness::START + Duration::from_secs(5);
    let (seconds, nanos) = expiry.to_unix();
    let nanos = i32::try_from(nanos).unwrap();
    router.vault_grants_default(move |_, lease| {
        lease.expire_time = Some(prost_types::Timestamp { seconds, nanos });
    });
    router.generate(gpt()).await.unwrap();
    router.clock.advance(Duration::from_secs(5));
    moves_on(&router, 1);
    let response = router.generate(gpt()).await.unwrap();
    assert_eq!(response.attempts[0].key_version, version(ACME, "next"));
}

#[tokio::test]
async fn leases_stay_usable_without_the_vault_until_they_lapse() {
    let mut router = router().await;
    router.generate(gpt()).await.unwrap();
    router.vault.stop().await;
    let almost = FRESHNESS.checked_sub(Duration::from_micros(1)).unwrap();
    router.clock.advance(almost);
    router.generate(gpt()).await.unwrap();
    let outcome = router.generate(claude()).await;
    refused(outcome, Code::Unavailable, "VAULT_UNAVAILABLE");
    router.clock.advance(Duration::from_micros(1));
    let calls = router.provider.calls().len();
    for outcome in [
        router.generate(gpt()).await.map(drop),
        router.stream(gpt()).await.map(drop),
    ] {
        let refusal = refused(outcome, Code::Unavailable, "VAULT_UNAVAILABLE");
        assert!(refusal.retry_after.is_some());
    }
    assert_eq!(router.provider.calls().len(), calls);

    // Once the vault is back, keys can be leased again.
    router.vault.start_again();
    router.vault.has_session(2).await;
    router.generate(gpt()).await.unwrap();
    assert_eq!(router.vault.queries().last().unwrap().router_session, "s2");
}
