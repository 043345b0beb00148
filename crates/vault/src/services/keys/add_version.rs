//! `AddKeyVersion`.

use latchkey_contract::names::KeyName;
use latchkey_contract::vault::v1::{AddKeyVersionRequest, AddKeyVersionResponse};

use super::intake;
use crate::change::{Change, check_etag};
use crate::custody::CustodyError;
use crate::domain::destination::Directions;
use crate::error::{Noun, VaultError};
use crate::leasing::Committed;
use crate::services::call::Call;
use crate::services::encode;
use crate::services::repeatable::Repeatable;
use crate::store;
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
    // A repeated request is answered as before, and not before the change holds everywhere:
    // nobody may have waited for it the first time.
    match vault.workspace(name.parent.workspace()).await {
        Ok(open) => Ok(told(answer, vault, Committed::again(&open.workspace)).await),
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
    let parent = vault.parent(&name.parent).await?;
    let found = store::keys::find(&vault.store, parent.ids(), &name.key).await?;
    let before = parent
        .open
        .keys
        .check(found.ok_or(VaultError::NotFound(Noun::Key))?)?;
    check_etag(&request.etag, before.row_revision)?;
    let material = intake::material(request.material, before.provider)?;
    let found = store::versions::find(&vault.store, before.uid, before.current_version).await?;
    let current = parent
        .open
        .keys
        .check(found.ok_or(CustodyError::Integrity)?)?;
    let directions = Directions {
        base_url: &request.base_url,
        location: &request.location,
        cloud_project: &request.cloud_project,
        api_version: &request.api_version,
    };
    let located = current
        .destination
        .redirect(&directions, before.provider, &vault.egress)
        .map_err(intake::misdirected(""))?;
    intake::check_deployment("base_url", located.deployment.as_deref(), &before.settings)?;
    let (destination, skip) = (located.destination, request.skip_verification);
    let intake = intake::verify(vault, before.provider, material, destination, skip).await?;

    let mut change = Change::begin(vault, &name.parent, call.act()).await?;
    let key = change.key(name, &request.etag).await?;
    if key.uid != before.uid {
        return Err(VaultError::NotFound(Noun::Key));
    }
    intake.refuse_duplicate(&change, Some(key.uid)).await?;
    let old = change.current_version(&key).await?;
    let version = intake.seal(vault, &change, key.uid, key.current_version + 1)?;
    let key = key.renew(version.version, change.now)?;
    let message = encode::key(name, &key, &version, change.now);
    let event = change.event(name).with("retired_version", old.version);
    let event = intake::describe(event, &version);
    change.revoke(name, old.version);
    store::versions::update(&change.unit, change.keys.stamp(old.destroy(change.now))).await?;
    store::versions::insert(&change.unit, change.keys.stamp(version)).await?;
    store::keys::update(&change.unit, change.keys.stamp(key)).await?;
    change.record(event).await?;
    let answer = AddKeyVersionResponse {
        key: Some(message),
        propagation: None,
    };
    repeatable.remember(&change, call, &answer).await?;
    let committed = change.commit().await?;
    Ok(told(answer, vault, committed).await)
}

async fn told(
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
