//! `ListKeys`.

use latchkey_contract::names::{KeyName, KeyParent};
use latchkey_contract::vault::v1::{ListKeysRequest, ListKeysResponse};

use crate::audit;
use crate::error::VaultError;
use crate::rows::ListedKey;
use crate::services::call::Call;
use crate::services::encode;
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: ListKeysRequest,
) -> Result<ListKeysResponse, VaultError> {
    let parent: KeyParent = request.parent.parse().map_err(VaultError::name("parent"))?;
    call.authorize_parent(&parent).await?;
    let page = call.page(request.page_size, &request.page_token, &[&request.parent])?;
    let open = vault.parent(&parent).await?;
    let rows = open.open.rows(&vault.store);
    let after = page.after.as_deref();
    let keys = rows.list_keys(open.ids(), after, page.limit()).await?;

    let now = vault.now();
    let mut listed = Vec::with_capacity(keys.len());
    for ListedKey { slug, outcome } in keys {
        // A damaged row is shown as such, so that it does not hide the others.
        let message = match outcome {
            Ok((name, key, version)) => {
                let name = KeyName {
                    parent: parent.clone(),
                    key: name,
                };
                encode::key(&name, &key, &version, now)
            }
            Err(error) => {
                let name = format!("{parent}/keys/{slug}");
                audit::record_damage(vault, &call.act(), &name, &error).await;
                encode::damaged_key(name)
            }
        };
        listed.push((slug, message));
    }
    let next_page_token = page.finish(&mut listed, |(slug, _)| slug.clone());
    let keys = listed.into_iter().map(|(_, message)| message).collect();
    Ok(ListKeysResponse {
        keys,
        next_page_token,
    })
}
