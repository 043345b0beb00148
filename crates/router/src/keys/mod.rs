//! Keys on loan from the vault.
//!
//! A loan is kept in memory and used again for the same wish, in turn with those of the keys that share
//! the calls with it, until the vault says that something
//! in its scope has changed, the session's freshness lapses, or the key expires. Whoever uses a
//! loan asks [`Loan::begin_use`] right before the first byte goes out: it fails once any of that
//! has happened, so that an acknowledged invalidation really holds. What the vault says of members
//! is kept in the same way.

mod attend;
mod data_keys;
mod errand;
mod issuer;
mod loan;
mod material;
mod members;
mod prospect;
mod refusal;
mod rights;
mod session;
mod share;
mod token;
mod turn;
mod version;
mod wish;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

use latchkey_boot::client::AuthorizedChannel;
use latchkey_boot::clock::Clock;
use latchkey_contract::names::{KeyName, RevisionScope};
use latchkey_contract::vault::v1::lease_service_client::LeaseServiceClient;
use latchkey_contract::vault::v1::{
    self, KeyReport, ProviderRefusal, ResolveRequest, ResolveResponse, WorkspaceFallback,
};
use tokio::sync::mpsc;

pub use attend::attend;
pub use data_keys::DataKey;
use data_keys::DataKeys;
pub use errand::refusal as provider_refusal;
pub use issuer::{TokenError, TokenIssuer, system_time};
use loan::Terms;
pub use loan::{InUse, Lapsed, Loan};
use members::{Asked, Members};
pub use prospect::{Candidate, Prospect};
pub use refusal::VaultRefusal;
pub use rights::ModelRights;
use session::Session;
use share::Share;
pub use token::Token;
use turn::Turns;
use version::Versions;
pub use wish::Wish;

use crate::domain::fallback::Fallback;
use crate::error::RouterError;
use crate::upstream::Upstream;

/// The loans of this router, and its way to the vault.
pub struct Keys {
    client: LeaseServiceClient<AuthorizedChannel>,
    clock: Arc<dyn Clock>,
    upstream: Arc<Upstream>,
    held: RwLock<Held>,
    versions: Versions,
    turns: Turns<Wish>,
    member_turns: Turns<Asked>,
    sealing: DataKeys,
    reports: mpsc::Sender<KeyReport>,
    waiting_reports: Mutex<Option<mpsc::Receiver<KeyReport>>>,
}

/// What changes together.
#[derive(Default)]
struct Held {
    /// The session in which keys are asked for, while there is one.
    session: Option<Arc<Session>>,
    loans: HashMap<Wish, Share>,
    members: Members,
    /// The revisions that the vault has told of in this session, so that an answer that was on its
    /// way meanwhile is recognised as stale.
    heads: HashMap<RevisionScope, i64>,
}

/// Answers that were overtaken by an invalidation are asked for again, so often.
const MOST_OVERTAKEN: usize = 8;
const LONGEST_REPORT_QUEUE: usize = 256;
/// A vault that takes longer is as good as away.
const PATIENCE: Duration = Duration::from_secs(10);
/// The wish holds what a caller writes, so there is no end of wishes.
const MOST_LOANS: usize = 16 * 1024;

impl Keys {
    /// No loans yet.
    pub fn new(channel: AuthorizedChannel, clock: Arc<dyn Clock>, upstream: Arc<Upstream>) -> Self {
        let (reports, waiting) = mpsc::channel(LONGEST_REPORT_QUEUE);
        Self {
            client: LeaseServiceClient::new(channel),
            clock,
            upstream,
            held: RwLock::default(),
            versions: Versions::default(),
            turns: Turns::default(),
            member_turns: Turns::default(),
            sealing: DataKeys::default(),
            reports,
            waiting_reports: Mutex::new(Some(waiting)),
        }
    }

    /// The key for a wish: borrowed before and still good, or borrowed now.
    pub async fn obtain(&self, wish: &Wish) -> Result<Arc<Loan>, RouterError> {
        let drawn = match self.next(wish) {
            Ok(loan) => return Ok(loan),
            Err(drawn) => drawn,
        };
        let borrowed = tokio::time::timeout(PATIENCE, self.borrow_in_turn(wish, drawn)).await;
        borrowed.unwrap_or(Err(RouterError::VaultUnavailable))
    }

    /// Tells the vault that a provider refused a key, so that it is set aside.
    pub fn report(&self, loan: &Loan, refusal: ProviderRefusal) {
        let key_version = loan.key_version().to_string();
        // A full queue means that the vault hears of many refusals already.
        let _ = self.reports.try_send(KeyReport {
            key_version,
            refusal: Some(refusal),
        });
    }

    /// The loan whose turn it is; else the key to ask for, if it is known which.
    fn next(&self, wish: &Wish) -> Result<Arc<Loan>, Option<KeyName>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let (key, loan) = held.loans.get(wish).ok_or(None)?.next();
        match loan {
            Some(loan) if loan.is_usable(&*self.clock) => Ok(Arc::clone(loan)),
            _ => Err(Some(key.clone())),
        }
    }

    /// What somebody else borrowed meanwhile.
    fn borrowed(&self, wish: &Wish, drawn: Option<&KeyName>) -> Option<Arc<Loan>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let loan = held.loans.get(wish)?.loan_of(drawn)?;
        loan.is_usable(&*self.clock).then(|| Arc::clone(loan))
    }

    /// One question at a time for the same wish: who waited finds the answer.
    async fn borrow_in_turn(
        &self,
        wish: &Wish,
        drawn: Option<KeyName>,
    ) -> Result<Arc<Loan>, RouterError> {
        let turn = self.turns.of(wish);
        let _turn = turn.lock().await;
        match self.borrowed(wish, drawn.as_ref()) {
            Some(loan) => Ok(loan),
            None => self.borrow_anew(wish, drawn).await,
        }
    }

    async fn borrow_anew(
        &self,
        wish: &Wish,
        drawn: Option<KeyName>,
    ) -> Result<Arc<Loan>, RouterError> {
        let drawn_key = drawn.map(|key| key.to_string()).unwrap_or_default();
        for _ in 0..MOST_OVERTAKEN {
            let session = self.session().ok_or(RouterError::VaultUnavailable)?;
            let question = ResolveRequest {
                drawn_key: drawn_key.clone(),
                ..wish.question(&session.id)
            };
            let answer = self.ask(question).await?;
            if let Some(loan) = self.keep(wish, session, answer)? {
                return Ok(loan);
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

    /// Keeps what was lent, unless it was overtaken by an invalidation or by the session's end.
    fn keep(
        &self,
        wish: &Wish,
        session: Arc<Session>,
        answer: ResolveResponse,
    ) -> Result<Option<Arc<Loan>>, RouterError> {
        // Held while the loan is added: an invalidation comes wholly before or wholly after.
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
            workspace: wish.scope.workspace().clone(),
            fallbacks: answer.fallbacks.into_iter().map(read_fallback).collect(),
            other_keys: answer.exclusions.iter().filter_map(usable_key).collect(),
            scopes,
            session,
            version: self.versions.of(&lease.key_version),
        };
        let loan = Loan::new(lease, terms);
        let loan = loan.filter(|loan| wish.allows(loan));
        let loan = Arc::new(loan.ok_or(RouterError::VaultUnavailable)?);
        let share = Share::new(&answer.shares, &loan.key_version().key);
        let share = share.ok_or(RouterError::VaultUnavailable)?;
        held.make_room(&*self.clock);
        held.add(wish, share, Arc::clone(&loan));
        Ok(Some(loan))
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
        held.drop_if(|loan| loan.depends_on(scope));
        held.members.forget(scope);
        drop(held);
        self.sealing.forget(Some(scope));
        self.versions.in_flight(revoked)
    }

    /// Begins a new session: what the old one lent is dropped, since the new one answers for none of
    /// it.
    fn begin_session(&self, session: Arc<Session>) {
        let mut held = self.write();
        held.drop_if(|_| true);
        held.members.forget_all();
        held.heads.clear();
        held.session = Some(session);
        self.sealing.forget(None);
    }

    /// The vault ended the session: nothing it lent may be used.
    fn end_session(&self) {
        let mut held = self.write();
        held.drop_if(|_| true);
        held.members.forget_all();
        held.session = None;
        self.sealing.forget(None);
    }

    /// The connection broke: what was lent stays usable until it lapses, but nothing is asked.
    fn lose_session(&self) {
        self.write().session = None;
    }
}

impl Held {
    /// Whoever still has a loan that leaves the map must not begin with it: no invalidation would
    /// find it any more.
    fn drop_if(&mut self, out: impl Fn(&Loan) -> bool) {
        self.loans.retain(|_, share| {
            let keep = !share.loans().any(|loan| out(loan));
            if !keep {
                share.loans().for_each(|loan| loan.withdraw());
            }
            keep
        });
    }

    /// Adds a loan to those of its wish, or in their place if others share the calls now.
    fn add(&mut self, wish: &Wish, share: Share, loan: Arc<Loan>) {
        match self.loans.get_mut(wish) {
            Some(held) if held.is_as(&share) => held.put(loan),
            _ => {
                let mut share = share;
                share.put(loan);
                if let Some(replaced) = self.loans.insert(wish.clone(), share) {
                    replaced.loans().for_each(|loan| loan.withdraw());
                }
            }
        }
    }

    fn make_room(&mut self, clock: &dyn Clock) {
        if self.loans.len() < MOST_LOANS {
            return;
        }
        self.drop_if(|loan| !loan.is_usable(clock));
        if self.loans.len() >= MOST_LOANS {
            // Who still needs one asks again.
            self.drop_if(|_| true);
        }
    }
}

/// A key that was passed over for no fault of its own; `AFTER_FAILURE`: the platform's, which may stand
/// in once the own ones have failed.
fn usable_key(exclusion: &v1::Exclusion) -> Option<KeyName> {
    let rule = exclusion.rule.as_str();
    let usable = matches!(rule, "AFTER_FAILURE" | "NOT_DRAWN" | "OUTRANKED");
    exclusion.key.parse().ok().filter(|_| usable)
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
