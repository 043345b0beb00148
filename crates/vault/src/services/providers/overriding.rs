//! The steps that setting and deleting an override share.

use latchkey_contract::ProviderId;
use latchkey_contract::names::ProviderOverrideName;

use super::availability::Changed;
use super::{messages, switched};
use crate::availability::AvailabilityRows;
use crate::change::Change;
use crate::domain::availability::{Availability, ProviderAccess};
use crate::error::VaultError;
use crate::leasing::Committed;
use crate::services::call::Call;
use crate::vault::Vault;

/// A change of one override that is not committed yet.
pub(super) struct Overriding {
    /// The change of the workspace. The platform is locked too: both decide whether own keys are
    /// switched for the workspace.
    pub(super) change: Change,
    /// The stored terms. Callers update them with every row that they store.
    pub(super) rows: AvailabilityRows,
    resource: String,
    provider: ProviderId,
    before: Availability,
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
        let rows = AvailabilityRows::read(&change.unit, &platform, open, Some(provider)).await?;
        Ok(Self {
            resource: messages::override_name(workspace, provider),
            before: rows.effective(provider),
            change,
            rows,
            provider,
        })
    }

    /// The current override, if there is one.
    pub(super) fn row(&self) -> Option<&ProviderAccess> {
        self.rows.overrides.get(&self.provider)
    }

    /// Records the change, with the switch of the workspace's own keys where there is one, and commits
    /// it.
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
