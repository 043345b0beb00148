//! Verification tasks: the vault has no way out, so a connected router checks a key with its provider.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use latchkey_contract::ProviderId;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{Leasing, RouterMessage, RouterSession};
use crate::domain::destination::Destination;
use crate::domain::material::Material;
use crate::domain::verification::{Grade, ProviderMessage};

/// A verification task on its way to a router.
pub struct PendingTask {
    /// The id that the result carries.
    pub id: Uuid,
    /// The provider.
    pub provider: ProviderId,
    /// Where the key is sent.
    pub destination: Destination,
    /// The key; dropped when the task has been sent.
    pub material: Arc<Material>,
}

/// The outcome of a task, as a router reports it.
#[derive(Clone, Debug)]
pub enum TaskOutcome {
    /// The provider did not refuse the key.
    Verified {
        /// How much the check proves.
        grade: Grade,
        /// The provider's message, where it limits the key.
        detail: String,
    },
    /// The provider refused the key.
    Rejected(ProviderMessage),
    /// The provider did not answer.
    Unreachable(ProviderMessage),
}

/// A failed verification.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TaskFailure {
    /// No connected router can verify keys of this provider.
    #[error(
        "no connected router can verify a key of this provider: start a router, or skip the verification"
    )]
    NoRouter,
    /// The provider refused the key.
    #[error("the provider rejected the key: {0}")]
    Rejected(ProviderMessage),
    /// The provider did not answer the check.
    #[error("the key could not be verified with its provider: {0}")]
    Unreachable(ProviderMessage),
}

/// The time that a router has for a task.
const TASK_TIMEOUT: Duration = Duration::from_secs(25);

/// The tasks that routers work on.
#[derive(Default)]
pub(super) struct VerificationTasks {
    pending: Mutex<HashMap<Uuid, oneshot::Sender<TaskOutcome>>>,
}

impl Leasing {
    /// Verifies a key through a connected router.
    pub async fn verify(&self, task: PendingTask) -> Result<(Grade, String), TaskFailure> {
        let provider = task.provider;
        let able = |session: &&Arc<RouterSession>| {
            session.is_connected() && session.providers.contains(&provider)
        };
        let session = self
            .lock()
            .values()
            .find(able)
            .cloned()
            .ok_or(TaskFailure::NoRouter)?;
        let pending = self.tasks.begin(task.id);
        session.send(RouterMessage::Verify(task));
        let outcome = tokio::select! {
            outcome = pending.outcome() => outcome,
            () = session.ended().cancelled() => None,
            () = tokio::time::sleep(TASK_TIMEOUT) => None,
        };
        match outcome {
            Some(TaskOutcome::Verified { grade, detail }) => Ok((grade, detail)),
            Some(TaskOutcome::Rejected(message)) => Err(TaskFailure::Rejected(message)),
            Some(TaskOutcome::Unreachable(message)) => Err(TaskFailure::Unreachable(message)),
            None => Err(TaskFailure::Unreachable(ProviderMessage {
                message: "the router did not answer in time".to_owned(),
                ..ProviderMessage::default()
            })),
        }
    }

    /// The providers whose keys a connected router can verify.
    pub fn verifiable_providers(&self) -> BTreeSet<ProviderId> {
        let sessions = self.lock();
        let connected = sessions.values().filter(|session| session.is_connected());
        connected
            .flat_map(|session| session.providers.iter().copied())
            .collect()
    }

    /// Hands the outcome of a task to the waiting call. A late outcome is dropped.
    pub fn task_done(&self, id: Uuid, outcome: TaskOutcome) {
        if let Some(sender) = self.tasks.lock().remove(&id) {
            // The waiting call may have given up.
            let _ = sender.send(outcome);
        }
    }
}

/// A task whose outcome a call waits for. Dropping it forgets the task.
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
