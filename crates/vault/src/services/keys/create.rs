//! `CreateKey`.

use latchkey_contract::names::{KeyParent, ResourceId};
use latchkey_contract::vault::v1::{CreateKeyRequest, Key as Message};

use super::draft::Draft;
use crate::change::Change;
use crate::error::{Conflict, Nameable, VaultError};
use crate::services::call::Call;
use crate::services::repeatable::Repeatable;
use crate::store;
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
    let skip = request.skip_verification;
    let draft = Draft::read(vault, slug, request.key, request.material, skip)?;
    draft.check_parent(&parent)?;
    // Before the provider is asked: nobody learns of a key by a name that is taken anyway.
    let found = vault.parent(&parent).await?;
    if store::keys::find(&vault.store, found.ids(), &draft.slug)
        .await?
        .is_some()
    {
        return Err(Conflict::Exists(Nameable::Key).into());
    }
    let verified = draft.verify(vault).await?;

    let mut change = Change::begin(vault, &parent, call.act()).await?;
    let project = change.project(&parent).await?.map(|project| project.uid);
    let ids = store::keys::Parent {
        workspace: change.head.uid,
        project,
    };
    let admitted = verified.admit(vault, &change, parent, ids).await?;
    let answer = admitted.message(change.now);
    if request.validate_only {
        return Ok(answer);
    }
    admitted.store(&mut change).await?;
    repeatable.remember(&change, call, &answer).await?;
    let committed = change.commit().await?;
    // The very next call uses it: routers that chose another key before choose again.
    vault.leasing.propagate(committed).await;
    Ok(answer)
}
