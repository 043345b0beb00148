//! `CreateProject`.

use latchkey_contract::names::{KeyParent, ProjectName, ResourceId, Scope, WorkspaceName};
use latchkey_contract::vault::v1::{CreateProjectRequest, InitialKey, Project as Message};

use super::settings::{self, ProjectSettings};
use crate::change::Change;
use crate::domain::uid::{ProjectUid, WorkspaceUid, random_uuid};
use crate::domain::workspace::Project;
use crate::error::{Conflict, Nameable, VaultError};
use crate::intake::Drafts;
use crate::services::call::Call;
use crate::services::encode;
use crate::services::keys::decode::initial_key;
use crate::services::repeatable::Repeatable;
use crate::store::{self, Rows, projects};
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
    let name = ProjectName {
        workspace: parent,
        project: slug,
    };
    let initial_keys = request.initial_keys;
    let work = create(vault, call, &repeatable, name, settings, initial_keys);
    repeatable.once(vault, call, Box::pin(work)).await
}

async fn create(
    vault: &Vault,
    call: &Call,
    repeatable: &Repeatable,
    name: ProjectName,
    settings: ProjectSettings,
    mut initial_keys: Vec<InitialKey>,
) -> Result<Message, VaultError> {
    let drafts = Drafts::read(vault, initial_keys.iter_mut().map(initial_key))?;
    // Checked before any material leaves the vault: it need not, for a name that is taken.
    let open = vault.workspace(Some(&name.workspace)).await?;
    refuse_taken(&vault.store, open.workspace.uid, &name).await?;
    let verified_keys = drafts.verify(vault).await?;

    let workspace = KeyParent::Scope(Scope::Workspace(name.workspace.clone()));
    let mut change = Change::begin(vault, &workspace, call.act()).await?;
    refuse_taken(&change.unit, change.head.uid, &name).await?;
    let uid = ProjectUid(random_uuid(vault.custody.rng())?);
    let event = settings::describe(change.event(&name).with("uid", uid), &settings);
    let (workspace, slug) = (change.head.uid, name.project.clone());
    let project = Project {
        funding: settings.funding,
        rules: settings.rules,
        ..Project::new(uid, workspace, slug, settings.display_name, change.now)
    };
    let answer = encode::project(&name, &project);
    change.add_project(project).await?;
    change.record(event).await?;
    let ids = store::keys::Parent {
        workspace,
        project: Some(uid),
    };
    let parent = KeyParent::Scope(Scope::Project(name));
    verified_keys
        .store(vault, &mut change, &parent, ids)
        .await?;
    repeatable.remember(&change, call, &answer).await?;
    let committed = change.commit().await?;
    vault.leasing.propagate(committed).await;
    Ok(answer)
}

async fn refuse_taken(
    rows: &impl Rows,
    workspace: WorkspaceUid,
    name: &ProjectName,
) -> Result<(), VaultError> {
    match projects::find(rows, workspace, &name.project).await? {
        Some(_) => Err(Conflict::Exists(Nameable::Project).into()),
        None => Ok(()),
    }
}
