//! Service accounts of Google Cloud, which authorize calls to Vertex.

use latchkey_contract::router::v1::GenerateRequest;
use latchkey_contract::router::v1::part::Content;
use latchkey_contract::vault::v1::{KeyMaterial, Lease, key_material};
use latchkey_migrations::testing::Backend;
use latchkey_router::config::ProviderConfig;
use serde_json::json;

use super::{FIRST, Fixture, granted};
use crate::harness::{Answer, FakeProvider, Router, gpt, of, own};

/// A published test key: testRSA2048 of RFC 9500, section 2.1, in PKCS#8.
const RFC_9500: &str =
    include_str!("../../../../../vault/tests/data/rfc9500_rsa_2048.pkcs8.base64");

/// The key file of a service account, as Google Cloud creates it.
pub(super) fn file() -> String {
    let private_key = format!("-----BEGIN PRIVATE KEY-----\n{RFC_9500}-----END PRIVATE KEY-----\n");
    let file = json!({
        "type": "service_account",
        "project_id": "acme-models",
        "private_key_id": "not-a-real-key-id-0123456789",
        "private_key": private_key,
        "client_email": "router@acme-models.iam.gserviceaccount.example",
        "token_uri": "https://evil.example/token",
    });
    file.to_string()
}

pub(super) fn material() -> KeyMaterial {
    KeyMaterial {
        kind: Some(key_material::Kind::ServiceAccountJson(file())),
    }
}

/// A Vertex key, whose address follows from its location.
fn account(id: &str) -> Lease {
    Lease {
        material: Some(material()),
        location: "europe-west4".to_owned(),
        cloud_project: "acme-models".to_owned(),
        ..of("vertex", own(id))
    }
}

/// A router whose operator has set the base URL of Vertex.
async fn fixture() -> Fixture {
    let issuer = FakeProvider::start().await;
    let upstream = FakeProvider::start().await;
    let mut router = Router::start_with(Backend::Sqlite, |config| {
        let elsewhere = ProviderConfig {
            base_url: Some(upstream.url().parse().unwrap()),
            token_url: Some(format!("{}/token", issuer.url()).parse().unwrap()),
        };
        config.providers.insert("vertex".to_owned(), elsewhere);
    })
    .await;
    router.provider = upstream;
    router.vault_grants_unchanged([account("v")]);
    issuer.returns_once(granted(FIRST, 3_600));
    Fixture { router, issuer }
}

fn gemini() -> GenerateRequest {
    GenerateRequest {
        provider: "vertex".to_owned(),
        model: "gemini-3.8-flash".to_owned(),
        ..gpt()
    }
}

#[tokio::test]
async fn a_service_account_sends_a_signed_assertion_and_never_its_key() {
    let fixture = fixture().await;
    let candidate = json!({
        "content": {"role": "model", "parts": [{"text": "Good day"}]},
        "finishReason": "STOP",
    });
    let answer = Answer::json(200, &json!({"candidates": [candidate]}));
    fixture.router.provider.returns(answer);
    for _ in 0..2 {
        let response = fixture.router.generate(gemini()).await.unwrap();
        let content = &response.message.unwrap().parts[0].content;
        assert_eq!(*content, Some(Content::Text("Good day".to_owned())));
    }
    let token_call = fixture.issuer.receives_call(1).await;
    assert_eq!(token_call.path, "/token");
    assert!(token_call.text.contains("jwt-bearer"));
    assert!(token_call.text.contains("assertion="));
    let call = fixture.router.provider.receives_call(1).await;
    let expected = "/v1/projects/acme-models/locations/europe-west4/publishers/google/models/\
        gemini-3.8-flash:generateContent";
    assert_eq!(call.path, expected);
    assert_eq!(call.header("authorization"), format!("Bearer {FIRST}"));
    // The private key is in neither call.
    let key = RFC_9500.lines().next().unwrap();
    assert!(!token_call.contains(key) && !call.contains(key));
    assert_eq!(fixture.issuer.calls().len(), 1);
}
