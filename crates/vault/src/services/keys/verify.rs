//! `VerifyKey`.

use std::sync::Arc;

use latchkey_contract::names::KeyName;
use latchkey_contract::vault::v1::{Verification as Message, VerifyKeyRequest};

use super::intake;
use crate::change::Change;
use crate::custody::CustodyError;
use crate::domain::key::{IllegalTransition, KeyState};
use crate::domain::uid::random_uuid;
use crate::error::{Noun, VaultError};
use crate::leasing::verification_tasks::PendingTask;
use crate::services::call::Call;
use crate::services::encode;
use crate::store;
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: VerifyKeyRequest,
) -> Result<Message, VaultError> {
    let name: KeyName = request.name.parse().map_err(VaultError::name("name"))?;
    call.authorize_parent(&name.parent).await?;
    let parent = vault.parent(&name.parent).await?;
    let keys = &parent.open.keys;
    let found = store::keys::find(&vault.store, parent.ids(), &name.key).await?;
    let asked = keys.check(found.ok_or(VaultError::NotFound(Noun::Key))?)?;
    if asked.state == KeyState::Deleted {
        return Err(IllegalTransition {
            from: asked.state.as_str(),
            verb: "verified",
        }
        .into());
    }
    let found = store::versions::find(&vault.store, asked.uid, asked.current_version).await?;
    let version = keys.check(found.ok_or(CustodyError::Integrity)?)?;
    let material = keys.open(&asked, &version)?;
    let task = PendingTask {
        id: random_uuid(vault.custody.rng())?,
        provider: asked.provider,
        destination: version.destination.clone(),
        material: Arc::new(material),
    };
    let (grade, detail) = vault.leasing.verify(task).await?;

    let mut change = Change::begin(vault, &name.parent, call.act()).await?;
    let key = change.key(&name, "").await?;
    let current = change.current_version(&key).await?;
    let verification = intake::verification(grade, detail, change.now);
    // Replaced meanwhile, be it by a key of the same name: the outcome is only answered.
    if (key.uid, current.version) == (asked.uid, version.version) {
        let event = change.event(&name).with("verification", grade.as_str());
        let verified = change.keys.stamp(current.verified(verification.clone()));
        store::versions::update(&change.unit, verified).await?;
        change.record(event).await?;
        change.commit_unnumbered().await?;
    }
    Ok(encode::verification(&verification))
}
