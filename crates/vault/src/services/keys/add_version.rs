//! `AddKeyVersion`.

use latchkey_contract::names::KeyName;
use latchkey_contract::vault::v1::{AddKeyVersionRequest, AddKeyVersionResponse};

use super::decode;
use crate::change::Change;
use crate::domain::destination::Directions;
use crate::error::VaultError;
use crate::intake::VersionDraft;
use crate::leasing::Committed;
use crate::services::call::Call;
use crate::services::encode;
use crate::services::repeatable::Repeatable;
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: AddKeyVersionRequest,
) -> Result<AddKeyVersionResponse, VaultError> {
    let name: KeyName = request.name.parse().map_err(VaultError::name("name"))?;
    call.authorize_parent(&name.parent).await?;
    let repeatable = Repeatable::read(vault, call, &request.request_id, &request).await?;
    let work = Box::pin(add(vault, call, &repeatable, &name, request));
    let answer = repeatable.once(vault, call, work).await?;
    if answer.propagation.is_some() {
        return Ok(answer);
    }
    // A repeated request gets the stored answer, but not before the change holds everywhere: the
    // first call may have ended before it did.
    match vault.workspace(name.parent.workspace()).await {
        Ok(open) => Ok(propagate(answer, vault, Committed::again(&open.workspace)).await),
        Err(VaultError::NotFound(_)) => Ok(answer),
        Err(error) => Err(error),
    }
}

async fn add(
    vault: &Vault,
    call: &Call,
    repeatable: &Repeatable,
    name: &KeyName,
    request: AddKeyVersionRequest,
) -> Result<AddKeyVersionResponse, VaultError> {
    let material = decode::material(request.material);
    let directions = Directions {
        base_url: &request.base_url,
        location: &request.location,
        cloud_project: &request.cloud_project,
        api_version: &request.api_version,
    };
    let draft = VersionDraft::read(vault, name, &request.etag, material, &directions).await?;
    let verified = draft.verify(vault, request.skip_verification).await?;

    let mut change = Change::begin(vault, &name.parent, call.act()).await?;
    let (key, version) = verified
        .store(vault, &mut change, name, &request.etag)
        .await?;
    let answer = AddKeyVersionResponse {
        key: Some(encode::key(name, &key, &version, change.now)),
        propagation: None,
    };
    repeatable.remember(&change, call, &answer).await?;
    let committed = change.commit().await?;
    Ok(propagate(answer, vault, committed).await)
}

/// Propagates the change, and adds how far it got to the answer.
async fn propagate(
    answer: AddKeyVersionResponse,
    vault: &Vault,
    committed: Committed,
) -> AddKeyVersionResponse {
    let propagation = vault.leasing.propagate(committed).await;
    AddKeyVersionResponse {
        propagation: Some(encode::propagation(propagation)),
        ..answer
    }
}
