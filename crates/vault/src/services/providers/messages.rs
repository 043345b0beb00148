//! Providers and overrides, as messages.

use latchkey_contract::ProviderId;
use latchkey_contract::names::WorkspaceName;
use latchkey_contract::vault::v1;

use super::availability;
use crate::availability::AvailabilityRows;
use crate::change::etag;
use crate::domain::availability::ProviderAccess;
use crate::services::encode;

/// A provider. Without a row, everything is available, and the etag is that of revision 0.
pub(super) fn provider(provider: ProviderId, rows: &AvailabilityRows) -> v1::Provider {
    let row = rows.everybody.get(&provider);
    v1::Provider {
        name: name(provider),
        access: Some(availability::encode(rows.of_everybody(provider))),
        update_time: row.map(|row| encode::time(row.update_time)),
        etag: etag(revision(row)),
    }
}

/// The name of a provider.
pub(super) fn name(provider: ProviderId) -> String {
    format!("providers/{provider}")
}

/// An override of a workspace. `rows` contain it.
pub(super) fn provider_override(
    workspace: &WorkspaceName,
    row: &ProviderAccess,
    rows: &AvailabilityRows,
) -> v1::ProviderOverride {
    v1::ProviderOverride {
        name: override_name(workspace, row.provider),
        access: Some(availability::encode_terms(&row.terms)),
        effective_access: Some(availability::encode(rows.effective(row.provider))),
        update_time: Some(encode::time(row.update_time)),
        etag: etag(row.row_revision),
    }
}

/// The name of an override.
pub(super) fn override_name(workspace: &WorkspaceName, provider: ProviderId) -> String {
    format!("{workspace}/providers/{provider}")
}

/// The revision of a row; 0 without one.
pub(super) fn revision(row: Option<&ProviderAccess>) -> u64 {
    row.map_or(0, |row| row.row_revision)
}
