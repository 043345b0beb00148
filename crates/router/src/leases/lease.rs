//! One lease: a key that this router may use, until it lapses or is withdrawn.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use latchkey_clock::Clock;
use latchkey_contract::ProviderId;
use latchkey_contract::names::{KeyName, KeyVersionName};
use latchkey_contract::uid::{KeyVersionUid, ProjectUid, WorkspaceUid};
use latchkey_providers::{Credential, Target};
use tokio::time::Instant;
use url::Url;

use super::in_flight::{InUse, VersionState};
use crate::domain::attempt::Payer;
use crate::domain::funding::{Expectations, FundingFallback, Selection};
use crate::domain::key_query::KeyQuery;
use crate::domain::model_id::ModelId;
use crate::domain::model_rules::ModelRules;
use crate::domain::model_target::ModelTarget;
use crate::provider_call::{PoolKey, Token, TokenError, TokenIssuer};
use crate::vault_client::{LeaseGrant, LeaseTerms, Revision, RouterSession};

/// A leased key, and what it may be used for. It has no `Debug`, and is wiped when it is dropped.
pub struct Lease {
    terms: LeaseTerms,
    workspace_uid: WorkspaceUid,
    project_uid: Option<ProjectUid>,
    fallbacks: Vec<ModelTarget>,
    other_keys: Vec<KeyName>,
    pool: PoolKey,
    /// The workspaces that its choice depended on, the platform among them, and the revision of each.
    revisions: Vec<Revision>,
    session: Arc<RouterSession>,
    withdrawn: AtomicBool,
    version: Arc<VersionState>,
}

/// The lease may not be used any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lapsed;

impl Lease {
    pub(super) fn new(grant: LeaseGrant, version: Arc<VersionState>) -> Self {
        Self {
            pool: PoolKey::new(grant.workspace_uid, grant.terms.key_version_uid),
            workspace_uid: grant.workspace_uid,
            project_uid: grant.project_uid,
            terms: grant.terms,
            fallbacks: grant.fallbacks,
            other_keys: grant.other_keys,
            revisions: grant.revisions,
            session: grant.session,
            withdrawn: AtomicBool::new(false),
            version,
        }
    }

    /// The name of the key version, for people.
    pub fn key_version(&self) -> &KeyVersionName {
        &self.terms.key_version
    }

    /// The key version.
    pub fn key_version_uid(&self) -> KeyVersionUid {
        self.terms.key_version_uid
    }

    /// The workspace of the requests that it was granted for.
    pub fn workspace_uid(&self) -> WorkspaceUid {
        self.workspace_uid
    }

    /// The project of the requests that it was granted for, if they are of one.
    pub fn project_uid(&self) -> Option<ProjectUid> {
        self.project_uid
    }

    /// The key's provider.
    pub fn provider(&self) -> ProviderId {
        self.terms.provider
    }

    /// The address that the key may be sent to; none for the provider's own.
    pub fn base_url(&self) -> Option<&Url> {
        self.terms.base_url.as_ref()
    }

    /// The credential of a call; none where an access token is needed.
    pub fn credential(&self) -> Option<Credential<'_>> {
        self.terms.material.credential()
    }

    /// The access token of the key: the cached one, or a new one.
    pub async fn token(
        &self,
        issuer: &TokenIssuer<'_>,
        until: Instant,
    ) -> Result<Token, TokenError> {
        let now = || issuer.clock.boottime();
        let LeaseTerms {
            provider, material, ..
        } = &self.terms;
        let get = async || issuer.get(*provider, material, &self.pool, until).await;
        self.version.token.token(now, get).await
    }

    /// Drops an access token that the provider refused.
    pub fn forget_token(&self, refused: &Token) {
        self.version.token.forget(refused);
    }

    /// The destination of a call: a provider's address, and what the address depends on.
    pub fn target<'a>(&'a self, base_url: &'a Url, credential: Credential<'a>) -> Target<'a> {
        Target {
            provider: self.terms.provider,
            base_url,
            credential,
            location: &self.terms.location,
            cloud_project: &self.terms.cloud_project,
            api_version: &self.terms.api_version,
        }
    }

    /// The key's location, such as a Vertex region; empty where it has none.
    pub fn location(&self) -> &str {
        &self.terms.location
    }

    /// The provider's name for a model: at Azure, the deployment that serves it.
    pub fn wire_model<'a>(&'a self, model: &'a str) -> &'a str {
        self.terms
            .deployments
            .get(model)
            .map_or(model, String::as_str)
    }

    /// Azure's deployments, by the model that each serves.
    pub fn deployments(&self) -> &BTreeMap<String, String> {
        &self.terms.deployments
    }

    /// The models that the key may be used for.
    pub fn model_rules(&self) -> &ModelRules {
        &self.terms.model_rules
    }

    /// The workspace's own fallbacks.
    pub fn fallbacks(&self) -> &[ModelTarget] {
        &self.fallbacks
    }

    /// Usable keys that the vault did not choose for the same query.
    pub fn other_keys(&self) -> &[KeyName] {
        &self.other_keys
    }

    /// The owner of the connections that calls with the key use.
    pub fn pool(&self) -> &PoolKey {
        &self.pool
    }

    /// The last four characters of the secret.
    pub fn material_tail(&self) -> &str {
        &self.terms.material_tail
    }

    /// The party that pays for calls with the key.
    pub fn payer(&self) -> Payer {
        self.terms.payer
    }

    /// Whether the key's own policy lets the platform's keys follow when a call with it fails.
    pub fn platform_fallback_allowed(&self) -> bool {
        self.terms.platform_fallback_allowed
    }

    /// The model of a request that names none.
    pub fn default_model(&self) -> Option<&ModelId> {
        self.terms.default_model.as_ref()
    }

    /// Begins a call. Must come right before the request is sent.
    pub fn begin_use(&self, clock: &dyn Clock) -> Result<InUse, Lapsed> {
        // Counted first, then checked: an invalidation either sees this call or is seen by it.
        let in_use = InUse::begin(&self.version);
        if self.is_usable(clock) {
            Ok(in_use)
        } else {
            Err(Lapsed)
        }
    }

    pub(super) fn is_usable(&self, clock: &dyn Clock) -> bool {
        !self.withdrawn.load(Ordering::SeqCst)
            && self.session.is_fresh(clock.boottime())
            && self
                .terms
                .expire_time
                .is_none_or(|expiry| clock.now() < expiry)
    }

    /// Prevents further calls.
    pub(super) fn withdraw(&self) {
        self.withdrawn.store(true, Ordering::SeqCst);
    }

    /// Whether it was granted before that revision of the workspace, so that it may contradict it.
    pub(super) fn predates(&self, workspace: WorkspaceUid, revision: i64) -> bool {
        self.revisions
            .iter()
            .any(|(granted, at)| *granted == workspace && *at < revision)
    }

    /// Whether the lease matches a query. The router checks the vault's choice: a request must neither
    /// go in circles nor be paid for against its own conditions.
    pub(super) fn matches(&self, query: &KeyQuery) -> bool {
        let payer = self.payer();
        let may_pay = match payer {
            Payer::OwnKey => {
                query.key.is_some() || query.funding.selection != Some(Selection::WhenNamed)
            }
            Payer::Platform => {
                !query.own_key_failed || query.funding.when_failed != Some(FundingFallback::Refuse)
            }
        };
        let expected = query.expectations.as_deref();
        may_pay
            && query.payer.is_none_or(|pays| pays == payer)
            && !query.excluded.contains(&self.key_version().key)
            && expected.is_none_or(|expected| self.meets(expected))
    }

    fn meets(&self, expected: &Expectations) -> bool {
        let location = expected.location.as_deref();
        let version = expected.key_version.as_ref();
        expected
            .provider
            .is_none_or(|provider| provider == self.provider())
            && version.is_none_or(|version| version == self.key_version())
            && expected.payer.is_none_or(|payer| payer == self.payer())
            && location.is_none_or(|location| location == self.location())
    }
}
