//! The record of refusals and of damaged rows. A change records itself, in its own transaction; the
//! log's hash chain will be extended at the same place.

use latchkey_contract::names::{KeyParent, Scope, WorkspaceName};

use crate::change::Change;
use crate::custody::CustodyError;
use crate::domain::audit::{Act, AuditEvent};
use crate::error::VaultError;
use crate::vault::Vault;

/// Records a refusal in the log of the resource's workspace. It goes to the platform's log where the
/// resource is in no workspace, or where the workspace's own row is damaged.
pub(crate) async fn record_refusal(vault: &Vault, event: AuditEvent) {
    let scope = workspace_of(&event.resource).map(|name| KeyParent::Scope(Scope::Workspace(name)));
    if let Some(scope) = scope
        && record(vault, &scope, event.clone()).await.is_ok()
    {
        return;
    }
    if let Err(error) = record(vault, &KeyParent::Platform, event).await {
        let error = &error as &dyn std::error::Error;
        tracing::error!(error, "recording a refusal in the audit log failed");
    }
}

/// Logs and records a row that is skipped because it failed its integrity check.
pub(crate) async fn record_damage(vault: &Vault, act: &Act, resource: &str, error: &CustodyError) {
    tracing::error!(%error, resource, "a damaged row was skipped");
    let event = AuditEvent::damaged(act, resource, error, vault.now());
    record_refusal(vault, event).await;
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
