//! Members of workspaces: creation and look-up.

use latchkey_contract::vault::v1::member::Role;
use latchkey_contract::vault::v1::{
    AuditEvent, GetWorkspaceRequest, ListAuditEventsRequest, LookUpMemberRequest,
    LookUpMemberResponse, Member, RemoveMemberRequest, RemoveMemberResponse, SetMemberRequest,
};
use tonic::Status;

use super::vault::{OPERATOR, OWNER, ROUTER, Who};
use super::{Router, Vault};

/// A member of that id, for setting.
pub(crate) fn member(workspace: &str, id: &str, identity: &str, role: Role) -> Member {
    Member {
        name: format!("{workspace}/members/{id}"),
        identity: identity.to_owned(),
        role: role.into(),
        ..Member::default()
    }
}

/// A request that makes `who` a member by its own name.
pub(crate) fn set(workspace: &str, who: Who, role: Role) -> SetMemberRequest {
    let actor = who.actor();
    let id = actor.trim_start_matches("token:");
    SetMemberRequest {
        member: Some(member(workspace, id, &actor, role)),
    }
}

/// A request that makes `who` one no longer.
pub(crate) fn remove(workspace: &str, who: Who) -> RemoveMemberRequest {
    let member = set(workspace, who, Role::Caller).member.unwrap();
    RemoveMemberRequest {
        name: member.name,
        etag: String::new(),
    }
}

/// The role that a look-up returned; `None` for an identity that is not a member.
pub(crate) fn role_of(answer: &LookUpMemberResponse) -> Option<Role> {
    Some(answer.role()).filter(|role| *role != Role::Unspecified)
}

impl Vault {
    pub(crate) async fn set_member(&self, workspace: &str, who: Who, role: Role) -> Member {
        let mut client = self.workspaces(OWNER);
        let set = client.set_member(set(workspace, who, role)).await;
        set.unwrap().into_inner()
    }

    pub(crate) async fn remove_member(&self, workspace: &str, who: Who) -> RemoveMemberResponse {
        let mut client = self.workspaces(OWNER);
        let removed = client.remove_member(remove(workspace, who)).await;
        removed.unwrap().into_inner()
    }

    /// Reads a workspace, as every member may but those that are services.
    pub(crate) async fn reads(&self, who: Who, workspace: &str) -> Result<(), Status> {
        let request = GetWorkspaceRequest {
            name: workspace.to_owned(),
        };
        let mut client = self.workspaces(who);
        client.get_workspace(request).await.map(drop)
    }

    /// What is recorded of a method in a workspace, oldest first.
    pub(crate) async fn recorded(&self, workspace: &str, method: &str) -> Vec<AuditEvent> {
        let request = ListAuditEventsRequest {
            parent: workspace.to_owned(),
            page_size: 1_000,
            page_token: String::new(),
            ..ListAuditEventsRequest::default()
        };
        let listed = self.audit(OPERATOR).list_audit_events(request).await;
        let mut events = listed.unwrap().into_inner().audit_events;
        events.retain(|event| event.method.ends_with(method));
        events.reverse();
        events
    }
}

impl Router {
    /// Asks what a workspace lets an identity do.
    pub(crate) async fn looks_up(
        &self,
        vault: &Vault,
        workspace: &str,
        identity: &str,
    ) -> Result<LookUpMemberResponse, Status> {
        let request = LookUpMemberRequest {
            router_session: self.session.clone(),
            workspace: workspace.to_owned(),
            identity: identity.to_owned(),
        };
        let answer = vault.leases(ROUTER).look_up_member(request).await;
        answer.map(tonic::Response::into_inner)
    }
}
