//! `ListKeys`.

use std::collections::HashMap;

use latchkey_contract::Reason;
use latchkey_contract::names::{KeyName, KeyParent};
use latchkey_contract::vault::v1::{ListKeysRequest, ListKeysResponse};

use crate::domain::audit::{AuditEvent, Decision};
use crate::domain::key::Key;
use crate::domain::stamped::Stamped;
use crate::domain::version::KeyVersion;
use crate::error::VaultError;
use crate::services::call::Call;
use crate::services::encode;
use crate::store::keys::Listed;
use crate::store::{self, StoreError};
use crate::vault::{OpenParent, Vault};

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: ListKeysRequest,
) -> Result<ListKeysResponse, VaultError> {
    let parent: KeyParent = request.parent.parse().map_err(VaultError::name("parent"))?;
    call.authorize_parent(&parent).await?;
    let page = call.page(request.page_size, &request.page_token, &[&request.parent])?;
    let open = vault.parent(&parent).await?;
    let after = page.after.as_deref();
    let found = store::keys::list(&vault.store, open.ids(), after, page.limit()).await?;
    let unchecked: Vec<_> = found
        .iter()
        .filter_map(|row| row.key.as_ref().ok())
        .map(Stamped::peek)
        .collect();
    let versions = store::versions::current_of(&vault.store, &unchecked).await?;
    let mut versions: HashMap<_, _> = versions
        .into_iter()
        .map(|stamped| (stamped.peek().key, stamped))
        .collect();

    let now = vault.now();
    let mut listed = Vec::with_capacity(found.len());
    for Listed { slug, key, .. } in found {
        let version = key
            .as_ref()
            .ok()
            .and_then(|key| versions.remove(&key.peek().uid));
        // One damaged row must not hide the others.
        let message = if let Some((name, key, version)) = check(&open, &parent, key, version) {
            encode::key(&name, &key, &version, now)
        } else {
            let name = format!("{parent}/keys/{slug}");
            let decision = Decision::IntegrityFailure;
            let event = AuditEvent::refused(&call.act(), &name, decision, Reason::Integrity, now);
            crate::audit::record_refusal(vault, event).await;
            encode::damaged_key(name)
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

/// A key with its name and version, if both rows are as they were stored.
fn check(
    open: &OpenParent,
    parent: &KeyParent,
    key: Result<Stamped<Key>, StoreError>,
    version: Option<Stamped<KeyVersion>>,
) -> Option<(KeyName, Key, KeyVersion)> {
    let key = open.open.keys.check(key.ok()?).ok()?;
    let version = open.open.keys.check(version?).ok()?;
    let name = KeyName {
        parent: parent.clone(),
        key: key.slug.clone()?,
    };
    Some((name, key, version))
}
