//! `DeleteProject`.

use latchkey_contract::names::{KeyParent, ProjectName, Scope};
use latchkey_contract::vault::v1::{DeleteProjectRequest, DeleteProjectResponse};

use crate::change::{Change, check_etag};
use crate::error::{Conflict, Container, VaultError};
use crate::services::call::Call;
use crate::services::{encode, keys};
use crate::store;
use crate::vault::Vault;

pub(in crate::services) async fn handle(
    vault: &Vault,
    call: &Call,
    request: DeleteProjectRequest,
) -> Result<DeleteProjectResponse, VaultError> {
    let name: ProjectName = request.name.parse().map_err(VaultError::name("name"))?;
    call.authorize(&name.workspace).await?;
    let parent = KeyParent::Scope(Scope::Workspace(name.workspace.clone()));
    let mut change = Change::begin(vault, &parent, call.act()).await?;
    let project = change.rows().project(&name.project).await?;
    check_etag(&request.etag, project.row_revision)?;

    let within = store::keys::Parent {
        workspace: change.head.uid,
        project: Some(project.uid),
    };
    let keys_within = store::keys::all_within(&change.unit, within).await?;
    if !request.force && !keys_within.is_empty() {
        return Err(Conflict::NotEmpty(Container::Project).into());
    }
    keys::delete::shred_all(&mut change, within).await?;
    change.put_project(project.delete(change.now)).await?;
    change.record(change.event(&name)).await?;
    let committed = change.commit().await?;
    let propagation = vault.leasing.propagate(committed).await;
    Ok(DeleteProjectResponse {
        propagation: Some(encode::propagation(propagation)),
    })
}
