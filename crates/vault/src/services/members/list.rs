//! `ListMembers`.

use latchkey_contract::names::WorkspaceName;
use latchkey_contract::vault::v1::{ListMembersRequest, ListMembersResponse};

use crate::error::VaultError;
use crate::services::call::Call;
use crate::services::encode;
use crate::store::members;
use crate::vault::Vault;

pub(in crate::services) async fn handle(
    vault: &Vault,
    call: &Call,
    request: ListMembersRequest,
) -> Result<ListMembersResponse, VaultError> {
    let parent: WorkspaceName = request.parent.parse().map_err(VaultError::name("parent"))?;
    call.authorize(&parent).await?;
    let page = call.page(request.page_size, &request.page_token, &[&request.parent])?;
    let open = vault.workspace(Some(&parent)).await?;
    let after = page.after.as_deref();
    let found = members::list(&vault.store, open.workspace.uid, after, page.limit()).await?;
    let mut listed = Vec::with_capacity(found.len());
    for stamped in found {
        let member = open.keys.check(stamped)?;
        let message = encode::member(&member.name(&parent), &member);
        listed.push((member.slug.to_string(), message));
    }
    let next_page_token = page.finish(&mut listed, |(slug, _)| slug.clone());
    let members = listed.into_iter().map(|(_, message)| message).collect();
    Ok(ListMembersResponse {
        members,
        next_page_token,
    })
}
