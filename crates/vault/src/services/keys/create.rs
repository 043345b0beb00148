//! `CreateKey`.

use latchkey_contract::names::{KeyName, KeyParent, ResourceId};
use latchkey_contract::vault::v1::{CreateKeyRequest, Key as Message};

use super::{intake, settings};
use crate::change::Change;
use crate::domain::destination::{Destination, Directions};
use crate::domain::key::{Key, KeyState};
use crate::domain::provider::Provider;
use crate::domain::uid::KeyUid;
use crate::error::{Conflict, Noun, VaultError};
use crate::services::call::Call;
use crate::services::encode;
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
    let wanted = request.key.unwrap_or_default();
    let provider: Provider = wanted
        .provider
        .parse()
        .map_err(|error| VaultError::field("key.provider", error))?;
    let mut settings = settings::decode(&wanted)?;
    settings.check_use(provider)?;
    settings::check_parent(&settings, &parent)?;
    let material = intake::material(request.material, provider)?;
    let directions = Directions {
        base_url: &wanted.base_url,
        location: &wanted.location,
        cloud_project: &wanted.cloud_project,
        api_version: &wanted.api_version,
    };
    let located = Destination::parse(&directions, provider, &vault.egress);
    let located = located.map_err(intake::misdirected("key."))?;
    let deployment = located.deployment.as_deref();
    if let Some(deployment) = deployment
        && settings.default_model.is_empty()
        && !settings.lead_to(deployment)
    {
        // Who gives the address of a deployment, and no model, means that one.
        settings.default_model = deployment.to_owned();
    }
    intake::check_deployment("key.base_url", deployment, &settings)?;
    // Before the provider is asked: nobody learns of a key by a name that is taken anyway.
    let found = vault.parent(&parent).await?;
    if store::keys::find(&vault.store, found.ids(), &slug)
        .await?
        .is_some()
    {
        return Err(Conflict::Exists(Noun::Key).into());
    }
    let skip = request.skip_verification;
    let destination = located.destination;
    let intake = intake::verify(vault, provider, material, destination, skip).await?;

    let mut change = Change::begin(vault, &parent, call.act()).await?;
    let project = change.project(&parent).await?.map(|project| project.uid);
    let ids = store::keys::Parent {
        workspace: change.head.uid,
        project,
    };
    if store::keys::find(&change.unit, ids, &slug).await?.is_some() {
        return Err(Conflict::Exists(Noun::Key).into());
    }
    intake.refuse_duplicate(&change, None).await?;
    let name = KeyName {
        parent,
        key: slug.clone(),
    };
    let key = Key {
        uid: KeyUid::random(vault.custody.rng())?,
        workspace: change.head.uid,
        project,
        slug: Some(slug),
        provider,
        settings,
        state: KeyState::Active,
        state_detail: String::new(),
        current_version: 1,
        row_revision: 1,
        create_time: change.now,
        update_time: change.now,
        delete_time: None,
        last_used_time: None,
    };
    let version = intake.seal(vault, &change, key.uid, 1)?;
    let answer = encode::key(&name, &key, &version, change.now);
    if request.validate_only {
        return Ok(answer);
    }
    let event = change
        .event(&name)
        .with("uid", key.uid)
        .with("provider", provider);
    let event = intake::describe(event, &version);
    store::keys::insert(&change.unit, change.keys.stamp(key)).await?;
    store::versions::insert(&change.unit, change.keys.stamp(version)).await?;
    change.record(event).await?;
    repeatable.remember(&change, call, &answer).await?;
    let committed = change.commit().await?;
    // The very next call uses it: routers that chose another key before choose again.
    vault.leasing.propagate(committed).await;
    Ok(answer)
}
