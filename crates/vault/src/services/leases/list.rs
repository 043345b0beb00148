//! `ListLeases`.

use latchkey_contract::vault::v1::{LeaseRecord as Message, ListLeasesRequest, ListLeasesResponse};

use crate::error::VaultError;
use crate::services::call::Call;
use crate::services::encode;
use crate::vault::Vault;

pub(super) fn handle(
    vault: &Vault,
    call: &Call,
    request: &ListLeasesRequest,
) -> Result<ListLeasesResponse, VaultError> {
    call.authorize_deployment()?;
    let page = call.page(request.page_size, &request.page_token, &[])?;
    let mut listed: Vec<_> = vault
        .leasing
        .leases()
        .into_iter()
        .map(|(id, (session, lease))| Message {
            lease_id: id.0.to_string(),
            key_version: lease.key_version.to_string(),
            key_version_uid: lease.key_version_uid.to_string(),
            parent: lease.scope.to_string(),
            router: session.router.to_string(),
            router_session: session.id.0.to_string(),
            create_time: Some(encode::time(lease.create_time)),
        })
        .filter(|lease| {
            page.after
                .as_ref()
                .is_none_or(|after| lease.lease_id > *after)
        })
        .take(usize::try_from(page.limit()).unwrap_or(usize::MAX))
        .collect();
    let next_page_token = page.finish(&mut listed, |lease| lease.lease_id.clone());
    Ok(ListLeasesResponse {
        leases: listed,
        next_page_token,
    })
}
