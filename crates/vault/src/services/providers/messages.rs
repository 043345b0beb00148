//! Providers and overrides, as messages.

use latchkey_contract::ProviderId;
use latchkey_contract::names::WorkspaceName;
use latchkey_contract::vault::v1;

use super::access;
use crate::access::AccessRows;
use crate::change::etag;
use crate::domain::access::ProviderAccess;
use crate::services::encode;

/// A provider. One that nothing was decided of has everything on, and the etag of row 0.
pub(super) fn provider(provider: ProviderId, rows: &AccessRows) -> v1::Provider {
    let row = rows.everybody.get(&provider);
    v1::Provider {
        name: name(provider),
        access: Some(access::encode(rows.of_everybody(provider))),
        update_time: row.map(|row| encode::time(row.update_time)),
        etag: etag(revision(row)),
    }
}

/// The name of a provider.
pub(super) fn name(provider: ProviderId) -> String {
    format!("providers/{provider}")
}

/// An override of a workspace, which is among its rows.
pub(super) fn provider_override(
    workspace: &WorkspaceName,
    row: &ProviderAccess,
    rows: &AccessRows,
) -> v1::ProviderOverride {
    v1::ProviderOverride {
        name: override_name(workspace, row.provider),
        access: Some(access::encode_terms(&row.terms)),
        effective_access: Some(access::encode(rows.effective(row.provider))),
        update_time: Some(encode::time(row.update_time)),
        etag: etag(row.row_revision),
    }
}

/// The name of what a workspace may use of a provider.
pub(super) fn override_name(workspace: &WorkspaceName, provider: ProviderId) -> String {
    format!("{workspace}/providers/{provider}")
}

/// The revision of a row; 0 while there is none.
pub(super) fn revision(row: Option<&ProviderAccess>) -> u64 {
    row.map_or(0, |row| row.row_revision)
}
