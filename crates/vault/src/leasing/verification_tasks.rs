//! VerificationTasks: the vault has no way out, so a router asks a provider for it whether a key is good.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use latchkey_contract::ProviderId;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{Leasing, Session, SessionMessage};
use crate::domain::destination::Destination;
use crate::domain::material::Material;
use crate::domain::verification::{Grade, ProviderMessage};

/// A key to check, on its way to a router.
pub struct PendingTask {
    /// Ties the result to it.
    pub id: Uuid,
    /// Whose key it is.
    pub provider: ProviderId,
    /// Where to ask.
    pub destination: Destination,
    /// The key; forgotten when the task has been sent.
    pub material: Arc<Material>,
}

/// What a router brought back.
#[derive(Clone, Debug)]
pub enum TaskOutcome {
    /// The provider did not refuse the key.
    Verified {
        /// How much that proves.
        grade: Grade,
        /// The provider's words, if it limits the key.
        detail: String,
    },
    /// The provider refused it.
    Rejected(ProviderMessage),
    /// Nobody can say.
    Unreachable(ProviderMessage),
}

/// A check that did not end well.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TaskFailure {
    /// No attached router can check keys of this provider.
    #[error("no router is attached that could check the key")]
    NoRouter,
    /// The provider refused the key.
    #[error("the provider rejected the key: {0}")]
    Rejected(ProviderMessage),
    /// The provider could not be asked.
    #[error("the provider could not be asked: {0}")]
    Unreachable(ProviderMessage),
}

/// How long a router may take.
const TASK_TIMEOUT: Duration = Duration::from_secs(25);

/// The tasks under way.
#[derive(Default)]
pub(super) struct VerificationTasks {
    pending: Mutex<HashMap<Uuid, oneshot::Sender<TaskOutcome>>>,
}

impl Leasing {
    /// Has a key checked by an attached router.
    pub async fn verify(&self, task: PendingTask) -> Result<(Grade, String), TaskFailure> {
        let provider = task.provider;
        let able = |session: &&Arc<Session>| {
            session.is_attached() && session.providers.contains(&provider)
        };
        let session = self
            .lock()
            .values()
            .find(able)
            .cloned()
            .ok_or(TaskFailure::NoRouter)?;
        let pending = self.tasks.begin(task.id);
        session.send(SessionMessage::Verify(task));
        let outcome = tokio::select! {
            outcome = pending.outcome() => outcome,
            () = session.ended().cancelled() => None,
            () = tokio::time::sleep(TASK_TIMEOUT) => None,
        };
        match outcome {
            Some(TaskOutcome::Verified { grade, detail }) => Ok((grade, detail)),
            Some(TaskOutcome::Rejected(words)) => Err(TaskFailure::Rejected(words)),
            Some(TaskOutcome::Unreachable(words)) => Err(TaskFailure::Unreachable(words)),
            None => Err(TaskFailure::Unreachable(ProviderMessage {
                message: "the router did not answer in time".to_owned(),
                ..ProviderMessage::default()
            })),
        }
    }

    /// The providers whose keys some attached router can check.
    pub fn checkable(&self) -> BTreeSet<ProviderId> {
        let sessions = self.lock();
        let attached = sessions.values().filter(|session| session.is_attached());
        attached
            .flat_map(|session| session.providers.iter().copied())
            .collect()
    }

    /// Hands in what a router brought back. A late one is forgotten.
    pub fn task_done(&self, id: Uuid, outcome: TaskOutcome) {
        if let Some(sender) = self.tasks.lock().remove(&id) {
            // The waiting call may have given up.
            let _ = sender.send(outcome);
        }
    }
}

/// A task that somebody waits for; forgotten when nobody does any more.
struct Pending<'a> {
    tasks: &'a VerificationTasks,
    id: Uuid,
    outcome: oneshot::Receiver<TaskOutcome>,
}

impl Pending<'_> {
    async fn outcome(mut self) -> Option<TaskOutcome> {
        (&mut self.outcome).await.ok()
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.tasks.lock().remove(&self.id);
    }
}

impl VerificationTasks {
    fn begin(&self, id: Uuid) -> Pending<'_> {
        let (sender, outcome) = oneshot::channel();
        self.lock().insert(id, sender);
        Pending {
            tasks: self,
            id,
            outcome,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, oneshot::Sender<TaskOutcome>>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
