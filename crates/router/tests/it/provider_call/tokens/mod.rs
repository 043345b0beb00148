//! Keys that are exchanged for access tokens: an application of Microsoft Entra at Azure, a service
//! account at Vertex.

mod failures;
mod key_check;
mod lifetime;
mod service_accounts;

use latchkey_contract::router::v1::GenerateRequest;
use latchkey_contract::vault::v1::{EntraClient, KeyMaterial, Lease, key_material};
use latchkey_migrations::testing::Backend;
use latchkey_router::config::ProviderConfig;
use serde_json::json;

use crate::harness::{Answer, FakeProvider, Router, chat, gpt, of, own};

/// The secret of the application.
const SECRET: &str = "not-a-real-client-secret~0123456789";
const TENANT: &str = "5d0c1e9a-7a0b-4c6d-8e1f-2a3b4c5d6e7f";
/// The first token of the issuer, and its successor.
const FIRST: &str = "token-1";
const SECOND: &str = "token-2";

/// A router and its token issuer. The provider accepts every token.
struct Fixture {
    router: Router,
    issuer: FakeProvider,
}

impl Fixture {
    /// A fixture with one Azure key and two tokens.
    async fn new() -> Self {
        let fixture = Self::of_keys([application("z")]).await;
        fixture.issuer.returns_once(granted(FIRST, 3_600));
        fixture.issuer.returns_once(granted(SECOND, 3_600));
        fixture
    }

    async fn of_keys(keys: impl IntoIterator<Item = Lease>) -> Self {
        let issuer = FakeProvider::start().await;
        let router = Router::start_with(Backend::Sqlite, |config| {
            for provider in ["azure", "vertex"] {
                let elsewhere = ProviderConfig {
                    token_url: Some(issuer.url().parse().unwrap()),
                    base_url: None,
                };
                config.providers.insert(provider.to_owned(), elsewhere);
            }
        })
        .await;
        router.vault_grants(keys);
        router.provider.returns(Answer::json(200, &chat::whole()));
        Self { router, issuer }
    }

    /// The credentials of the calls to the provider.
    fn shown(&self) -> Vec<String> {
        let calls = self.router.provider.calls();
        calls.iter().map(|call| call.secret().to_owned()).collect()
    }
}

/// An Azure key whose material is an application of Microsoft Entra.
fn application(id: &str) -> Lease {
    let client = EntraClient {
        tenant_id: TENANT.to_owned(),
        client_id: "0a1b2c3d-4e5f-4a6b-9c8d-7e6f5a4b3c2d".to_owned(),
        client_secret: SECRET.to_owned(),
    };
    Lease {
        material: Some(KeyMaterial {
            kind: Some(key_material::Kind::EntraClient(client)),
        }),
        ..of("azure", own(id))
    }
}

/// An issuer's answer with a token of this lifetime in seconds.
fn granted(token: &str, expires_in: u64) -> Answer {
    let body = json!({"access_token": token, "token_type": "Bearer", "expires_in": expires_in});
    Answer::json(200, &body)
}

fn azure() -> GenerateRequest {
    GenerateRequest {
        provider: "azure".to_owned(),
        ..gpt()
    }
}
