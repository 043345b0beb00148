//! The workspace or project whose attempts are read.

use latchkey_contract::names::Scope;
use latchkey_contract::uid::{ProjectUid, WorkspaceUid};

use crate::error::RouterError;
use crate::services::UsageReader;
use crate::services::call::Call;

/// The selected attempts, and the requester to whose own they are restricted.
pub(super) struct Selection {
    pub(super) workspace: WorkspaceUid,
    pub(super) project: Option<ProjectUid>,
    pub(super) requester: Option<String>,
}

/// Reads the fields `parent` and `workspace_uid`, of which one must be set, and checks that the caller
/// may see the attempts.
pub(super) async fn select(
    usage: &UsageReader,
    call: &Call,
    parent: &str,
    workspace_uid: &str,
) -> Result<Selection, RouterError> {
    if !workspace_uid.is_empty() {
        call.authorize_deployment()?;
        if !parent.is_empty() {
            let problem = "must be empty when `workspace_uid` is set";
            return Err(RouterError::field("parent", problem));
        }
        let workspace = workspace_uid.parse();
        return Ok(Selection {
            workspace: workspace.map_err(|error| RouterError::field("workspace_uid", error))?,
            project: None,
            requester: None,
        });
    }
    let name: Scope = parent.parse().map_err(RouterError::name("parent"))?;
    call.authorize(name.workspace()).await?;
    let requester = call.visible_requester(name.workspace()).await?;
    let scope = call.in_time(usage.vault.scope(&name)).await?;
    usage.store.adopt_attempts(&scope).await?;
    Ok(Selection {
        workspace: scope.workspace,
        project: scope.project_uid(),
        requester,
    })
}
