//! Recording what was refused. What is done is recorded by the change that does it, in its own
//! transaction; the log's hash chain will be extended at the same place.

use latchkey_contract::names::{KeyParent, Scope, WorkspaceName};

use crate::change::Change;
use crate::domain::audit::AuditEvent;
use crate::error::VaultError;
use crate::vault::Vault;

/// Records a refusal in the log of the workspace concerned; in the platform's when there is none,
/// or when that workspace can't be written to, because it is its very row that is damaged.
pub(crate) async fn record_refusal(vault: &Vault, event: AuditEvent) {
    let scope = workspace_of(&event.resource).map(|name| KeyParent::Scope(Scope::Workspace(name)));
    if let Some(scope) = scope
        && record(vault, &scope, event.clone()).await.is_ok()
    {
        return;
    }
    if let Err(error) = record(vault, &KeyParent::Platform, event).await {
        let chain = &error as &dyn std::error::Error;
        tracing::error!(error = chain, "a refusal could not be recorded");
    }
}

async fn record(vault: &Vault, parent: &KeyParent, event: AuditEvent) -> Result<(), VaultError> {
    let mut change = Change::begin(vault, parent, event.act.clone()).await?;
    change.record(event).await?;
    change.commit_unnumbered().await
}

fn workspace_of(resource: &str) -> Option<WorkspaceName> {
    let mut segments = resource.splitn(3, '/');
    let name = format!("{}/{}", segments.next()?, segments.next()?);
    name.parse().ok()
}
