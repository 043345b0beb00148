//! Keys on loan from the vault.
//!
//! A loan is kept in memory and used again for the same wish, until the vault says that something
//! in its scope has changed, the session's freshness lapses, or the key expires. Whoever uses a
//! loan asks [`Loan::begin_use`] right before the first byte goes out: it fails once any of that
//! has happened, so that an acknowledged invalidation really holds.

mod attend;
mod errand;
mod loan;
mod refusal;
mod session;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use latchkey_boot::clock::Clock;
use latchkey_boot::client::AuthorizedChannel;
use latchkey_contract::names::{RevisionScope, Scope};
use latchkey_contract::vault::v1::lease_service_client::LeaseServiceClient;
use latchkey_contract::vault::v1::{KeyReport, ProviderRefusal, ResolveRequest, ResolveResponse};
use tokio::sync::mpsc;

pub use attend::attend;
pub use errand::refusal as provider_refusal;
pub use loan::{InUse, Lapsed, Loan};
pub use refusal::VaultRefusal;
use session::Session;

use crate::error::RouterError;
use crate::upstream::Upstream;

/// What a request asks of the vault. The cache is keyed by it, scope first, so that an entry can't
/// be another workspace's.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Wish {
    /// The scope of the request.
    pub scope: Scope,
    /// A key by name, or empty.
    pub key: String,
    /// A provider id, or empty.
    pub provider: String,
    /// A model, or empty.
    pub model: String,
}

/// The loans of this router, and its way to the vault.
pub struct Keys {
    client: LeaseServiceClient<AuthorizedChannel>,
    clock: Arc<dyn Clock>,
    upstream: Arc<Upstream>,
    loans: RwLock<HashMap<Wish, Arc<Loan>>>,
    /// The revisions that the vault has told of, so that an answer that was on its way meanwhile is
    /// recognised as stale.
    heads: Mutex<HashMap<RevisionScope, i64>>,
    session: RwLock<Option<Arc<Session>>>,
    /// One question at a time for the same wish.
    asking: Mutex<HashMap<Wish, Arc<tokio::sync::Mutex<()>>>>,
    reports: mpsc::Sender<KeyReport>,
    waiting_reports: Mutex<Option<mpsc::Receiver<KeyReport>>>,
}

/// Answers that were overtaken by an invalidation are asked for again, so often.
const MOST_OVERTAKEN: usize = 8;
const LONGEST_REPORT_QUEUE: usize = 256;

impl Keys {
    /// No loans yet.
    pub fn new(channel: AuthorizedChannel, clock: Arc<dyn Clock>, upstream: Arc<Upstream>) -> Self {
        let (reports, waiting) = mpsc::channel(LONGEST_REPORT_QUEUE);
        Self {
            client: LeaseServiceClient::new(channel),
            clock,
            upstream,
            loans: RwLock::default(),
            heads: Mutex::default(),
            session: RwLock::default(),
            asking: Mutex::default(),
            reports,
            waiting_reports: Mutex::new(Some(waiting)),
        }
    }

    /// The key for a wish: borrowed before and still good, or borrowed now.
    pub async fn obtain(&self, wish: &Wish) -> Result<Arc<Loan>, RouterError> {
        if let Some(loan) = self.held(wish) {
            return Ok(loan);
        }
        let turn = self.turn(wish);
        let _turn = turn.lock().await;
        // Somebody else may have asked meanwhile.
        if let Some(loan) = self.held(wish) {
            return Ok(loan);
        }
        let borrowed = self.borrow_anew(wish).await;
        self.lock_asking().remove(wish);
        borrowed
    }

    /// Whether the router attends a vault, and what it holds is fresh.
    pub fn attends(&self) -> bool {
        let session = self.session.read().unwrap_or_else(PoisonError::into_inner);
        session.as_ref().is_some_and(|session| session.is_fresh(self.clock.boottime()))
    }

    /// Tells the vault that a provider refused a key, so that it is set aside.
    pub fn report(&self, loan: &Loan, refusal: ProviderRefusal) {
        let key_version = loan.key_version().to_string();
        // A full queue means that the vault hears of many refusals already.
        let _ = self.reports.try_send(KeyReport { key_version, refusal: Some(refusal) });
    }

    fn held(&self, wish: &Wish) -> Option<Arc<Loan>> {
        let loan =
            self.loans.read().unwrap_or_else(PoisonError::into_inner).get(wish).map(Arc::clone)?;
        loan.is_usable(&*self.clock).then_some(loan)
    }

    fn turn(&self, wish: &Wish) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(self.lock_asking().entry(wish.clone()).or_default())
    }

    async fn borrow_anew(&self, wish: &Wish) -> Result<Arc<Loan>, RouterError> {
        for _ in 0..MOST_OVERTAKEN {
            let session = self.current().ok_or(RouterError::VaultUnavailable)?;
            let request = ResolveRequest {
                session: session.id.clone(),
                parent: wish.scope.to_string(),
                key: wish.key.clone(),
                provider: wish.provider.clone(),
                model: wish.model.clone(),
                capability: 0,
            };
            let answer = match self.client.clone().resolve(request).await {
                Ok(answer) => answer.into_inner(),
                Err(status) => match refusal::read(&status) {
                    Some(refusal) => return Err(RouterError::Refused(Box::new(refusal))),
                    None => return Err(RouterError::VaultUnavailable),
                },
            };
            if let Some(loan) = self.keep(wish, session, answer)? {
                return Ok(loan);
            }
        }
        Err(RouterError::VaultUnavailable)
    }

    /// Keeps what was lent, unless it was overtaken by an invalidation.
    fn keep(
        &self,
        wish: &Wish,
        session: Arc<Session>,
        answer: ResolveResponse,
    ) -> Result<Option<Arc<Loan>>, RouterError> {
        // Held while the loan is added: an invalidation comes wholly before or wholly after.
        let heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scopes = Vec::with_capacity(answer.revisions.len());
        for chosen_at in &answer.revisions {
            let Ok(scope) = chosen_at.scope.parse::<RevisionScope>() else {
                return Err(RouterError::VaultUnavailable);
            };
            if heads.get(&scope).is_some_and(|head| *head > chosen_at.revision) {
                return Ok(None);
            }
            scopes.push(scope);
        }
        let lease = answer.lease.ok_or(RouterError::VaultUnavailable)?;
        let mut loans = self.loans.write().unwrap_or_else(PoisonError::into_inner);
        let in_flight = loans
            .values()
            .find(|loan| loan.key_version().to_string() == lease.key_version)
            .map(|loan| loan.in_flight())
            .unwrap_or_default();
        let loan = Loan::new(lease, scopes, session, in_flight)
            .ok_or(RouterError::VaultUnavailable)?;
        let loan = Arc::new(loan);
        loans.insert(wish.clone(), Arc::clone(&loan));
        Ok(Some(loan))
    }

    fn current(&self) -> Option<Arc<Session>> {
        self.session.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn lock_asking(
        &self,
    ) -> std::sync::MutexGuard<'_, HashMap<Wish, Arc<tokio::sync::Mutex<()>>>> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops what depends on a scope. Returns the calls in flight with the versions that must not
    /// be used any more. From then on no other call begins with them.
    fn invalidate(&self, scope: &RevisionScope, revision: i64, revoked: &[String]) -> i64 {
        let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        let head = heads.entry(scope.clone()).or_insert(revision);
        *head = (*head).max(revision);
        let mut dropped = Vec::new();
        self.loans.write().unwrap_or_else(PoisonError::into_inner).retain(|_, loan| {
            let keep = !loan.depends_on(scope);
            if !keep {
                loan.withdraw();
                dropped.push(Arc::clone(loan));
            }
            keep
        });
        drop(heads);
        dropped
            .iter()
            .filter(|loan| revoked.contains(&loan.key_version().to_string()))
            .map(|loan| loan.calls_in_flight())
            .max()
            .unwrap_or_default()
    }

    /// Begins a new session: what the old one lent is dropped, since the new one answers for none of
    /// it.
    fn begin_session(&self, session: Arc<Session>) {
        self.drop_all();
        *self.session.write().unwrap_or_else(PoisonError::into_inner) = Some(session);
    }

    /// The vault ended the session: nothing it lent may be used.
    fn end_session(&self) {
        *self.session.write().unwrap_or_else(PoisonError::into_inner) = None;
        self.drop_all();
    }

    /// The connection broke: what was lent stays usable until it lapses, but nothing is asked.
    fn lose_session(&self) {
        *self.session.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn drop_all(&self) {
        let mut loans = self.loans.write().unwrap_or_else(PoisonError::into_inner);
        for loan in loans.values() {
            loan.withdraw();
        }
        loans.clear();
    }
}

#[cfg(test)]
mod tests;
