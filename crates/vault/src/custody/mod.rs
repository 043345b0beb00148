//! Custody: the root keys, each workspace's own keys, and the seals and MACs made with them.
//!
//! The hierarchy, from the top: a root key of the keyring wraps a workspace's branch key and lookup
//! key; the branch key wraps the data key of each version; the data key seals the material. The
//! lookup key makes the fingerprints and the MACs of rows, so that rotating branch keys breaks
//! neither.

mod error;
pub mod keyring;
mod row_mac;
mod workspace_keys;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use latchkey_clock::{Clock, Timestamp};
use latchkey_envelope::{BranchKey, BranchKeyContext, LookupKey, Suite};
use ring::rand::SystemRandom;

pub use error::{CustodyError, IntegrityFailure};
pub use row_mac::MacRow;
pub use workspace_keys::{Sealed, WorkspaceKeys};

use crate::domain::uid::{BranchKeyUid, DeploymentUid, WorkspaceUid, random_uuid};
use crate::store::Rows;
use crate::store::branch_keys::{self, BranchPurpose, WrappedBranchKey};
use keyring::KeyRingFile;

/// How long an unwrapped branch key is cached. A root key that was removed works here no longer than
/// this.
const CACHE_SPAN: Duration = Duration::from_mins(5);

/// Opens and makes the keys of workspaces.
pub struct Custody {
    deployment: DeploymentUid,
    keyring: Arc<KeyRingFile>,
    rng: SystemRandom,
    clock: Arc<dyn Clock>,
    cache: RwLock<HashMap<WorkspaceUid, Cached>>,
}

struct Cached {
    keys: Arc<WorkspaceKeys>,
    since: Duration,
}

impl Custody {
    /// Custody over the keyring's root keys.
    pub fn new(
        deployment: DeploymentUid,
        keyring: Arc<KeyRingFile>,
        rng: SystemRandom,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            deployment,
            keyring,
            rng,
            clock,
            cache: RwLock::default(),
        }
    }

    /// The keys of a workspace, from the cache or unwrapped.
    pub async fn keys_of(
        &self,
        rows: &impl Rows,
        workspace: WorkspaceUid,
    ) -> Result<Arc<WorkspaceKeys>, CustodyError> {
        let now = self.clock.boottime();
        if let Some(keys) = self.cached(workspace, now) {
            return Ok(keys);
        }
        let wrapped = branch_keys::of_workspace(rows, workspace).await?;
        let keys = Arc::new(self.unwrap(workspace, &wrapped)?);
        let cached = Cached {
            keys: Arc::clone(&keys),
            since: now,
        };
        self.cache
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(workspace, cached);
        Ok(keys)
    }

    /// Makes the keys of a new workspace, open and wrapped for storage.
    pub fn make_keys(
        &self,
        workspace: WorkspaceUid,
        now: Timestamp,
    ) -> Result<(WorkspaceKeys, [WrappedBranchKey; 2]), CustodyError> {
        let ring = self.keyring.current();
        let (root_id, root) = ring.primary();
        let stored = |uid, purpose| WrappedBranchKey {
            uid,
            workspace,
            purpose,
            version: 1,
            root_key: root_id.to_owned(),
            root_version: 1,
            wrapped: Vec::new(),
            create_time: now,
        };
        let mut branch = stored(BranchKeyUid(random_uuid(&self.rng)?), BranchPurpose::Branch);
        let mut lookup = stored(BranchKeyUid(random_uuid(&self.rng)?), BranchPurpose::Lookup);
        let suite = Suite::default();

        let branch_key = BranchKey::generate(&self.rng)?;
        let context = self.context(&branch);
        let sealed = root.wrap_branch_key(&self.rng, suite, &branch_key, &context)?;
        branch.wrapped = sealed.into_bytes();

        let lookup_key = LookupKey::generate(&self.rng)?;
        let context = self.context(&lookup);
        let sealed = root.wrap_lookup_key(&self.rng, suite, &lookup_key, &context)?;
        lookup.wrapped = sealed.into_bytes();

        let keys = WorkspaceKeys::new(
            self.deployment,
            workspace,
            &lookup_key,
            branch.uid,
            1,
            branch_key,
        );
        Ok((keys, [branch, lookup]))
    }

    fn cached(&self, workspace: WorkspaceUid, now: Duration) -> Option<Arc<WorkspaceKeys>> {
        let cache = self.cache.read().unwrap_or_else(PoisonError::into_inner);
        let cached = cache.get(&workspace)?;
        (now.saturating_sub(cached.since) < CACHE_SPAN).then(|| Arc::clone(&cached.keys))
    }

    fn unwrap(
        &self,
        workspace: WorkspaceUid,
        wrapped: &[WrappedBranchKey],
    ) -> Result<WorkspaceKeys, CustodyError> {
        let newest = |purpose| {
            let key = wrapped.iter().rfind(|key| key.purpose == purpose);
            key.ok_or_else(|| IntegrityFailure::new("branch_keys", workspace))
        };
        let ring = self.keyring.current();
        let lookup = newest(BranchPurpose::Lookup)?;
        let lookup_key = ring
            .get(&lookup.root_key)
            .ok_or(CustodyError::RootKeyMissing)?
            .unwrap_lookup_key(&lookup.wrapped, &self.context(lookup))
            .map_err(|_| IntegrityFailure::new("branch_keys", lookup.uid))?;
        let current = newest(BranchPurpose::Branch)?;
        let open = |key: &WrappedBranchKey| -> Result<BranchKey, CustodyError> {
            let root = ring
                .get(&key.root_key)
                .ok_or(CustodyError::RootKeyMissing)?;
            root.unwrap_branch_key(&key.wrapped, &self.context(key))
                .map_err(|_| IntegrityFailure::new("branch_keys", key.uid).into())
        };
        let mut keys = WorkspaceKeys::new(
            self.deployment,
            workspace,
            &lookup_key,
            current.uid,
            current.version,
            open(current)?,
        );
        for older in wrapped {
            if older.purpose == BranchPurpose::Branch && older.uid != current.uid {
                keys.add_older(older.uid, older.version, open(older)?);
            }
        }
        Ok(keys)
    }

    fn context<'a>(&self, key: &'a WrappedBranchKey) -> BranchKeyContext<'a> {
        BranchKeyContext {
            deployment: self.deployment.to_bytes(),
            workspace: key.workspace.to_bytes(),
            branch_key: key.uid.to_bytes(),
            branch_version: key.version,
            root_key: &key.root_key,
            root_version: key.root_version,
        }
    }

    /// The randomness that seals are made with.
    pub fn rng(&self) -> &SystemRandom {
        &self.rng
    }
}
