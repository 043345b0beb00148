//! What workspaces may use of providers: the operator's terms for everybody, and over them the
//! workspace's own. Read in one query, and taken from rows that passed their checks alone.

use std::collections::BTreeMap;

use latchkey_contract::ProviderId;

use crate::custody::CustodyError;
use crate::domain::access::{Access, ProviderAccess};
use crate::error::VaultError;
use crate::store::{Rows, provider_access};
use crate::vault::{OpenWorkspace, Vault};

/// The terms of some providers, as they are kept.
pub(crate) struct AccessRows {
    /// Those for everybody.
    pub everybody: BTreeMap<ProviderId, ProviderAccess>,
    /// Those of one workspace.
    pub overrides: BTreeMap<ProviderId, ProviderAccess>,
}

impl AccessRows {
    /// Reads those for everybody, and those of a workspace if there is one; of one provider, or of all.
    /// One row that is not what was stored, and nothing is known.
    pub(crate) async fn read(
        rows: &impl Rows,
        platform: &OpenWorkspace,
        workspace: Option<&OpenWorkspace>,
        provider: Option<ProviderId>,
    ) -> Result<Self, CustodyError> {
        let mut uids = vec![platform.workspace.uid];
        uids.extend(workspace.map(|open| open.workspace.uid));
        let mut found = Self {
            everybody: BTreeMap::new(),
            overrides: BTreeMap::new(),
        };
        for stamped in provider_access::list(rows, &uids, provider).await? {
            let owner = stamped.peek().workspace;
            let (open, of_owner) = match workspace {
                Some(open) if open.workspace.uid == owner => (open, &mut found.overrides),
                Some(_) | None => (platform, &mut found.everybody),
            };
            let access = open.keys.check(stamped)?;
            of_owner.insert(access.provider, access);
        }
        Ok(found)
    }

    /// What everybody may use of a provider.
    pub(crate) fn of_everybody(&self, provider: ProviderId) -> Access {
        let terms = self.everybody.get(&provider);
        terms.map_or_else(Access::default, |access| {
            access.terms.over(&Access::default())
        })
    }

    /// What the workspace may use of a provider.
    pub(crate) fn effective(&self, provider: ProviderId) -> Access {
        let everybody = self.of_everybody(provider);
        match self.overrides.get(&provider) {
            Some(access) => access.terms.over(&everybody),
            None => everybody,
        }
    }
}

impl Vault {
    /// What a workspace may use of a provider, or of each.
    pub async fn access_of(
        &self,
        open: &OpenWorkspace,
        platform: &OpenWorkspace,
        provider: Option<ProviderId>,
    ) -> Result<BTreeMap<ProviderId, Access>, VaultError> {
        let rows = AccessRows::read(&self.store, platform, Some(open), provider).await?;
        let all = ProviderId::ALL.into_iter();
        let asked = all.filter(|each| provider.is_none_or(|provider| provider == *each));
        Ok(asked
            .map(|provider| (provider, rows.effective(provider)))
            .collect())
    }
}
