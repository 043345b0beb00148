//! Errands: the vault has no way out, so a router asks a provider for it whether a key is good.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use uuid::Uuid;

use super::{Leasing, Order, Session};
use crate::domain::destination::Destination;
use crate::domain::material::Material;
use crate::domain::provider::Provider;
use crate::domain::verification::{Grade, ProviderWords};

/// A key to check, on its way to a router.
pub struct Errand {
    /// Ties the result to it.
    pub id: Uuid,
    /// Whose key it is.
    pub provider: Provider,
    /// Where to ask.
    pub destination: Destination,
    /// The key; forgotten when the errand has been sent.
    pub material: Arc<Material>,
}

/// What a router brought back.
#[derive(Clone, Debug)]
pub enum ErrandOutcome {
    /// The provider did not refuse the key.
    Verified {
        /// How much that proves.
        grade: Grade,
        /// The provider's words, if it limits the key.
        detail: String,
    },
    /// The provider refused it.
    Rejected(ProviderWords),
    /// Nobody can say.
    Unreachable(ProviderWords),
}

/// A check that did not end well.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ErrandFailure {
    /// No attached router can check keys of this provider.
    #[error("no router is attached that could check the key")]
    NoRouter,
    /// The provider refused the key.
    #[error("the provider rejected the key: {0}")]
    Rejected(ProviderWords),
    /// The provider could not be asked.
    #[error("the provider could not be asked: {0}")]
    Unreachable(ProviderWords),
}

/// How long a router may take.
const PATIENCE: Duration = Duration::from_secs(25);

/// The errands under way.
#[derive(Default)]
pub(super) struct Errands {
    pending: Mutex<HashMap<Uuid, oneshot::Sender<ErrandOutcome>>>,
}

impl Leasing {
    /// Has a key checked by an attached router.
    pub async fn verify(&self, errand: Errand) -> Result<(Grade, String), ErrandFailure> {
        let provider = errand.provider;
        let able = |session: &&Arc<Session>| {
            session.is_attached() && session.providers.contains(&provider)
        };
        let session = self
            .lock()
            .values()
            .find(able)
            .cloned()
            .ok_or(ErrandFailure::NoRouter)?;
        let pending = self.errands.begin(errand.id);
        session.order(Order::Verify(errand));
        let outcome = tokio::select! {
            outcome = pending.outcome() => outcome,
            () = session.ended().cancelled() => None,
            () = tokio::time::sleep(PATIENCE) => None,
        };
        match outcome {
            Some(ErrandOutcome::Verified { grade, detail }) => Ok((grade, detail)),
            Some(ErrandOutcome::Rejected(words)) => Err(ErrandFailure::Rejected(words)),
            Some(ErrandOutcome::Unreachable(words)) => Err(ErrandFailure::Unreachable(words)),
            None => Err(ErrandFailure::Unreachable(ProviderWords {
                message: "the router did not answer in time".to_owned(),
                ..ProviderWords::default()
            })),
        }
    }

    /// The providers whose keys some attached router can check.
    pub fn checkable(&self) -> BTreeSet<Provider> {
        let sessions = self.lock();
        let attached = sessions.values().filter(|session| session.is_attached());
        attached
            .flat_map(|session| session.providers.iter().copied())
            .collect()
    }

    /// Hands in what a router brought back. A late one is forgotten.
    pub fn errand_done(&self, id: Uuid, outcome: ErrandOutcome) {
        if let Some(sender) = self.errands.lock().remove(&id) {
            // The waiting call may have given up.
            let _ = sender.send(outcome);
        }
    }
}

/// An errand that somebody waits for; forgotten when nobody does any more.
struct Pending<'a> {
    errands: &'a Errands,
    id: Uuid,
    outcome: oneshot::Receiver<ErrandOutcome>,
}

impl Pending<'_> {
    async fn outcome(mut self) -> Option<ErrandOutcome> {
        (&mut self.outcome).await.ok()
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.errands.lock().remove(&self.id);
    }
}

impl Errands {
    fn begin(&self, id: Uuid) -> Pending<'_> {
        let (sender, outcome) = oneshot::channel();
        self.lock().insert(id, sender);
        Pending {
            errands: self,
            id,
            outcome,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, oneshot::Sender<ErrandOutcome>>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
