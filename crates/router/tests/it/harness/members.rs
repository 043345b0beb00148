//! Members, as the vault tells of them.

use latchkey_contract::Reason;
use latchkey_contract::vault::v1::member::Role;
use latchkey_contract::vault::v1::{LookUpMemberRequest, LookUpMemberResponse, ScopeRevision};
use latchkey_rpc::refusal::Refusal;
use tonic::Status;

use super::config::Who;
use super::requests::ACME;
use super::vault::Vault;

/// There are no members anywhere.
#[expect(
    clippy::unnecessary_wraps,
    reason = "it is what the vault is scripted with"
)]
pub(super) fn nobody(request: &LookUpMemberRequest) -> Result<LookUpMemberResponse, Status> {
    Ok(told(&request.workspace, Role::Unspecified, i64::MAX))
}

/// What the vault tells of somebody, read at a revision of the workspace.
pub(crate) fn told(workspace: &str, role: Role, revision: i64) -> LookUpMemberResponse {
    LookUpMemberResponse {
        role: role.into(),
        revision: Some(ScopeRevision {
            scope: workspace.to_owned(),
            revision,
        }),
    }
}

impl Vault {
    /// From now on acme is the only workspace, at that revision, with these members.
    pub(crate) fn has_members(&self, revision: i64, members: &[(Who, Role)]) {
        let members = members.to_vec();
        self.looks_up(move |request| {
            if request.workspace != ACME {
                let words = "there is no such workspace";
                let refusal = Refusal::new(Reason::WorkspaceNotFound, words);
                return Err(refusal.into_status("vault.latchkey"));
            }
            let found = members
                .iter()
                .find(|(who, _)| who.requester() == request.identity);
            let role = found.map_or(Role::Unspecified, |(_, role)| *role);
            Ok(told(ACME, role, revision))
        });
    }
}
