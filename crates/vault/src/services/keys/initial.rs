//! Keys that come with their workspace or project: all of them or none, and not without it.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use latchkey_contract::names::{KeyParent, ResourceId};
use latchkey_contract::vault::v1::InitialKey;

use super::draft::{Draft, Verified};
use crate::change::Change;
use crate::error::VaultError;
use crate::store;
use crate::vault::Vault;

/// How many may come at once. One message holds them all, see `MAX_MESSAGE_BYTES`.
pub(in crate::services) const MAX_INITIAL_KEYS: usize = 16;
/// How many providers are asked at the same time.
const AT_ONCE: usize = 8;

/// Keys that have been read, each in order and all different.
pub(in crate::services) struct Drafts(Vec<Draft>);

/// Keys that their providers have not refused.
pub(in crate::services) struct VerifiedKeys(Vec<Verified>);

impl Drafts {
    /// Reads all of them.
    pub(in crate::services) fn read(
        vault: &Vault,
        keys: Vec<InitialKey>,
    ) -> Result<Self, VaultError> {
        if keys.len() > MAX_INITIAL_KEYS {
            let problem = format!("must have at most {MAX_INITIAL_KEYS} entries");
            return Err(VaultError::field("initial_keys", problem));
        }
        let mut drafts: Vec<Draft> = Vec::with_capacity(keys.len());
        for (index, key) in keys.into_iter().enumerate() {
            let draft = read(vault, key, &drafts).map_err(of_entry(index))?;
            drafts.push(draft);
        }
        Ok(Self(drafts))
    }

    /// Asks the providers. The first that refuses ends it.
    pub(in crate::services) async fn verify(
        self,
        vault: &Vault,
    ) -> Result<VerifiedKeys, VaultError> {
        let verify = |(index, draft): (usize, Draft)| async move {
            let verified = draft.verify(vault).await;
            verified.map_err(of_entry(index))
        };
        let asked = stream::iter(self.0.into_iter().enumerate().map(verify));
        let verified = asked.buffered(AT_ONCE).try_collect();
        Ok(VerifiedKeys(verified.await?))
    }
}

impl VerifiedKeys {
    /// Stores all of them as keys of `parent`, in the transaction that creates it.
    pub(in crate::services) async fn store(
        self,
        vault: &Vault,
        change: &mut Change,
        parent: &KeyParent,
        ids: store::keys::Parent,
    ) -> Result<(), VaultError> {
        for (index, verified) in self.0.into_iter().enumerate() {
            let admitted = verified.admit(vault, change, parent.clone(), ids).await;
            let admitted = admitted.map_err(of_entry(index))?;
            admitted.store(change).await?;
        }
        Ok(())
    }
}

fn read(vault: &Vault, key: InitialKey, before: &[Draft]) -> Result<Draft, VaultError> {
    let slug: ResourceId = key.key_id.parse().map_err(VaultError::name("key_id"))?;
    let draft = Draft::read(vault, slug, key.key, key.material, key.skip_verification)?;
    let same =
        |what: fn(&Draft, &Draft) -> bool| before.iter().position(|other| what(other, &draft));
    if let Some(other) = same(|a, b| a.slug == b.slug) {
        let problem = format!("is that of initial_keys[{other}] already");
        return Err(VaultError::field("key_id", problem));
    }
    if let Some(other) = same(Draft::shares_material_with) {
        let problem = format!("is that of initial_keys[{other}] already");
        return Err(VaultError::field("material", problem));
    }
    Ok(draft)
}

/// Says of an error which entry it is about. A database that fails is about none.
fn of_entry(index: usize) -> impl Fn(VaultError) -> VaultError {
    move |error| match error {
        error @ VaultError::Custody(_) => error,
        error => VaultError::InitialKey {
            index,
            problem: Box::new(error),
        },
    }
}
