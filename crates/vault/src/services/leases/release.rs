//! `ReleaseLease`.

use latchkey_contract::vault::v1::{ReleaseLeaseRequest, ReleaseLeaseResponse};
use uuid::Uuid;

use super::session_id;
use crate::error::VaultError;
use crate::leasing::LeaseId;
use crate::services::call::Call;
use crate::vault::Vault;

pub(super) fn handle(
    vault: &Vault,
    call: &Call,
    request: &ReleaseLeaseRequest,
) -> Result<ReleaseLeaseResponse, VaultError> {
    call.authorize_deployment()?;
    let id = Uuid::try_parse(&request.lease_id)
        .map_err(|_| VaultError::field("lease_id", "is not the id of a lease"))?;
    let session = session_id(&request.router_session)?;
    // The leases of an ended session are gone already.
    if let Ok(session) = vault.leasing.session(session, call.actor()) {
        session.release(LeaseId(id));
    }
    Ok(ReleaseLeaseResponse {})
}
