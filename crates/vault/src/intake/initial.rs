//! Keys that come with their workspace or project: all of them are stored with it, or none.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use latchkey_contract::names::KeyParent;

use super::draft::{Draft, NewKey};
use super::verify::Verified;
use crate::change::Change;
use crate::error::VaultError;
use crate::store::keys::Parent;
use crate::vault::Vault;

/// Keys in one request. One message holds them all, see `MAX_MESSAGE_BYTES`.
pub(crate) const MAX_INITIAL_KEYS: usize = 16;
/// Keys that are verified at the same time.
const MAX_CONCURRENT_CHECKS: usize = 8;

/// Keys that have been read: each is valid, and no two have the same name or material.
pub(crate) struct Drafts(Vec<Draft>);

/// Keys that their providers have not refused.
pub(crate) struct VerifiedKeys(Vec<Verified>);

impl Drafts {
    /// Reads the keys in their order. The first that is not valid ends it.
    pub(crate) fn read<'a>(
        vault: &Vault,
        keys: impl ExactSizeIterator<Item = Result<NewKey<'a>, VaultError>>,
    ) -> Result<Self, VaultError> {
        if keys.len() > MAX_INITIAL_KEYS {
            let problem = format!("must have at most {MAX_INITIAL_KEYS} entries");
            return Err(VaultError::field("initial_keys", problem));
        }
        let mut drafts: Vec<Draft> = Vec::with_capacity(keys.len());
        for (index, key) in keys.enumerate() {
            let draft = key
                .and_then(|key| Draft::read(vault, key))
                .and_then(|draft| refuse_repeated(draft, &drafts))
                .map_err(of_entry(index))?;
            drafts.push(draft);
        }
        Ok(Self(drafts))
    }

    /// Verifies the keys. The first that is refused ends it.
    pub(crate) async fn verify(self, vault: &Vault) -> Result<VerifiedKeys, VaultError> {
        let verify = |(index, draft): (usize, Draft)| async move {
            draft.verify(vault).await.map_err(of_entry(index))
        };
        let verified = stream::iter(self.0.into_iter().enumerate().map(verify))
            .buffered(MAX_CONCURRENT_CHECKS)
            .try_collect()
            .await?;
        Ok(VerifiedKeys(verified))
    }
}

impl VerifiedKeys {
    /// Stores the keys as those of `parent`, in the transaction that creates it.
    pub(crate) async fn store(
        self,
        vault: &Vault,
        change: &mut Change,
        parent: &KeyParent,
        ids: Parent,
    ) -> Result<(), VaultError> {
        for (index, verified) in self.0.into_iter().enumerate() {
            let admitted = verified
                .admit(vault, change, parent.clone(), ids)
                .await
                .map_err(of_entry(index))?;
            admitted.store(change).await?;
        }
        Ok(())
    }
}

/// Refuses a key with the name or the material of an earlier one.
fn refuse_repeated(draft: Draft, earlier: &[Draft]) -> Result<Draft, VaultError> {
    let same =
        |what: fn(&Draft, &Draft) -> bool| earlier.iter().position(|other| what(other, &draft));
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

/// Names the entry that an error is about. A failure of the database is about none.
fn of_entry(index: usize) -> impl Fn(VaultError) -> VaultError {
    move |error| match error {
        error @ VaultError::Custody(_) => error,
        error => VaultError::InitialKey {
            index,
            problem: Box::new(error),
        },
    }
}
