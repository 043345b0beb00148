//! What workspaces may use of providers: the operator's terms for all workspaces, and over them those
//! for one workspace. All rows are read in one query, and each must pass its integrity check.

use std::collections::BTreeMap;

use latchkey_contract::ProviderId;

use crate::custody::CustodyError;
use crate::domain::availability::{Availability, ProviderAccess};
use crate::error::VaultError;
use crate::store::{Rows, provider_access};
use crate::vault::{OpenWorkspace, Vault};

/// The stored terms of some providers.
pub(crate) struct AvailabilityRows {
    /// The terms for all workspaces.
    pub everybody: BTreeMap<ProviderId, ProviderAccess>,
    /// The terms for one workspace.
    pub overrides: BTreeMap<ProviderId, ProviderAccess>,
}

impl AvailabilityRows {
    /// Reads the terms for all workspaces, and those for `workspace` where it is given: of one provider,
    /// or of all. Fails if any row fails its integrity check.
    pub(crate) async fn read(
        rows: &impl Rows,
        platform: &OpenWorkspace,
        workspace: Option<&OpenWorkspace>,
        provider: Option<ProviderId>,
    ) -> Result<Self, CustodyError> {
        let mut uids = vec![platform.workspace.uid];
        uids.extend(workspace.map(|open| open.workspace.uid));
        let mut read = Self {
            everybody: BTreeMap::new(),
            overrides: BTreeMap::new(),
        };
        for stamped in provider_access::list(rows, &uids, provider).await? {
            let owner = stamped.peek().workspace;
            let (open, of_owner) = match workspace {
                Some(open) if open.workspace.uid == owner => (open, &mut read.overrides),
                Some(_) | None => (platform, &mut read.everybody),
            };
            let access = open.keys.check(stamped)?;
            of_owner.insert(access.provider, access);
        }
        Ok(read)
    }

    /// What a workspace without an override may use of a provider.
    pub(crate) fn of_everybody(&self, provider: ProviderId) -> Availability {
        let terms = self.everybody.get(&provider);
        terms.map_or_else(Availability::default, |access| {
            access.terms.over(&Availability::default())
        })
    }

    /// What the workspace may use of a provider, with its override.
    pub(crate) fn effective(&self, provider: ProviderId) -> Availability {
        let everybody = self.of_everybody(provider);
        match self.overrides.get(&provider) {
            Some(access) => access.terms.over(&everybody),
            None => everybody,
        }
    }
}

impl Vault {
    /// What a workspace may use of a provider, or of each.
    pub async fn availability(
        &self,
        open: &OpenWorkspace,
        platform: &OpenWorkspace,
        provider: Option<ProviderId>,
    ) -> Result<BTreeMap<ProviderId, Availability>, VaultError> {
        let rows = AvailabilityRows::read(&self.store, platform, Some(open), provider).await?;
        let all = ProviderId::ALL.into_iter();
        let providers = all.filter(|each| provider.is_none_or(|provider| provider == *each));
        Ok(providers
            .map(|provider| (provider, rows.effective(provider)))
            .collect())
    }
}
