//! Leases over a vault whose every answer the test gives by hand.

use std::sync::Arc;

use latchkey_clock::ManualClock;
use latchkey_contract::ProviderId;
use latchkey_contract::names::RevisionScope;
use latchkey_contract::vault::v1::{
    self, KeyMaterial, Payer, ResolveResponse, ScopeRevision, key_material,
};
use tokio::task::JoinHandle;

use super::super::{Lease, Leases};
use crate::domain::capability::Capability;
use crate::domain::funding::Funding;
use crate::domain::key_query::KeyQuery;
use crate::error::RouterError;
use crate::vault_client::testing::{self, Question};
use crate::vault_client::{LeaseHolder as _, VaultClient};

/// The leases of a router, their clock, and the vault's end of each call.
pub(super) struct Fixture {
    pub(super) leases: Arc<Leases>,
    pub(super) clock: Arc<ManualClock>,
    vault: testing::Fixture,
}

impl Fixture {
    /// In a session that has just begun.
    pub(super) async fn in_session() -> Self {
        let fixture = Self::without_session().await;
        fixture.begin_session("s1");
        fixture
    }

    /// Without a session.
    pub(super) async fn without_session() -> Self {
        let vault = testing::Fixture::alone().await;
        let clock = Arc::clone(&vault.clock);
        let leases = Leases::new(Arc::clone(&vault.vault), Arc::clone(&clock) as Arc<_>);
        Self {
            leases: Arc::new(leases),
            clock,
            vault,
        }
    }

    pub(super) fn vault(&self) -> &Arc<VaultClient> {
        &self.vault.vault
    }

    /// As a Welcome does.
    pub(super) fn begin_session(&self, id: &str) {
        self.vault.begin_session(id);
        self.leases.drop_all();
    }

    /// As the vault or this router ends a session.
    pub(super) fn end_session(&self) {
        self.vault().end_session();
        self.leases.drop_all();
    }

    /// As an invalidation does. Returns the calls in flight with the revoked versions.
    pub(super) fn invalidate(
        &self,
        scope: &RevisionScope,
        revision: i64,
        revoked: &[String],
    ) -> i64 {
        self.vault().invalidate(scope, revision);
        self.leases.invalidate(scope, revoked)
    }

    /// Obtains a lease, in a task of its own.
    pub(super) fn ask(&self, query: KeyQuery) -> JoinHandle<Result<Arc<Lease>, RouterError>> {
        let leases = Arc::clone(&self.leases);
        tokio::spawn(async move { leases.obtain(&query).await })
    }

    /// The next `Resolve` that reaches the vault.
    pub(super) async fn question(&mut self) -> Question {
        self.vault.question().await
    }

    /// Whether a `Resolve` has reached the vault.
    pub(super) fn was_asked(&mut self) -> bool {
        self.vault.was_asked()
    }

    /// Obtains a lease that the vault grants at once.
    pub(super) async fn obtain(&mut self, query: KeyQuery, granted: ResolveResponse) -> Arc<Lease> {
        let asking = self.ask(query);
        self.question().await.answer(granted);
        obtained(asking).await
    }

    /// Obtains a lease that is cached.
    pub(super) async fn reuse(&mut self, query: KeyQuery) -> Arc<Lease> {
        let lease = obtained(self.ask(query)).await;
        assert!(!self.was_asked());
        lease
    }
}

/// The lease that was obtained.
pub(super) async fn obtained(asking: JoinHandle<Result<Arc<Lease>, RouterError>>) -> Arc<Lease> {
    asking.await.unwrap().unwrap()
}

/// Why no lease was obtained.
pub(super) async fn failed(asking: JoinHandle<Result<Arc<Lease>, RouterError>>) -> RouterError {
    asking.await.unwrap().err().unwrap()
}

/// A query for an OpenAI key.
pub(super) fn query(scope: &str) -> KeyQuery {
    KeyQuery {
        scope: scope.parse().unwrap(),
        caller: "token:app".into(),
        key: None,
        provider: Some(ProviderId::OpenAi),
        model: "gpt-5.4".parse().ok(),
        capability: Capability::Generate,
        excluded: Vec::new(),
        payer: None,
        funding: Funding::default(),
        expectations: None,
        own_key_failed: false,
    }
}

/// Version 1 of a key, leased when the scopes were at these revisions.
pub(super) fn leased(key: &str, revisions: &[(&str, i64)]) -> ResolveResponse {
    let lease = v1::Lease {
        lease_id: "lease".to_owned(),
        key_version: version(key),
        provider: "openai".to_owned(),
        material_tail: "-key".to_owned(),
        payer: Payer::OwnKey.into(),
        material: Some(KeyMaterial {
            kind: Some(key_material::Kind::ApiKey("sk-not-a-real-key".to_owned())),
        }),
        ..v1::Lease::default()
    };
    let revisions = revisions.iter().map(|(scope, revision)| ScopeRevision {
        scope: (*scope).to_owned(),
        revision: *revision,
    });
    ResolveResponse {
        lease: Some(lease),
        revisions: revisions.collect(),
        ..ResolveResponse::default()
    }
}

/// The name of a key's first version.
pub(super) fn version(key: &str) -> String {
    format!("{key}/versions/1")
}
