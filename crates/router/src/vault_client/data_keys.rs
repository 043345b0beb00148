//! Data keys, leased from the vault. They seal the transcripts of sessions.
//!
//! Like a lease, a data key is cached within its router session until an invalidation of its workspace.
//! It is also dropped after [`MAX_AGE`], so that a key that another router has destroyed does not stay
//! in memory for long.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use latchkey_contract::names::{DataKeyName, WorkspaceName};
use latchkey_contract::uid::{DataKeyUid, WorkspaceUid};
use latchkey_contract::vault::v1::{
    CreateDataKeyRequest, DataKey as Message, DestroyDataKeyRequest, LeaseDataKeyRequest,
};
use zeroize::Zeroizing;

use super::{RouterSession, VaultClient, in_time};
use crate::error::RouterError;

/// A key that seals transcripts. It has no `Debug`, and is wiped when it is dropped.
pub struct DataKey {
    name: DataKeyName,
    uid: DataKeyUid,
    workspace: WorkspaceUid,
    material: Zeroizing<[u8; DataKey::LENGTH]>,
}

impl DataKey {
    /// Bytes of a key for AES-256.
    pub const LENGTH: usize = 32;

    /// Its name in the vault.
    pub fn name(&self) -> &DataKeyName {
        &self.name
    }

    /// The key itself, for the cipher only.
    pub fn expose(&self) -> &[u8; Self::LENGTH] {
        &self.material
    }

    /// The key of a message; none where the message is malformed.
    fn read(message: Message) -> Option<Self> {
        let sent = Zeroizing::new(message.material);
        let mut material = Zeroizing::new([0; Self::LENGTH]);
        if sent.len() != Self::LENGTH {
            return None;
        }
        material.copy_from_slice(&sent);
        let name: DataKeyName = message.name.parse().ok()?;
        Some(Self {
            uid: name.data_key.as_str().parse().ok()?,
            workspace: message.workspace_uid.parse().ok()?,
            name,
            material,
        })
    }
}

/// The cached data keys.
#[derive(Default)]
pub(super) struct DataKeys {
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    keys: HashMap<DataKeyUid, CachedKey>,
    /// Counts the drops: a response that was under way during one is not cached.
    drops: u64,
}

struct CachedKey {
    key: Arc<DataKey>,
    session: Arc<RouterSession>,
    /// On the boot clock.
    expires_at: Duration,
}

/// The time after which a cached key is leased again.
const MAX_AGE: Duration = Duration::from_mins(5);
/// The maximum number of cached keys. The number of sessions is unbounded.
const MAX_CACHED: usize = 4 * 1024;

impl DataKeys {
    /// Drops the keys of a workspace, or all of them without one.
    pub(super) fn forget(&self, workspace: Option<WorkspaceUid>) {
        let mut cache = self.lock();
        cache.drops += 1;
        match workspace {
            None => cache.keys.clear(),
            Some(workspace) => cache
                .keys
                .retain(|_, cached| cached.key.workspace != workspace),
        }
    }

    /// The number of drops so far.
    fn drops(&self) -> u64 {
        self.lock().drops
    }

    fn forget_old(&self, boottime: Duration) {
        let mut cache = self.lock();
        cache.keys.retain(|_, cached| cached.is_valid(boottime));
    }

    fn forget_one(&self, name: &DataKeyName) {
        let mut cache = self.lock();
        cache.drops += 1;
        cache.keys.retain(|_, cached| cached.key.name != *name);
    }

    fn get(&self, name: &DataKeyName, boottime: Duration) -> Option<Arc<DataKey>> {
        let uid: DataKeyUid = name.data_key.as_str().parse().ok()?;
        let cache = self.lock();
        let cached = cache.keys.get(&uid)?;
        let is_valid = cached.is_valid(boottime) && cached.key.name == *name;
        is_valid.then(|| Arc::clone(&cached.key))
    }

    fn put(&self, key: &Arc<DataKey>, session: Arc<RouterSession>, drops: u64, boottime: Duration) {
        let mut cache = self.lock();
        if cache.drops != drops {
            return;
        }
        if cache.keys.len() >= MAX_CACHED {
            // A call that still needs a dropped key leases it again.
            cache.keys.clear();
        }
        let cached = CachedKey {
            key: Arc::clone(key),
            session,
            expires_at: boottime + MAX_AGE,
        };
        cache.keys.insert(key.uid, cached);
    }

    fn lock(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CachedKey {
    fn is_valid(&self, boottime: Duration) -> bool {
        boottime < self.expires_at && self.session.is_fresh(boottime)
    }
}

impl VaultClient {
    /// Creates a data key for a workspace.
    pub async fn create_data_key(
        &self,
        workspace: &WorkspaceName,
    ) -> Result<Arc<DataKey>, RouterError> {
        let drops = self.data_keys.drops();
        let session = self.session()?;
        let request = CreateDataKeyRequest {
            router_session: session.id().to_owned(),
            workspace: workspace.to_string(),
        };
        let mut client = self.rpc();
        let key = decode(in_time(client.create_data_key(request)).await?)?;
        if key.name.workspace != *workspace {
            return Err(RouterError::VaultUnavailable);
        }
        self.keep_data_key(&key, session, drops);
        Ok(key)
    }

    /// Leases a data key, or returns the cached one.
    pub async fn data_key(&self, name: &DataKeyName) -> Result<Arc<DataKey>, RouterError> {
        if let Some(key) = self.data_keys.get(name, self.clock.boottime()) {
            return Ok(key);
        }
        let drops = self.data_keys.drops();
        let session = self.session()?;
        let request = LeaseDataKeyRequest {
            router_session: session.id().to_owned(),
            name: name.to_string(),
        };
        let mut client = self.rpc();
        let key = decode(in_time(client.lease_data_key(request)).await?)?;
        if key.name != *name {
            return Err(RouterError::VaultUnavailable);
        }
        self.keep_data_key(&key, session, drops);
        Ok(key)
    }

    /// Destroys a data key. The turns that it sealed can't be read any more.
    pub async fn destroy_data_key(&self, name: &DataKeyName) -> Result<(), RouterError> {
        self.data_keys.forget_one(name);
        let session = self.session()?;
        let request = DestroyDataKeyRequest {
            router_session: session.id().to_owned(),
            name: name.to_string(),
        };
        let mut client = self.rpc();
        let destroyed = in_time(client.destroy_data_key(request)).await;
        // Another call may have leased it meanwhile.
        self.data_keys.forget_one(name);
        destroyed.map(|_| ())
    }

    /// Wipes the data keys that were cached five minutes ago or earlier.
    pub fn forget_old_data_keys(&self) {
        self.data_keys.forget_old(self.clock.boottime());
    }

    fn keep_data_key(&self, key: &Arc<DataKey>, session: Arc<RouterSession>, drops: u64) {
        let boottime = self.clock.boottime();
        self.data_keys.put(key, session, drops, boottime);
    }
}

fn decode(message: Message) -> Result<Arc<DataKey>, RouterError> {
    let key = DataKey::read(message).ok_or(RouterError::VaultUnavailable)?;
    Ok(Arc::new(key))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const FRESHNESS: Duration = Duration::from_mins(30);

    fn key() -> Arc<DataKey> {
        let name = "workspaces/acme/dataKeys/019aa5b1-0000-7000-8000-000000000000";
        let message = Message {
            name: name.to_owned(),
            material: vec![7; DataKey::LENGTH],
            workspace_uid: ACME.to_string(),
        };
        decode(message).ok().unwrap()
    }

    fn session() -> Arc<RouterSession> {
        let id = "s1".to_owned();
        Arc::new(RouterSession::new(id, Duration::ZERO, FRESHNESS))
    }

    const ACME: WorkspaceUid = WorkspaceUid(Uuid::from_u128(1));
    const OTHER: WorkspaceUid = WorkspaceUid(Uuid::from_u128(2));

    /// A cache with one key, leased at time 0.
    fn caching(key: &Arc<DataKey>) -> DataKeys {
        let keys = DataKeys::default();
        keys.put(key, session(), 0, Duration::ZERO);
        keys
    }

    #[test]
    fn a_key_of_another_length_is_rejected() {
        let name = key().name.to_string();
        for length in [0, 16, 31, 33] {
            let material = vec![7; length];
            let message = Message {
                name: name.clone(),
                material,
                workspace_uid: ACME.to_string(),
            };
            assert!(decode(message).is_err());
        }
    }

    #[test]
    fn a_key_is_dropped_when_its_workspace_changes() {
        let key = key();
        let keys = caching(&key);
        keys.forget(Some(OTHER));
        assert!(keys.get(&key.name, Duration::ZERO).is_some());
        keys.forget(Some(ACME));
        assert!(keys.get(&key.name, Duration::ZERO).is_none());
    }

    #[test]
    fn a_key_is_cached_for_five_minutes_and_no_longer_than_its_session_is_fresh() {
        let key = key();
        let keys = caching(&key);
        let last = MAX_AGE.saturating_sub(Duration::from_micros(1));
        assert!(keys.get(&key.name, last).is_some());
        assert!(keys.get(&key.name, MAX_AGE).is_none());
        let keys = DataKeys::default();
        let leased = FRESHNESS.saturating_sub(Duration::from_secs(1));
        keys.put(&key, session(), 0, leased);
        assert!(keys.get(&key.name, leased).is_some());
        assert!(keys.get(&key.name, FRESHNESS).is_none());
    }

    #[test]
    fn a_response_older_than_a_drop_is_not_cached() {
        let key = key();
        let keys = DataKeys::default();
        let before = keys.drops();
        keys.forget_one(&key.name);
        keys.put(&key, session(), before, Duration::ZERO);
        assert!(keys.get(&key.name, Duration::ZERO).is_none());
    }
}
