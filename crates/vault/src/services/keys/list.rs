//! `ListKeys`.

use std::collections::HashMap;

use latchkey_contract::names::{KeyName, KeyParent};
use latchkey_contract::vault::v1::{ListKeysRequest, ListKeysResponse};

use crate::domain::audit::{AuditEvent, Decision};
use crate::error::VaultError;
use crate::services::call::Call;
use crate::services::encode;
use crate::store;
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: ListKeysRequest,
) -> Result<ListKeysResponse, VaultError> {
    let parent: KeyParent = request.parent.parse().map_err(VaultError::name("parent"))?;
    call.authorize_parent(&parent)?;
    let page = call.page(request.page_size, &request.page_token, &[&request.parent])?;
    let open = vault.parent(&parent).await?;
    let after = page.after.as_deref();
    let found = store::keys::list(&vault.store, open.ids(), after, page.limit()).await?;
    let unchecked: Vec<_> = found
        .iter()
        .map(crate::domain::stamped::Stamped::peek)
        .collect();
    let versions = store::versions::current_of(&vault.store, &unchecked).await?;
    let mut versions: HashMap<_, _> = versions
        .into_iter()
        .map(|stamped| (stamped.peek().key, stamped))
        .collect();

    let now = vault.now();
    let mut listed = Vec::with_capacity(found.len());
    for stamped in found {
        let Some(slug) = stamped.peek().slug.clone() else {
            continue;
        };
        let name = KeyName {
            parent: parent.clone(),
            key: slug,
        };
        let version = versions.remove(&stamped.peek().uid);
        let keys = &open.open.keys;
        let checked = version.map(|version| (keys.check(stamped), keys.check(version)));
        // One damaged row must not hide the others.
        let message = if let Some((Ok(key), Ok(version))) = checked {
            encode::key(&name, &key, &version, now)
        } else {
            let decision = Decision::IntegrityFailure;
            let event = AuditEvent::refused(&call.act(), &name, decision, "INTEGRITY", now);
            crate::audit::record_refusal(vault, event).await;
            encode::damaged_key(&name)
        };
        listed.push((name.key.to_string(), message));
    }
    let next_page_token = page.finish(&mut listed, |(slug, _)| slug.clone());
    let keys = listed.into_iter().map(|(_, message)| message).collect();
    Ok(ListKeysResponse {
        keys,
        next_page_token,
    })
}
