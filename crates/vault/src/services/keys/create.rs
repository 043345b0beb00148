//! `CreateKey`.

use latchkey_contract::names::{KeyParent, ResourceId};
use latchkey_contract::vault::v1::{CreateKeyRequest, Key as Message};

use super::decode;
use crate::change::Change;
use crate::error::{Conflict, Nameable, VaultError};
use crate::intake::Draft;
use crate::services::call::Call;
use crate::services::encode;
use crate::services::repeatable::Repeatable;
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: CreateKeyRequest,
) -> Result<Message, VaultError> {
    let parent: KeyParent = request.parent.parse().map_err(VaultError::name("parent"))?;
    call.authorize_parent(&parent).await?;
    let slug: ResourceId = request.key_id.parse().map_err(VaultError::name("key_id"))?;
    let repeatable = Repeatable::read(vault, call, &request.request_id, &request).await?;
    let work = Box::pin(create(vault, call, &repeatable, parent, slug, request));
    repeatable.once(vault, call, work).await
}

async fn create(
    vault: &Vault,
    call: &Call,
    repeatable: &Repeatable,
    parent: KeyParent,
    slug: ResourceId,
    request: CreateKeyRequest,
) -> Result<Message, VaultError> {
    let message = request.key.unwrap_or_default();
    let skip = request.skip_verification;
    let new = decode::new_key(slug, &message, request.material, skip)?;
    let draft = Draft::read(vault, new)?;
    draft.check_parent(&parent)?;
    // Checked before the material leaves the vault: it need not, for a name that is taken.
    let open = vault.parent(&parent).await?;
    let rows = open.open.rows(&vault.store);
    if rows.find_key(open.ids(), draft.slug()).await?.is_some() {
        return Err(Conflict::Exists(Nameable::Key).into());
    }
    let verified = draft.verify(vault).await?;

    let mut change = Change::begin(vault, &parent, call.act()).await?;
    let ids = change.ids(&parent).await?;
    let admitted = verified.admit(vault, &change, parent, ids).await?;
    let answer = encode::key(&admitted.name, &admitted.key, &admitted.version, change.now);
    if request.validate_only {
        return Ok(answer);
    }
    admitted.store(&mut change).await?;
    repeatable.remember(&change, call, &answer).await?;
    let committed = change.commit().await?;
    // The next call uses the key: routers that cached another choice choose again.
    vault.leasing.propagate(committed).await;
    Ok(answer)
}
