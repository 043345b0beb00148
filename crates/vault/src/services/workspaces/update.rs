//! `UpdateWorkspace`.

use latchkey_contract::names::{KeyParent, Scope, WorkspaceName};
use latchkey_contract::vault::v1::{UpdateWorkspaceRequest, Workspace as Message};

use super::fallbacks;
use crate::change::{Change, check_etag};
use crate::domain::settings::check_display_name;
use crate::error::VaultError;
use crate::services::call::Call;
use crate::services::encode;
use crate::services::mask::Mask;
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: UpdateWorkspaceRequest,
) -> Result<Message, VaultError> {
    let wanted = request.workspace.unwrap_or_default();
    let name: WorkspaceName = wanted
        .name
        .parse()
        .map_err(VaultError::name("workspace.name"))?;
    call.authorize(&name).await?;
    let mask = Mask::parse(request.update_mask, &["display_name", "fallbacks"], &[])?;
    check_display_name("workspace.display_name", &wanted.display_name)?;
    let fallbacks = fallbacks::decode(&wanted.fallbacks)?;

    let parent = KeyParent::Scope(Scope::Workspace(name.clone()));
    let mut change = Change::begin(vault, &parent, call.act()).await?;
    check_etag(&wanted.etag, change.head.row_revision)?;
    let mut event = change.event(&name);
    if mask.changes("display_name", !wanted.display_name.is_empty()) {
        event = event.with("display_name", &wanted.display_name);
        change.head = change.head.clone().rename(wanted.display_name, change.now);
    }
    if mask.changes("fallbacks", !fallbacks.is_empty()) {
        event = event.with("fallbacks", fallbacks::describe(&fallbacks));
        change.head = change.head.clone().fall_back(fallbacks, change.now);
    }
    change.record(event).await?;
    let answer = encode::workspace(&name, &change.head);
    let committed = change.commit().await?;
    vault.leasing.propagate(committed).await;
    Ok(answer)
}
