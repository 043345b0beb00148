//! `ListMembers`.

use latchkey_contract::names::WorkspaceName;
use latchkey_contract::vault::v1::{ListMembersRequest, ListMembersResponse};

use crate::error::VaultError;
use crate::services::call::Call;
use crate::services::encode;
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
    let mut listed: Vec<_> = open
        .rows(&vault.store)
        .list_members(after, page.limit())
        .await?
        .into_iter()
        .map(|member| {
            let message = encode::member(&member.name(&parent), &member);
            (member.slug.to_string(), message)
        })
        .collect();
    let next_page_token = page.finish(&mut listed, |(slug, _)| slug.clone());
    let members = listed.into_iter().map(|(_, message)| message).collect();
    Ok(ListMembersResponse {
        members,
        next_page_token,
    })
}
