//! Leases with a fake vault. The test answers each request itself.

use std::sync::Arc;

use latchkey_clock::ManualClock;
use latchkey_contract::ProviderId;
use latchkey_contract::uid::WorkspaceUid;
use latchkey_contract::vault::v1::{
    self, KeyMaterial, Payer, ResolveResponse, ScopeRevision, key_material,
};
use tokio::task::JoinHandle;

use super::super::{Lease, Leases};
use crate::domain::capability::Capability;
use crate::domain::funding::Funding;
use crate::domain::key_query::KeyQuery;
use crate::error::RouterError;
use crate::vault_client::testing::{self, ReceivedRequest, key_version_uid, workspace_uid};
use crate::vault_client::{LeaseHolder as _, VaultClient};

/// The leases of a router, their clock, and the requests that the vault receives.
pub(super) struct Fixture {
    pub(super) leases: Arc<Leases>,
    pub(super) clock: Arc<ManualClock>,
    vault: testing::Fixture,
}

impl Fixture {
    /// Leases in a new session.
    pub(super) async fn in_session() -> Self {
        let fixture = Self::without_session().await;
        fixture.begin_session("s1");
        fixture
    }

    /// Leases without a session.
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

    /// Begins a session, as a Welcome does.
    pub(super) fn begin_session(&self, id: &str) {
        self.vault.begin_session(id);
        self.leases.drop_all();
    }

    /// Ends the session, as the vault or this router does.
    pub(super) fn end_session(&self) {
        self.vault().end_session();
        self.leases.drop_all();
    }

    /// Invalidates a workspace. Returns the calls in flight with the revoked versions.
    pub(super) fn invalidate(
        &self,
        workspace: WorkspaceUid,
        revision: i64,
        revoked: &[String],
    ) -> i64 {
        let revoked: Vec<_> = revoked.iter().map(|name| key_version_uid(name)).collect();
        self.vault().invalidate(workspace, revision);
        self.leases.invalidate(workspace, revision, &revoked)
    }

    /// Starts a task that obtains a lease.
    pub(super) fn start(&self, query: KeyQuery) -> JoinHandle<Result<Arc<Lease>, RouterError>> {
        let leases = Arc::clone(&self.leases);
        tokio::spawn(async move { leases.obtain(&query).await })
    }

    /// The next `Resolve` that reaches the vault.
    pub(super) async fn next_request(&mut self) -> ReceivedRequest {
        self.vault.next_request().await
    }

    /// Whether a `Resolve` has reached the vault.
    pub(super) fn has_request(&mut self) -> bool {
        self.vault.has_request()
    }

    /// Obtains a lease that the vault grants at once.
    pub(super) async fn obtain(&mut self, query: KeyQuery, granted: ResolveResponse) -> Arc<Lease> {
        let pending = self.start(query);
        self.next_request().await.answer(granted);
        obtained(pending).await
    }

    /// Obtains a lease that is cached.
    pub(super) async fn reuse(&mut self, query: KeyQuery) -> Arc<Lease> {
        let lease = obtained(self.start(query)).await;
        assert!(!self.has_request());
        lease
    }
}

/// The lease that was obtained.
pub(super) async fn obtained(pending: JoinHandle<Result<Arc<Lease>, RouterError>>) -> Arc<Lease> {
    pending.await.unwrap().unwrap()
}

/// Why no lease was obtained.
pub(super) async fn failed(pending: JoinHandle<Result<Arc<Lease>, RouterError>>) -> RouterError {
    pending.await.unwrap().err().unwrap()
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
        key_version_uid: key_version_uid(&version(key)).to_string(),
        provider: "openai".to_owned(),
        material_tail: "-key".to_owned(),
        payer: Payer::OwnKey.into(),
        material: Some(KeyMaterial {
            kind: Some(key_material::Kind::ApiKey("sk-not-a-real-key".to_owned())),
        }),
        ..v1::Lease::default()
    };
    let revisions = revisions.iter().map(|(scope, revision)| ScopeRevision {
        workspace_uid: workspace_uid(scope).to_string(),
        revision: *revision,
    });
    ResolveResponse {
        lease: Some(lease),
        revisions: revisions.collect(),
        workspace_uid: workspace_uid("workspaces/acme").to_string(),
        ..ResolveResponse::default()
    }
}

/// The name of a key's first version.
pub(super) fn version(key: &str) -> String {
    format!("{key}/versions/1")
}
