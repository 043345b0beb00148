//! `CreateWorkspace`.

use latchkey_contract::names::{ResourceId, WorkspaceName};
use latchkey_contract::vault::v1::{CreateWorkspaceRequest, Workspace as Message};

use super::settings::{self, Settings};
use crate::change::Change;
use crate::domain::audit::AuditEvent;
use crate::domain::settings::check_display_name;
use crate::domain::uid::WorkspaceUid;
use crate::domain::workspace::{Workspace, WorkspaceSlug};
use crate::error::{Conflict, Noun, VaultError};
use crate::services::call::Call;
use crate::services::encode;
use crate::services::repeatable::Repeatable;
use crate::store::workspaces;
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
    let work = create(
        vault,
        call,
        &repeatable,
        slug,
        wanted.display_name,
        settings,
    );
    repeatable.once(vault, call, work).await
}

async fn create(
    vault: &Vault,
    call: &Call,
    repeatable: &Repeatable,
    slug: ResourceId,
    display_name: String,
    settings: Settings,
) -> Result<Message, VaultError> {
    let name = WorkspaceName {
        workspace: slug.clone(),
    };
    let now = vault.now();
    let unit = vault.store.begin().await?;
    if workspaces::find(&unit, Some(&slug)).await?.is_some() {
        return Err(Conflict::Exists(Noun::Workspace).into());
    }
    let uid = WorkspaceUid::random(vault.custody.rng())?;
    let before = workspaces::highest_deleted_revision(&unit).await?;
    let act = call.act();
    let event = AuditEvent::done(&act, &name, now).with("uid", uid);
    let event = settings::describe(event, &settings);
    let slug = WorkspaceSlug::Customer(slug);
    let head = Workspace {
        fallbacks: settings.fallbacks,
        funding: settings.funding,
        rules: settings.rules,
        ..Workspace::new(uid, slug, display_name, before, now)
    };
    let change = Change::found(unit, &vault.custody, head, act, now, event).await?;
    let answer = encode::workspace(&name, &change.head);
    repeatable.remember(&change, call, &answer).await?;
    let committed = change.commit().await?;
    vault.leasing.propagate(committed).await;
    Ok(answer)
}
