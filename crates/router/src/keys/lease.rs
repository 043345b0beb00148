//! One key on lease.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use latchkey_clock::{Clock, Timestamp};
use latchkey_contract::ProviderId;
use latchkey_contract::names::{KeyName, KeyVersionName, RevisionScope, WorkspaceName};
use latchkey_contract::vault::v1;
use latchkey_providers::{Credential, Target};
use tokio::time::Instant;
use url::Url;

use super::issuer::{TokenError, TokenIssuer};
use super::material::Material;
use super::rights::ModelRights;
use super::session::Session;
use super::token::Token;
use super::version::VersionState;
use crate::domain::attempt::Payer;
use crate::domain::fallback::Fallback;
use crate::upstream::PoolKey;

/// A key, and what it may be used for. It has no `Debug`, and is wiped when the last use ends.
pub struct Lease {
    key_version: KeyVersionName,
    provider: ProviderId,
    base_url: Option<Url>,
    location: String,
    cloud_project: String,
    api_version: String,
    deployments: BTreeMap<String, String>,
    rights: ModelRights,
    platform_fallback_allowed: bool,
    material: Material,
    material_tail: String,
    payer: Payer,
    default_model: String,
    expire_time: Option<Timestamp>,
    fallbacks: Vec<Fallback>,
    other_keys: Vec<KeyName>,
    pool: PoolKey,
    scopes: Vec<RevisionScope>,
    session: Arc<Session>,
    withdrawn: AtomicBool,
    version: Arc<VersionState>,
}

/// The lease may not be used any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lapsed;

/// A call that is under way with a lease.
pub struct InUse {
    version: Arc<VersionState>,
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.version.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What a lease is given beside the lease.
pub(super) struct Terms {
    /// For whom it was leased.
    pub(super) workspace: WorkspaceName,
    /// The workspace's own list of fallbacks.
    pub(super) fallbacks: Vec<Fallback>,
    /// Usable keys that were not chosen.
    pub(super) other_keys: Vec<KeyName>,
    /// What its choice depended on.
    pub(super) scopes: Vec<RevisionScope>,
    /// The session it lives in.
    pub(super) session: Arc<Session>,
    /// Shared by the leases of one version.
    pub(super) version: Arc<VersionState>,
}

impl Lease {
    /// What a lease says, if it is in order.
    pub(super) fn new(lease: v1::Lease, terms: Terms) -> Option<Self> {
        let payer = read_payer(lease.payer())?;
        let base_url = match lease.base_url.as_str() {
            "" => None,
            url => Some(url.parse().ok()?),
        };
        let expire_time = match lease.expire_time {
            Some(time) => Some(Timestamp::from_unix(
                time.seconds,
                u32::try_from(time.nanos).ok()?,
            )?),
            None => None,
        };
        let key_version: KeyVersionName = lease.key_version.parse().ok()?;
        let rights = ModelRights::of(&lease);
        Some(Self {
            pool: PoolKey::new(&terms.workspace, &key_version),
            key_version,
            provider: lease.provider.parse().ok()?,
            base_url,
            location: lease.location,
            cloud_project: lease.cloud_project,
            api_version: lease.api_version,
            deployments: lease.deployments,
            rights,
            platform_fallback_allowed: lease.platform_fallback_allowed,
            material: Material::read(lease.material)?,
            material_tail: lease.material_tail,
            payer,
            default_model: lease.default_model,
            expire_time,
            fallbacks: terms.fallbacks,
            other_keys: terms.other_keys,
            scopes: terms.scopes,
            session: terms.session,
            withdrawn: AtomicBool::new(false),
            version: terms.version,
        })
    }

    /// The version that was leased.
    pub fn key_version(&self) -> &KeyVersionName {
        &self.key_version
    }

    /// Whose key it is.
    pub fn provider(&self) -> ProviderId {
        self.provider
    }

    /// Where it may be sent; the provider's own address for `None`.
    pub fn base_url(&self) -> Option<&Url> {
        self.base_url.as_ref()
    }

    /// What is sent as it is; none where a token must be got first.
    pub fn credential(&self) -> Option<Credential<'_>> {
        self.material.credential()
    }

    /// The token that the key stands for: the one that is held, or a new one.
    pub async fn token(
        &self,
        issuer: &TokenIssuer<'_>,
        until: Instant,
    ) -> Result<Token, TokenError> {
        let now = || issuer.clock.boottime();
        let get = async || {
            issuer
                .get(self.provider, &self.material, &self.pool, until)
                .await
        };
        self.version.token.token(now, get).await
    }

    /// Forgets a token that the provider refused.
    pub fn forget(&self, refused: &Token) {
        self.version.token.forget(refused);
    }

    /// Where a call with it goes: a provider's address and what that depends on.
    pub fn target<'a>(&'a self, base_url: &'a Url, credential: Credential<'a>) -> Target<'a> {
        Target {
            provider: self.provider,
            base_url,
            credential,
            location: &self.location,
            cloud_project: &self.cloud_project,
            api_version: &self.api_version,
        }
    }

    /// The region of a Vertex key; else empty.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// What the provider calls a model: at Azure, the deployment that serves it.
    pub fn wire_model<'a>(&'a self, model: &'a str) -> &'a str {
        self.deployments.get(model).map_or(model, String::as_str)
    }

    /// The deployments by the model that each serves; empty but at Azure.
    pub fn deployments(&self) -> &BTreeMap<String, String> {
        &self.deployments
    }

    /// Which models it may be used for.
    pub fn rights(&self) -> &ModelRights {
        &self.rights
    }

    /// The workspace's own list of fallbacks.
    pub fn fallbacks(&self) -> &[Fallback] {
        &self.fallbacks
    }

    /// Usable keys that the vault did not choose for the same query.
    pub fn other_keys(&self) -> &[KeyName] {
        &self.other_keys
    }

    /// Whose connections calls with it use.
    pub fn pool(&self) -> &PoolKey {
        &self.pool
    }

    /// The last four characters.
    pub fn material_tail(&self) -> &str {
        &self.material_tail
    }

    /// Who pays for calls with it.
    pub fn payer(&self) -> Payer {
        self.payer
    }

    /// Whether its own policy lets the platform's keys follow when a call with it fails.
    pub fn platform_fallback_allowed(&self) -> bool {
        self.platform_fallback_allowed
    }

    /// The model of a request that names none; empty for none.
    pub fn default_model(&self) -> &str {
        &self.default_model
    }

    /// Begins a call. MemberQuery right before the request is sent; nothing may come in between.
    pub fn begin_use(&self, clock: &dyn Clock) -> Result<InUse, Lapsed> {
        // Counted first, then asked: an invalidation either sees this call or is seen by it.
        self.version.in_flight.fetch_add(1, Ordering::SeqCst);
        let in_use = InUse {
            version: Arc::clone(&self.version),
        };
        if self.is_usable(clock) {
            Ok(in_use)
        } else {
            Err(Lapsed)
        }
    }

    pub(super) fn is_usable(&self, clock: &dyn Clock) -> bool {
        !self.withdrawn.load(Ordering::SeqCst)
            && self.session.is_fresh(clock.boottime())
            && self.expire_time.is_none_or(|expiry| clock.now() < expiry)
    }

    pub(super) fn withdraw(&self) {
        self.withdrawn.store(true, Ordering::SeqCst);
    }

    pub(super) fn depends_on(&self, scope: &RevisionScope) -> bool {
        self.scopes.contains(scope)
    }
}

/// Who pays, if the vault says so.
pub(super) fn read_payer(payer: v1::Payer) -> Option<Payer> {
    match payer {
        v1::Payer::OwnKey => Some(Payer::OwnKey),
        v1::Payer::Platform => Some(Payer::Platform),
        v1::Payer::Unspecified => None,
    }
}
