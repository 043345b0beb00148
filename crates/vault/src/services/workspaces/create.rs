//! `CreateWorkspace`.

use latchkey_contract::names::{KeyParent, ResourceId, Scope, WorkspaceName};
use latchkey_contract::vault::v1::{CreateWorkspaceRequest, InitialKey, Workspace as Message};

use super::settings::{self, WorkspaceSettings};
use crate::change::{Change, lock_platform};
use crate::domain::audit::AuditEvent;
use crate::domain::settings::check_display_name;
use crate::domain::uid::{WorkspaceUid, random_uuid};
use crate::domain::workspace::{Workspace, WorkspaceSlug};
use crate::error::{Conflict, Nameable, VaultError};
use crate::intake::Drafts;
use crate::services::call::Call;
use crate::services::encode;
use crate::services::keys::decode::initial_key;
use crate::services::repeatable::Repeatable;
use crate::store::{self, Rows, workspaces};
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: CreateWorkspaceRequest,
) -> Result<Message, VaultError> {
    call.authorize_deployment()?;
    let slug: ResourceId = request
        .workspace_id
        .parse()
        .map_err(VaultError::name("workspace_id"))?;
    let wanted = request.workspace.clone().unwrap_or_default();
    check_display_name("workspace.display_name", &wanted.display_name)?;
    let settings = settings::decode(&wanted)?;
    let repeatable = Repeatable::read(vault, call, &request.request_id, &request).await?;
    let wanted = Wanted {
        slug,
        display_name: wanted.display_name,
        settings,
        initial_keys: request.initial_keys,
    };
    let work = Box::pin(create(vault, call, &repeatable, wanted));
    repeatable.once(vault, call, work).await
}

struct Wanted {
    slug: ResourceId,
    display_name: String,
    settings: WorkspaceSettings,
    initial_keys: Vec<InitialKey>,
}

async fn create(
    vault: &Vault,
    call: &Call,
    repeatable: &Repeatable,
    wanted: Wanted,
) -> Result<Message, VaultError> {
    let Wanted {
        slug,
        display_name,
        settings,
        mut initial_keys,
    } = wanted;
    let name = WorkspaceName {
        workspace: slug.clone(),
    };
    let drafts = Drafts::read(vault, initial_keys.iter_mut().map(initial_key))?;
    // Checked before any material leaves the vault: it need not, for a name that is taken.
    refuse_taken(&vault.store, &slug).await?;
    let verified_keys = drafts.verify(vault).await?;

    let now = vault.now();
    let unit = vault.store.begin().await?;
    let platform = lock_platform(vault, &unit).await?;
    refuse_taken(&unit, &slug).await?;
    let uid = WorkspaceUid(random_uuid(vault.custody.rng())?);
    let act = call.act();
    let event = AuditEvent::done(&act, &name, now).with("uid", uid);
    let event = settings::describe(event, &settings);
    let slug = WorkspaceSlug::Customer(slug);
    let head = Workspace {
        fallbacks: settings.fallbacks,
        funding: settings.funding,
        rules: settings.rules,
        ..Workspace::new(uid, slug, display_name, now)
    };
    let in_platform = AuditEvent::done(&act, &name, now).with("uid", uid);
    let mut change = Change::create_workspace(unit, &vault.custody, head, act, now, event).await?;
    // The workspace's own log can't be found by its name once it is deleted.
    change.record_in(platform, in_platform).await?;
    let parent = KeyParent::Scope(Scope::Workspace(name.clone()));
    let ids = store::keys::Parent {
        workspace: uid,
        project: None,
    };
    verified_keys
        .store(vault, &mut change, &parent, ids)
        .await?;
    let answer = encode::workspace(&name, &change.head);
    repeatable.remember(&change, call, &answer).await?;
    let committed = change.commit().await?;
    vault.leasing.propagate(committed).await;
    Ok(answer)
}

async fn refuse_taken(rows: &impl Rows, slug: &ResourceId) -> Result<(), VaultError> {
    match workspaces::find(rows, Some(slug)).await? {
        Some(_) => Err(Conflict::Exists(Nameable::Workspace).into()),
        None => Ok(()),
    }
}
