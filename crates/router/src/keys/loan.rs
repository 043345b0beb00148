//! One key on loan.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use latchkey_boot::clock::{Clock, Timestamp};
use latchkey_contract::names::{KeyVersionName, RevisionScope};
use latchkey_contract::vault::v1::{self, Lease};
use latchkey_providers::Provider;
use url::Url;
use zeroize::Zeroizing;

use super::session::Session;
use crate::domain::attempt::Payer;

/// A key, and what it may be used for. It has no `Debug`, and is wiped when the last use ends.
pub struct Loan {
    key_version: KeyVersionName,
    provider: Provider,
    base_url: Option<Url>,
    api_key: Zeroizing<String>,
    material_tail: String,
    payer: Payer,
    default_model: String,
    expire_time: Option<Timestamp>,
    scopes: Vec<RevisionScope>,
    session: Arc<Session>,
    withdrawn: AtomicBool,
    in_flight: Arc<AtomicI64>,
}

/// The loan may not be used any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lapsed;

/// A call that is under way with a loan.
pub struct InUse {
    in_flight: Arc<AtomicI64>,
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Loan {
    /// What a lease says, if it is in order. `in_flight` is shared by the loans of one version.
    pub(super) fn new(
        lease: Lease,
        scopes: Vec<RevisionScope>,
        session: Arc<Session>,
        in_flight: Arc<AtomicI64>,
    ) -> Option<Self> {
        let payer = match lease.payer() {
            v1::Payer::OwnKey => Payer::OwnKey,
            v1::Payer::Platform => Payer::Platform,
            v1::Payer::Unspecified => return None,
        };
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
        Some(Self {
            key_version: lease.key_version.parse().ok()?,
            provider: lease.provider.parse().ok()?,
            base_url,
            api_key: Zeroizing::new(lease.api_key),
            material_tail: lease.material_tail,
            payer,
            default_model: lease.default_model,
            expire_time,
            scopes,
            session,
            withdrawn: AtomicBool::new(false),
            in_flight,
        })
    }

    /// The version that was lent.
    pub fn key_version(&self) -> &KeyVersionName {
        &self.key_version
    }

    /// Whose key it is.
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// Where it may be sent; the provider's own address for `None`.
    pub fn base_url(&self) -> Option<&Url> {
        self.base_url.as_ref()
    }

    /// The key.
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// The last four characters.
    pub fn material_tail(&self) -> &str {
        &self.material_tail
    }

    /// Who pays for calls with it.
    pub fn payer(&self) -> Payer {
        self.payer
    }

    /// The model of a request that names none; empty for none.
    pub fn default_model(&self) -> &str {
        &self.default_model
    }

    /// Begins a call. Asked right before the request is sent; nothing may come in between.
    pub fn begin_use(&self, clock: &dyn Clock) -> Result<InUse, Lapsed> {
        // Counted first, then asked: an invalidation either sees this call or is seen by it.
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        let in_use = InUse {
            in_flight: Arc::clone(&self.in_flight),
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
