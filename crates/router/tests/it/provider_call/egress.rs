//! The addresses that keys may be sent to.

use latchkey_contract::router::v1::attempt;
use latchkey_egress::EgressPolicy;
use latchkey_migrations::testing::Backend;
use latchkey_router::config::ProviderConfig;
use tonic::Code;

use crate::harness::{Answer, FakeProvider, Router, SECRET, chat, gpt, refused};
use crate::on_both_databases;

on_both_databases!(
    a_redirect_is_not_followed,
    an_address_that_is_not_public_is_not_dialled,
    a_custom_key_without_an_address_is_not_sent,
    a_key_is_sent_in_one_header_only,
);

async fn a_redirect_is_not_followed(router: Router) {
    let elsewhere = FakeProvider::start().await;
    let location = format!("{}/chat/completions", elsewhere.openai_url());
    for status in [301, 302, 307, 308] {
        let answer = Answer::text(status, "text/plain", "").with("location", &location);
        router.provider.returns(answer);
        let outcome = router.generate(gpt()).await;
        let refusal = refused(outcome, Code::Unavailable, "PROVIDER_UNAVAILABLE");
        assert_eq!(refusal.metadata["provider_status"], status.to_string());
        refused(
            router.stream(gpt()).await,
            Code::Unavailable,
            "PROVIDER_UNAVAILABLE",
        );
    }
    assert_eq!(router.provider.calls().len(), 8);
    assert_eq!(elsewhere.connections(), 0);
    for attempt in router.attempts().await {
        assert_eq!(attempt.state(), attempt::State::Failed);
    }
}

async fn an_address_that_is_not_public_is_not_dialled(router: Router) {
    for (address, workspace) in [
        ("http://10.0.0.1/v1", "a"),
        ("https://10.0.0.1/v1", "b"),
        ("https://169.254.169.254/latest", "c"),
        ("https://[fd00::1]/v1", "d"),
        ("https://user:password@example.com/v1", "e"),
        ("http://example.com/v1", "f"),
    ] {
        router.vault_grants_default(move |_, lease| address.clone_into(&mut lease.base_url));
        // Each request has another query, so that no lease is cached.
        let request = latchkey_contract::router::v1::GenerateRequest {
            model: format!("gpt-4.1-{workspace}"),
            ..gpt()
        };
        let outcome = router.generate(request).await;
        refused(outcome, Code::FailedPrecondition, "EGRESS_FORBIDDEN");
    }
    assert_eq!(router.attempts().await, []);
}

async fn a_custom_key_without_an_address_is_not_sent(router: Router) {
    router.vault_grants_default(|_, lease| lease.base_url.clear());
    let request = latchkey_contract::router::v1::GenerateRequest {
        provider: "custom".to_owned(),
        ..gpt()
    };
    let outcome = router.generate(request).await;
    refused(outcome, Code::FailedPrecondition, "EGRESS_FORBIDDEN");
    assert_eq!(router.attempts().await, []);
}

async fn a_key_is_sent_in_one_header_only(router: Router) {
    router.provider.returns(Answer::json(200, &chat::whole()));
    router.generate(gpt()).await.unwrap();
    let mut call = router.provider.receives_call(1).await;
    call.headers.remove("authorization").unwrap();
    assert!(!call.contains(SECRET));
}

#[tokio::test]
async fn the_operator_may_set_any_base_url_for_a_provider() {
    let upstream = FakeProvider::start().await;
    upstream.returns(Answer::json(200, &chat::whole()));
    let base_url = upstream.openai_url().parse().unwrap();
    let router = Router::start_with(Backend::Sqlite, |config| {
        config.egress = EgressPolicy::default();
        let openai = ProviderConfig {
            base_url: Some(base_url),
            token_url: None,
        };
        config.providers.insert("openai".to_owned(), openai);
    })
    .await;
    router.vault_grants_default(|_, lease| lease.base_url.clear());
    router.generate(gpt()).await.unwrap();
    upstream.receives_call(1).await;
}

#[tokio::test]
async fn a_keys_own_base_url_is_held_to_the_egress_policy() {
    let router = Router::start_with(Backend::Sqlite, |config| {
        config.egress = EgressPolicy::default();
    })
    .await;
    let outcome = router.generate(gpt()).await;
    refused(outcome, Code::FailedPrecondition, "EGRESS_FORBIDDEN");
    assert_eq!(router.provider.connections(), 0);
}

/// The name is resolved locally, and its address is checked when it is dialled.
#[tokio::test]
async fn a_name_that_resolves_to_an_internal_address_is_not_dialled() {
    let router = Router::start_with(Backend::Sqlite, |config| {
        config.egress = EgressPolicy::default();
    })
    .await;
    let inside = router
        .provider
        .openai_url()
        .replace("127.0.0.1", "localhost.")
        .replace("http://", "https://");
    router.vault_grants_default(move |_, lease| lease.base_url.clone_from(&inside));
    router.generate(gpt()).await.unwrap_err();
    assert_eq!(router.provider.connections(), 0);
}
