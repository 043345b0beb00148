//! `UpdateProject`.

use latchkey_contract::names::{KeyParent, ProjectName, Scope};
use latchkey_contract::vault::v1::{Project as Message, UpdateProjectRequest};
use latchkey_rpc::mask::Mask;

use super::settings;
use crate::change::{Change, check_etag};
use crate::error::VaultError;
use crate::services::call::Call;
use crate::services::{encode, funding, usage_rules};
use crate::vault::Vault;

pub(in crate::services) async fn handle(
    vault: &Vault,
    call: &Call,
    request: UpdateProjectRequest,
) -> Result<Message, VaultError> {
    let wanted = request.project.unwrap_or_default();
    let name: ProjectName = wanted
        .name
        .parse()
        .map_err(VaultError::name("project.name"))?;
    call.authorize(&name.workspace).await?;
    let fields = [&["display_name", "funding"][..], &usage_rules::FIELDS].concat();
    let mask = Mask::parse(request.update_mask, &fields, &[])?;
    let settings = settings::decode(&wanted)?;

    let parent = KeyParent::Scope(Scope::Workspace(name.workspace.clone()));
    let mut change = Change::begin(vault, &parent, call.act()).await?;
    let mut project = change.rows().project(&name.project).await?;
    check_etag(&wanted.etag, project.row_revision)?;
    let mut event = change.event(&name);
    if mask.changes("display_name", !wanted.display_name.is_empty()) {
        event = event.with("display_name", &wanted.display_name);
        project = project.rename(settings.display_name, change.now);
    }
    if mask.changes("funding", wanted.funding.is_some()) {
        let policy = funding::encode_narrowing(settings.funding).unwrap_or_default();
        event = event.with("funding", funding::describe(&policy));
        project = project.with_funding(settings.funding, change.now);
    }
    let (merged, changed) = usage_rules::merge(project.rules.clone(), settings.rules, &mask);
    if !changed.is_empty() {
        event = usage_rules::describe(event, &merged);
        project = project.with_rules(merged, change.now);
    }
    let answer = encode::project(&name, &project);
    change.put_project(project).await?;
    change.record(event).await?;
    let committed = change.commit().await?;
    vault.leasing.propagate(committed).await;
    Ok(answer)
}
