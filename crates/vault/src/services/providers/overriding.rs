//! What setting an override and taking it away have in common.

use latchkey_contract::ProviderId;
use latchkey_contract::names::ProviderOverrideName;

use super::access::Changed;
use super::{messages, switched};
use crate::access::AccessRows;
use crate::change::Change;
use crate::domain::access::{Access, ProviderAccess};
use crate::error::VaultError;
use crate::leasing::Committed;
use crate::services::call::Call;
use crate::vault::Vault;

/// A change of one override that is not committed yet.
pub(super) struct Overriding {
    /// The change of the workspace. What holds for everybody is locked as well: whether a switch moves
    /// the workspace depends on both.
    pub(super) change: Change,
    /// What was decided so far; to be kept in step with what is written.
    pub(super) rows: AccessRows,
    resource: String,
    provider: ProviderId,
    before: Access,
}

impl Overriding {
    pub(super) async fn begin(
        vault: &Vault,
        call: &Call,
        name: &ProviderOverrideName,
        provider: ProviderId,
    ) -> Result<Self, VaultError> {
        let workspace = &name.workspace;
        let (change, platform) = Change::begin_under_platform(vault, workspace, call.act()).await?;
        let open = Some(&change.open());
        let rows = AccessRows::read(&change.unit, &platform, open, Some(provider)).await?;
        Ok(Self {
            resource: messages::override_name(workspace, provider),
            before: rows.effective(provider),
            change,
            rows,
            provider,
        })
    }

    /// The override that there is.
    pub(super) fn row(&self) -> Option<&ProviderAccess> {
        self.rows.overrides.get(&self.provider)
    }

    /// Records the change, and whether it switches the workspace's own keys, and makes it durable.
    pub(super) async fn finish(mut self, changed: Vec<Changed>) -> Result<Committed, VaultError> {
        let mut event = self.change.event(&self.resource);
        for (path, value) in changed {
            event = event.with(path, value);
        }
        let after = self.rows.effective(self.provider);
        if self.before.own_keys != after.own_keys {
            event = switched::describe(event, &self.change.head, after.own_keys);
        }
        self.change.record(event).await?;
        self.change.commit().await
    }
}
