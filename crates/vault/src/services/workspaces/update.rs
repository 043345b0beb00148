//! `UpdateWorkspace`.

use latchkey_contract::names::{KeyParent, Scope, WorkspaceName};
use latchkey_contract::vault::v1::{UpdateWorkspaceRequest, Workspace as Message};
use latchkey_rpc::mask::Mask;

use super::{fallbacks, settings};
use crate::change::{Change, check_etag};
use crate::domain::funding::Funding;
use crate::domain::settings::check_display_name;
use crate::domain::workspace::Workspace;
use crate::error::VaultError;
use crate::services::call::Call;
use crate::services::{encode, funding, usage_rules};
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
    let fields = [
        &["display_name", "fallbacks", "funding"][..],
        &usage_rules::FIELDS,
    ]
    .concat();
    let mask = Mask::parse(request.update_mask, &fields, &[])?;
    check_display_name("workspace.display_name", &wanted.display_name)?;
    let settings = settings::decode(&wanted)?;

    let parent = KeyParent::Scope(Scope::Workspace(name.clone()));
    let mut change = Change::begin(vault, &parent, call.act()).await?;
    check_etag(&wanted.etag, change.head.row_revision)?;
    let mut event = change.event(&name);
    if mask.changes("display_name", !wanted.display_name.is_empty()) {
        event = event.with("display_name", &wanted.display_name);
        change.head = change.head.clone().rename(wanted.display_name, change.now);
    }
    if mask.changes("fallbacks", !settings.fallbacks.is_empty()) {
        event = event.with("fallbacks", fallbacks::describe(&settings.fallbacks));
        change.head = change
            .head
            .clone()
            .with_fallbacks(settings.fallbacks, change.now);
    }
    if mask.changes("funding", wanted.funding.is_some()) {
        check_funding(call, &change.head, settings.funding)?;
        let policy = funding::encode(settings.funding);
        event = event.with("funding", funding::describe(&policy));
        change.head = change
            .head
            .clone()
            .with_funding(settings.funding, change.now);
    }
    let (merged, changed) = usage_rules::merge(change.head.rules.clone(), settings.rules, &mask);
    if !changed.is_empty() {
        event = usage_rules::describe(event, &merged);
        change.head = change.head.clone().with_rules(merged, change.now);
    }
    change.record(event).await?;
    let answer = encode::workspace(&name, &change.head);
    let committed = change.commit().await?;
    vault.leasing.propagate(committed).await;
    Ok(answer)
}

/// Refuses a policy under which the platform pays in more cases, unless the caller is an operator.
fn check_funding(call: &Call, current: &Workspace, wanted: Funding) -> Result<(), VaultError> {
    let costs_no_more = wanted.bills_the_platform_no_more_than(&current.funding);
    if costs_no_more || call.is_operator() {
        return Ok(());
    }
    let problem = "would make the platform pay in more cases: only an operator may set it";
    Err(VaultError::field("workspace.funding", problem))
}
