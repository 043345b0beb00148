//! Data keys on lease from the vault: what transcripts are sealed under.
//!
//! A data key is kept as leases are: for the session with the vault that it was leased in, until
//! something of its workspace changes, and no longer than [`KEEP`], so that one that is destroyed
//! elsewhere does not stay in memory for long.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use latchkey_contract::names::{DataKeyName, RevisionScope, WorkspaceName};
use latchkey_contract::vault::v1::{
    CreateDataKeyRequest, DataKey as Message, DestroyDataKeyRequest, LeaseDataKeyRequest,
};
use tonic::{Response, Status};
use zeroize::Zeroizing;

use super::session::Session;
use super::{Keys, VAULT_TIMEOUT, refusal};
use crate::error::RouterError;

/// A key that transcripts are sealed under. It has no `Debug`, and is wiped when the last use ends.
pub struct DataKey {
    name: DataKeyName,
    material: Zeroizing<[u8; DataKey::LENGTH]>,
}

impl DataKey {
    /// Bytes of a key for AES-256.
    pub const LENGTH: usize = 32;

    /// What the vault calls it.
    pub fn name(&self) -> &DataKeyName {
        &self.name
    }

    /// The key itself, for the cipher alone.
    pub fn expose(&self) -> &[u8; Self::LENGTH] {
        &self.material
    }

    /// What the vault sent, if it is in order.
    fn read(message: Message) -> Option<Self> {
        let sent = Zeroizing::new(message.material);
        let mut material = Zeroizing::new([0; Self::LENGTH]);
        if sent.len() != Self::LENGTH {
            return None;
        }
        material.copy_from_slice(&sent);
        let name = message.name.parse().ok()?;
        Some(Self { name, material })
    }
}

/// The data keys that are held.
#[derive(Default)]
pub(super) struct DataKeys {
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    keys: HashMap<DataKeyName, Kept>,
    /// Counts how often something was forgotten: an answer that was on its way meanwhile is not kept.
    forgotten: u64,
}

struct Kept {
    key: Arc<DataKey>,
    session: Arc<Session>,
    /// On the boot clock.
    keep_until: Duration,
}

/// How long a key is kept before it is asked for again.
const KEEP: Duration = Duration::from_mins(5);
/// There is no end of sessions.
const MAX_HELD: usize = 4 * 1024;

impl DataKeys {
    /// Forgets the keys of a workspace; all of them when everything may have changed.
    pub(super) fn forget(&self, scope: Option<&RevisionScope>) {
        let mut held = self.lock();
        held.forgotten += 1;
        match scope {
            None => held.keys.clear(),
            Some(RevisionScope::Platform) => {}
            Some(RevisionScope::Workspace(workspace)) => {
                held.keys.retain(|name, _| name.workspace != *workspace);
            }
        }
    }

    fn forget_one(&self, name: &DataKeyName) {
        let mut held = self.lock();
        held.forgotten += 1;
        held.keys.remove(name);
    }

    fn get(&self, name: &DataKeyName, boottime: Duration) -> Option<Arc<DataKey>> {
        let held = self.lock();
        let kept = held.keys.get(name).filter(|kept| kept.is_good(boottime))?;
        Some(Arc::clone(&kept.key))
    }

    fn keep(&self, key: &Arc<DataKey>, session: Arc<Session>, forgotten: u64, boottime: Duration) {
        let mut held = self.lock();
        if held.forgotten != forgotten {
            return;
        }
        if held.keys.len() >= MAX_HELD {
            // Who still needs one asks again.
            held.keys.clear();
        }
        let kept = Kept {
            key: Arc::clone(key),
            session,
            keep_until: boottime + KEEP,
        };
        held.keys.insert(key.name.clone(), kept);
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn is_good(&self, boottime: Duration) -> bool {
        boottime < self.keep_until && self.session.is_fresh(boottime)
    }
}

impl Keys {
    /// Has the vault make a data key for a workspace.
    pub async fn create_data_key(
        &self,
        workspace: &WorkspaceName,
    ) -> Result<Arc<DataKey>, RouterError> {
        let session = self.session().ok_or(RouterError::VaultUnavailable)?;
        let request = CreateDataKeyRequest {
            router_session: session.id.clone(),
            workspace: workspace.to_string(),
        };
        let forgotten = self.sealing.lock().forgotten;
        let mut client = self.client.clone();
        let key = read(answered(client.create_data_key(request)).await?)?;
        if key.name.workspace != *workspace {
            return Err(RouterError::VaultUnavailable);
        }
        self.keep_data_key(&key, session, forgotten);
        Ok(key)
    }

    /// A data key: leased before and still good, or leased now.
    pub async fn data_key(&self, name: &DataKeyName) -> Result<Arc<DataKey>, RouterError> {
        if let Some(key) = self.sealing.get(name, self.clock.boottime()) {
            return Ok(key);
        }
        let session = self.session().ok_or(RouterError::VaultUnavailable)?;
        let request = LeaseDataKeyRequest {
            router_session: session.id.clone(),
            name: name.to_string(),
        };
        let forgotten = self.sealing.lock().forgotten;
        let mut client = self.client.clone();
        let key = read(answered(client.lease_data_key(request)).await?)?;
        if key.name != *name {
            return Err(RouterError::VaultUnavailable);
        }
        self.keep_data_key(&key, session, forgotten);
        Ok(key)
    }

    /// Has the vault destroy a data key. What was sealed under it can't be read from then on.
    pub async fn destroy_data_key(&self, name: &DataKeyName) -> Result<(), RouterError> {
        self.sealing.forget_one(name);
        let session = self.session().ok_or(RouterError::VaultUnavailable)?;
        let request = DestroyDataKeyRequest {
            router_session: session.id.clone(),
            name: name.to_string(),
        };
        let mut client = self.client.clone();
        let answer = answered(client.destroy_data_key(request)).await;
        // Somebody may have leased it meanwhile.
        self.sealing.forget_one(name);
        answer.map(|_| ())
    }

    /// Wipes the data keys that were kept for long enough.
    pub fn forget_old_data_keys(&self) {
        let boottime = self.clock.boottime();
        let mut held = self.sealing.lock();
        held.keys.retain(|_, kept| kept.is_good(boottime));
    }

    fn keep_data_key(&self, key: &Arc<DataKey>, session: Arc<Session>, forgotten: u64) {
        let boottime = self.clock.boottime();
        self.sealing.keep(key, session, forgotten, boottime);
    }
}

fn read(answer: Message) -> Result<Arc<DataKey>, RouterError> {
    let key = DataKey::read(answer).ok_or(RouterError::VaultUnavailable)?;
    Ok(Arc::new(key))
}

async fn answered<T>(
    asked: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, RouterError> {
    match tokio::time::timeout(VAULT_TIMEOUT, asked).await {
        Ok(Ok(answer)) => Ok(answer.into_inner()),
        Ok(Err(status)) => match refusal::read(&status) {
            Some(refusal) => Err(RouterError::Refused(Box::new(refusal))),
            None => Err(RouterError::VaultUnavailable),
        },
        Err(_elapsed) => Err(RouterError::VaultUnavailable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESHNESS: Duration = Duration::from_mins(30);

    fn key() -> Arc<DataKey> {
        let name = "workspaces/acme/dataKeys/019aa5b1-0000-7000-8000-000000000000";
        let message = Message {
            name: name.to_owned(),
            material: vec![7; DataKey::LENGTH],
        };
        read(message).ok().unwrap()
    }

    fn session() -> Arc<Session> {
        let id = "s1".to_owned();
        Arc::new(Session::new(id, Duration::ZERO, FRESHNESS))
    }

    fn scope(text: &str) -> RevisionScope {
        text.parse().unwrap()
    }

    /// Holding one key, leased at the beginning.
    fn holding(key: &Arc<DataKey>) -> DataKeys {
        let keys = DataKeys::default();
        keys.keep(key, session(), 0, Duration::ZERO);
        keys
    }

    #[test]
    fn a_key_of_another_length_is_none() {
        let name = key().name.to_string();
        for length in [0, 16, 31, 33] {
            let material = vec![7; length];
            let name = name.clone();
            assert!(read(Message { name, material }).is_err());
        }
    }

    #[test]
    fn a_key_is_forgotten_when_its_workspace_changes() {
        let key = key();
        let keys = holding(&key);
        keys.forget(Some(&scope("workspaces/other")));
        keys.forget(Some(&scope("platform")));
        assert!(keys.get(&key.name, Duration::ZERO).is_some());
        keys.forget(Some(&scope("workspaces/acme")));
        assert!(keys.get(&key.name, Duration::ZERO).is_none());
    }

    #[test]
    fn a_key_is_kept_for_five_minutes_and_no_longer_than_its_session_is_fresh() {
        let key = key();
        let keys = holding(&key);
        let last = KEEP.saturating_sub(Duration::from_micros(1));
        assert!(keys.get(&key.name, last).is_some());
        assert!(keys.get(&key.name, KEEP).is_none());
        let keys = DataKeys::default();
        let leased = FRESHNESS.saturating_sub(Duration::from_secs(1));
        keys.keep(&key, session(), 0, leased);
        assert!(keys.get(&key.name, leased).is_some());
        assert!(keys.get(&key.name, FRESHNESS).is_none());
    }

    #[test]
    fn an_answer_that_was_overtaken_is_not_kept() {
        let key = key();
        let keys = DataKeys::default();
        let asked = keys.lock().forgotten;
        keys.forget_one(&key.name);
        keys.keep(&key, session(), asked, Duration::ZERO);
        assert!(keys.get(&key.name, Duration::ZERO).is_none());
    }
}
