//! A router's report that a provider refused a key.

use std::sync::Arc;

use crate::change::Change;
use crate::domain::audit::Act;
use crate::domain::uid::KeyVersionUid;
use crate::domain::verification::ProviderMessage;
use crate::error::VaultError;
use crate::leasing::RouterSession;
use crate::vault::Vault;

/// Quarantines a key that its provider refused, if the session holds a lease of that version and the
/// version is still current.
pub(crate) async fn quarantine_reported(
    vault: &Vault,
    session: &RouterSession,
    act: &Act,
    version: KeyVersionUid,
    provider_message: &ProviderMessage,
) -> Result<(), VaultError> {
    let Some(lease) = session.lease_of(version) else {
        return Ok(());
    };
    let name = &lease.key_version;
    let mut change = Change::begin(vault, &name.key.parent, act.clone()).await?;
    let key = change.key(&name.key, "").await?;
    // Another version is current, or another key has the name.
    if key.current_version_uid() != version {
        return Ok(());
    }
    let before = key.state;
    let key = key.quarantine(provider_message.to_string(), change.now)?;
    if key.state == before {
        return Ok(());
    }
    let event = change
        .event(&name.key)
        .with("version", name.version)
        .with("provider", provider_message);
    change.put_key(key).await?;
    change.record(event).await?;
    change.revoke(version);
    let committed = change.commit().await?;
    // Not awaited: the acknowledgement of the reporting router arrives through the calling loop.
    let leasing = Arc::clone(&vault.leasing);
    tokio::spawn(async move { leasing.propagate(committed).await });
    Ok(())
}
