//! Keys on lease from the vault.
//!
//! A lease is kept in memory and used again for the same query, in turn with those of the keys that share
//! the calls with it, until the vault says that something
//! in its scope has changed, the session's freshness lapses, or the key expires. Whoever uses a
//! lease asks [`Lease::begin_use`] right before the first byte goes out: it fails once any of that
//! has happened, so that an acknowledged invalidation really holds. What the vault says of members
//! is kept in the same way.

mod data_keys;
mod dry_run;
mod issuer;
mod key_query;
mod lease;
mod material;
mod members;
mod refusal;
mod rights;
mod router_session;
mod session;
mod single_flight;
mod token;
mod verification_task;
mod version;
mod weighted;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

use latchkey_clock::Clock;
use latchkey_contract::ExclusionRule;
use latchkey_contract::names::{KeyName, RevisionScope};
use latchkey_contract::vault::v1::lease_service_client::LeaseServiceClient;
use latchkey_contract::vault::v1::{
    self, KeyReport, ProviderRefusal, ResolveRequest, ResolveResponse, WorkspaceFallback,
};
use latchkey_rpc::client::AuthorizedChannel;
use tokio::sync::mpsc;

pub use data_keys::DataKey;
use data_keys::DataKeys;
pub use dry_run::{Candidate, DryRun};
pub use issuer::{TokenError, TokenIssuer, system_time};
pub use key_query::KeyQuery;
use lease::Terms;
pub use lease::{InUse, Lapsed, Lease};
use members::{MemberQuery, Members};
pub use refusal::VaultRefusal;
pub use rights::ModelRights;
pub use router_session::hold_router_session;
use session::Session;
use single_flight::SingleFlight;
pub use token::Token;
pub use verification_task::refusal as provider_refusal;
use version::Versions;
use weighted::WeightedLeases;

use crate::domain::fallback::Fallback;
use crate::error::RouterError;
use crate::upstream::Upstream;

/// The leases of this router, and its way to the vault.
pub struct Keys {
    client: LeaseServiceClient<AuthorizedChannel>,
    clock: Arc<dyn Clock>,
    upstream: Arc<Upstream>,
    held: RwLock<Held>,
    versions: Versions,
    turns: SingleFlight<KeyQuery>,
    member_turns: SingleFlight<MemberQuery>,
    sealing: DataKeys,
    reports: mpsc::Sender<KeyReport>,
    waiting_reports: Mutex<Option<mpsc::Receiver<KeyReport>>>,
}

/// What changes together.
#[derive(Default)]
struct Held {
    /// The session in which keys are asked for, while there is one.
    session: Option<Arc<Session>>,
    leases: HashMap<KeyQuery, WeightedLeases>,
    members: Members,
    /// The revisions that the vault has told of in this session, so that an answer that was on its
    /// way meanwhile is recognised as stale.
    heads: HashMap<RevisionScope, i64>,
}

/// Answers that were overtaken by an invalidation are asked for again, so often.
const MAX_OVERTAKEN: usize = 8;
const MAX_REPORT_QUEUE: usize = 256;
/// A vault that takes longer is as good as away.
const VAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// The query holds what a caller writes, so there is no end of queries.
const MAX_LEASES: usize = 16 * 1024;

impl Keys {
    /// No leases yet.
    pub fn new(channel: AuthorizedChannel, clock: Arc<dyn Clock>, upstream: Arc<Upstream>) -> Self {
        let (reports, waiting) = mpsc::channel(MAX_REPORT_QUEUE);
        Self {
            client: LeaseServiceClient::new(channel),
            clock,
            upstream,
            held: RwLock::default(),
            versions: Versions::default(),
            turns: SingleFlight::default(),
            member_turns: SingleFlight::default(),
            sealing: DataKeys::default(),
            reports,
            waiting_reports: Mutex::new(Some(waiting)),
        }
    }

    /// The key for a query: leased before and still good, or leased now.
    pub async fn obtain(&self, query: &KeyQuery) -> Result<Arc<Lease>, RouterError> {
        let preferred = match self.next(query) {
            Ok(lease) => return Ok(lease),
            Err(preferred) => preferred,
        };
        let leased =
            tokio::time::timeout(VAULT_TIMEOUT, self.lease_in_turn(query, preferred)).await;
        leased.unwrap_or(Err(RouterError::VaultUnavailable))
    }

    /// Tells the vault that a provider refused a key, so that it is set cool_downs.
    pub fn report(&self, lease: &Lease, refusal: ProviderRefusal) {
        let key_version = lease.key_version().to_string();
        // A full queue means that the vault hears of many refusals already.
        let _ = self.reports.try_send(KeyReport {
            key_version,
            refusal: Some(refusal),
        });
    }

    /// The lease whose turn it is; else the key to ask for, if it is known which.
    fn next(&self, query: &KeyQuery) -> Result<Arc<Lease>, Option<KeyName>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let (key, lease) = held.leases.get(query).ok_or(None)?.next();
        match lease {
            Some(lease) if lease.is_usable(&*self.clock) => Ok(Arc::clone(lease)),
            _ => Err(Some(key.clone())),
        }
    }

    /// What somebody else leased meanwhile.
    fn leased(&self, query: &KeyQuery, preferred: Option<&KeyName>) -> Option<Arc<Lease>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let lease = held.leases.get(query)?.lease_of(preferred)?;
        lease.is_usable(&*self.clock).then(|| Arc::clone(lease))
    }

    /// One question at a time for the same query: who waited finds the answer.
    async fn lease_in_turn(
        &self,
        query: &KeyQuery,
        preferred: Option<KeyName>,
    ) -> Result<Arc<Lease>, RouterError> {
        let turn = self.turns.of(query);
        let _turn = turn.lock().await;
        match self.leased(query, preferred.as_ref()) {
            Some(lease) => Ok(lease),
            None => self.lease_anew(query, preferred).await,
        }
    }

    async fn lease_anew(
        &self,
        query: &KeyQuery,
        preferred: Option<KeyName>,
    ) -> Result<Arc<Lease>, RouterError> {
        let preferred_key = preferred.map(|key| key.to_string()).unwrap_or_default();
        for _ in 0..MAX_OVERTAKEN {
            let session = self.session().ok_or(RouterError::VaultUnavailable)?;
            let question = ResolveRequest {
                preferred_key: preferred_key.clone(),
                ..query.question(&session.id)
            };
            let answer = self.ask(question).await?;
            if let Some(lease) = self.keep(query, session, answer)? {
                return Ok(lease);
            }
        }
        Err(RouterError::VaultUnavailable)
    }

    async fn ask(&self, request: ResolveRequest) -> Result<ResolveResponse, RouterError> {
        match self.client.clone().resolve(request).await {
            Ok(answer) => Ok(answer.into_inner()),
            Err(status) => Err(match refusal::read(&status) {
                Some(refusal) => RouterError::Refused(Box::new(refusal)),
                None => RouterError::VaultUnavailable,
            }),
        }
    }

    /// Keeps what was leased, unless it was overtaken by an invalidation or by the session's end.
    fn keep(
        &self,
        query: &KeyQuery,
        session: Arc<Session>,
        answer: ResolveResponse,
    ) -> Result<Option<Arc<Lease>>, RouterError> {
        // Held while the lease is added: an invalidation comes wholly before or wholly after.
        let mut held = self.write();
        let current = held.session.as_ref();
        if current.is_none_or(|current| !Arc::ptr_eq(current, &session)) {
            return Ok(None);
        }
        let mut scopes = Vec::with_capacity(answer.revisions.len());
        for chosen_at in &answer.revisions {
            let Ok(scope) = chosen_at.scope.parse::<RevisionScope>() else {
                return Err(RouterError::VaultUnavailable);
            };
            let known = held.heads.get(&scope);
            if known.is_some_and(|known| *known > chosen_at.revision) {
                return Ok(None);
            }
            scopes.push(scope);
        }
        if scopes.is_empty() {
            // Nothing could ever take it back.
            return Err(RouterError::VaultUnavailable);
        }
        let lease = answer.lease.ok_or(RouterError::VaultUnavailable)?;
        let terms = Terms {
            workspace: query.scope.workspace().clone(),
            fallbacks: answer.fallbacks.into_iter().map(read_fallback).collect(),
            other_keys: answer.exclusions.iter().filter_map(usable_key).collect(),
            scopes,
            session,
            version: self.versions.of(&lease.key_version),
        };
        let lease = Lease::new(lease, terms);
        let lease = lease.filter(|lease| query.allows(lease));
        let lease = Arc::new(lease.ok_or(RouterError::VaultUnavailable)?);
        let share = WeightedLeases::new(&answer.weighted_keys, &lease.key_version().key);
        let share = share.ok_or(RouterError::VaultUnavailable)?;
        held.make_room(&*self.clock);
        held.add(query, share, Arc::clone(&lease));
        Ok(Some(lease))
    }

    fn session(&self) -> Option<Arc<Session>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.session.clone()
    }

    fn write(&self) -> RwLockWriteGuard<'_, Held> {
        self.held.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops what depends on a scope. Returns the calls in flight with the versions that must not
    /// be used any more. From then on no other call begins with them.
    fn invalidate(&self, scope: &RevisionScope, revision: i64, revoked: &[String]) -> i64 {
        let mut held = self.write();
        let known = held.heads.entry(scope.clone()).or_insert(revision);
        *known = (*known).max(revision);
        held.drop_if(|lease| lease.depends_on(scope));
        held.members.forget(scope);
        drop(held);
        self.sealing.forget(Some(scope));
        self.versions.in_flight(revoked)
    }

    /// Begins a new session: what the old one leased is dropped, since the new one answers for none of
    /// it.
    fn begin_session(&self, session: Arc<Session>) {
        let mut held = self.write();
        held.drop_if(|_| true);
        held.members.forget_all();
        held.heads.clear();
        held.session = Some(session);
        self.sealing.forget(None);
    }

    /// The vault ended the session: nothing it leased may be used.
    fn end_session(&self) {
        let mut held = self.write();
        held.drop_if(|_| true);
        held.members.forget_all();
        held.session = None;
        self.sealing.forget(None);
    }

    /// The connection broke: what was leased stays usable until it lapses, but nothing is asked.
    fn lose_session(&self) {
        self.write().session = None;
    }
}

impl Held {
    /// Whoever still has a lease that leaves the map must not begin with it: no invalidation would
    /// find it any more.
    fn drop_if(&mut self, out: impl Fn(&Lease) -> bool) {
        self.leases.retain(|_, share| {
            let keep = !share.leases().any(|lease| out(lease));
            if !keep {
                share.leases().for_each(|lease| lease.withdraw());
            }
            keep
        });
    }

    /// Adds a lease to those of its query, or in their place if others share the calls now.
    fn add(&mut self, query: &KeyQuery, share: WeightedLeases, lease: Arc<Lease>) {
        match self.leases.get_mut(query) {
            Some(held) if held.is_as(&share) => held.put(lease),
            _ => {
                let mut share = share;
                share.put(lease);
                if let Some(replaced) = self.leases.insert(query.clone(), share) {
                    replaced.leases().for_each(|lease| lease.withdraw());
                }
            }
        }
    }

    fn make_room(&mut self, clock: &dyn Clock) {
        if self.leases.len() < MAX_LEASES {
            return;
        }
        self.drop_if(|lease| !lease.is_usable(clock));
        if self.leases.len() >= MAX_LEASES {
            // Who still needs one asks again.
            self.drop_if(|_| true);
        }
    }
}

/// A key that was passed over for no fault of its own; `AFTER_FAILURE`: the platform's, which may stand
/// in once the own ones have failed.
fn usable_key(exclusion: &v1::Exclusion) -> Option<KeyName> {
    let rule: ExclusionRule = exclusion.rule.parse().ok()?;
    let key = exclusion.key.parse().ok()?;
    rule.leaves_the_key_usable().then_some(key)
}

fn read_fallback(fallback: WorkspaceFallback) -> Fallback {
    Fallback {
        provider: fallback.provider,
        model: fallback.model,
        key: String::new(),
    }
}

#[cfg(test)]
mod tests;
