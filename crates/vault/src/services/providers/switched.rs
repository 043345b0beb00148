//! The switch of own keys, off or on, as an event in the log of each affected workspace.

use latchkey_contract::ProviderId;

use super::{availability, messages};
use crate::change::Change;
use crate::custody::CustodyError;
use crate::domain::audit::AuditEvent;
use crate::domain::availability::switched_off_fallback;
use crate::domain::workspace::Workspace;
use crate::error::VaultError;
use crate::store::{provider_access, workspaces};
use crate::vault::Vault;

/// Adds to an event the switch of a workspace's own keys and its fallback.
pub(super) fn describe(event: AuditEvent, workspace: &Workspace, on: bool) -> AuditEvent {
    let event = event.with("own_keys", availability::word(on));
    if on {
        return event;
    }
    event.with("fallback", switched_off_fallback(workspace).as_str())
}

/// Records a switch for all workspaces in the log of each affected workspace, and returns their number.
/// The change is the platform's.
pub(super) async fn record(
    vault: &Vault,
    change: &mut Change,
    provider: ProviderId,
    on: bool,
) -> Result<u64, VaultError> {
    // Overrides can't change meanwhile: they are changed under the platform's lock too.
    let affected = provider_access::affected(&change.unit, change.head.uid, provider).await?;
    let mut count = 0;
    for uid in affected {
        let open = match change.lock_other(vault, uid).await {
            Ok(open) => open,
            // A damaged workspace must not keep the operator from switching for the others. No key is
            // leased to it anyway.
            Err(VaultError::Custody(CustodyError::Integrity(failure))) => {
                let stamped = workspaces::find_by_uid(&change.unit, uid)
                    .await
                    .ok()
                    .flatten();
                // Unchecked: it names the damaged row.
                let name = stamped.and_then(|stamped| stamped.peek().name());
                let resource = name.map_or_else(|| uid.to_string(), |name| name.to_string());
                tracing::error!(error = %failure, resource, "a damaged workspace was skipped");
                let event = AuditEvent::damaged(&change.act, resource, failure, change.now);
                change.record(event).await?;
                continue;
            }
            Err(error) => return Err(error),
        };
        let Some(name) = open.workspace.name() else {
            // Deleted before it was locked.
            continue;
        };
        // Its last own key may have been deleted before the lock too.
        if provider_access::has_own_key(&change.unit, uid, provider).await? {
            let event = change.event(messages::override_name(&name, provider));
            let event = describe(event, &open.workspace, on);
            change.record_in(open, event).await?;
            count += 1;
        }
    }
    Ok(count)
}
