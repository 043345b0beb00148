//! `CreateProject`.

use latchkey_contract::names::{KeyParent, ProjectName, ResourceId, Scope, WorkspaceName};
use latchkey_contract::vault::v1::{CreateProjectRequest, Project as Message};

use super::settings::{self, Settings};
use crate::change::Change;
use crate::domain::uid::ProjectUid;
use crate::domain::workspace::Project;
use crate::error::{Conflict, Noun, VaultError};
use crate::services::call::Call;
use crate::services::encode;
use crate::services::repeatable::Repeatable;
use crate::store::projects;
use crate::vault::Vault;

pub(in crate::services) async fn handle(
    vault: &Vault,
    call: &Call,
    request: CreateProjectRequest,
) -> Result<Message, VaultError> {
    let parent: WorkspaceName = request.parent.parse().map_err(VaultError::name("parent"))?;
    call.authorize(&parent).await?;
    let slug: ResourceId = request
        .project_id
        .parse()
        .map_err(VaultError::name("project_id"))?;
    let settings = settings::decode(&request.project.clone().unwrap_or_default())?;
    let repeatable = Repeatable::read(vault, call, &request.request_id, &request).await?;
    let work = create(vault, call, &repeatable, parent, slug, settings);
    repeatable.once(vault, call, work).await
}

async fn create(
    vault: &Vault,
    call: &Call,
    repeatable: &Repeatable,
    parent: WorkspaceName,
    slug: ResourceId,
    settings: Settings,
) -> Result<Message, VaultError> {
    let name = ProjectName {
        workspace: parent.clone(),
        project: slug.clone(),
    };
    let scope = KeyParent::Scope(Scope::Workspace(parent));
    let mut change = Change::begin(vault, &scope, call.act()).await?;
    if projects::find(&change.unit, change.head.uid, &slug)
        .await?
        .is_some()
    {
        return Err(Conflict::Exists(Noun::Project).into());
    }
    let uid = ProjectUid::random(vault.custody.rng())?;
    let event = settings::describe(change.event(&name).with("uid", uid), &settings);
    let (workspace, now) = (change.head.uid, change.now);
    let project = Project {
        funding: settings.funding,
        rules: settings.rules,
        ..Project::new(uid, workspace, slug, settings.display_name, now)
    };
    let answer = encode::project(&name, &project);
    projects::insert(&change.unit, change.keys.stamp(project)).await?;
    change.record(event).await?;
    repeatable.remember(&change, call, &answer).await?;
    let committed = change.commit().await?;
    vault.leasing.propagate(committed).await;
    Ok(answer)
}
