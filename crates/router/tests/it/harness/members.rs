//! Memberships that the fake vault returns.

use latchkey_contract::Reason;
use latchkey_contract::vault::v1::member::Role;
use latchkey_contract::vault::v1::{LookUpMemberRequest, LookUpMemberResponse, ScopeRevision};
use latchkey_rpc::refusal::Refusal;
use tonic::Status;

use super::config::Caller;
use super::requests::ACME;
use super::vault::Vault;
use super::vault::uid_of;

/// Answers every look-up with no role.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the signature is that of a scripted answer"
)]
pub(super) fn no_members(request: &LookUpMemberRequest) -> Result<LookUpMemberResponse, Status> {
    Ok(membership(&request.workspace, Role::Unspecified, i64::MAX))
}

/// The answer to a look-up: a role, read at a revision of the workspace.
pub(crate) fn membership(workspace: &str, role: Role, revision: i64) -> LookUpMemberResponse {
    LookUpMemberResponse {
        role: role.into(),
        revision: Some(ScopeRevision {
            workspace_uid: uid_of(workspace),
            revision,
        }),
    }
}

impl Vault {
    /// Makes acme the only workspace, at this revision and with these members.
    pub(crate) fn has_members(&self, revision: i64, members: &[(Caller, Role)]) {
        let members = members.to_vec();
        self.looks_up(move |request| {
            if request.workspace != ACME {
                let message = "there is no such workspace";
                let refusal = Refusal::new(Reason::WorkspaceNotFound, message);
                return Err(refusal.into_status("vault.latchkey"));
            }
            let found = members
                .iter()
                .find(|(caller, _)| caller.requester() == request.identity);
            let role = found.map_or(Role::Unspecified, |(_, role)| *role);
            Ok(membership(ACME, role, revision))
        });
    }
}
