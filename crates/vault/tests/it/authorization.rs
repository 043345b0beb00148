//! Who may call what, by enumeration: every method of the contract has a case here, and a method
//! without one fails the test.

use std::collections::BTreeSet;

use latchkey_contract::FILE_DESCRIPTOR_SET;
use latchkey_contract::vault::v1::{
    AddKeyVersionRequest, CreateDataKeyRequest, CreateKeyRequest, CreateProjectRequest,
    CreateWorkspaceRequest, DeleteKeyRequest, DeleteProjectRequest, DeleteProviderOverrideRequest,
    DeleteWorkspaceRequest, DestroyDataKeyRequest, DisableKeyRequest, EnableKeyRequest,
    GetKeyRequest, GetProjectRequest, GetProviderRequest, GetWorkspaceRequest, Hello, Key,
    LeaseDataKeyRequest, ListAuditEventsRequest, ListKeysRequest, ListLeasesRequest,
    ListMembersRequest, ListProjectsRequest, ListProviderOverridesRequest, ListProvidersRequest,
    ListWorkspacesRequest, LookUpMemberRequest, LookUpScopeRequest, Member,
    OpenRouterSessionRequest, Project, ProviderOverride, ReleaseLeaseRequest, RemoveMemberRequest,
    ResolveRequest, SetMemberRequest, UpdateKeyRequest, UpdateProjectRequest,
    UpdateProviderOverrideRequest, UpdateProviderRequest, UpdateWorkspaceRequest, VerifyKeyRequest,
    Workspace, member, open_router_session_request,
};
use prost::Message;
use prost_types::FileDescriptorSet;
use tonic::Code;

use crate::harness::{
    ACME_OWNER, ADA, ANONYMOUS, BOB, BOT, OPERATOR, OWNER, ROUTER, STRANGER, UNGRANTED, Vault, Who,
    refused,
};
use crate::on_both_databases;

on_both_databases!(
    without_a_known_credential_nothing_is_allowed,
    without_a_grant_nothing_is_allowed,
    each_method_is_for_its_callers_alone,
    members_may_do_what_their_role_says,
    a_refusal_looks_the_same_whether_or_not_the_workspace_exists,
);

const WORKSPACE: &str = "workspaces/other";
const PROJECT: &str = "workspaces/other/projects/web";
const KEY: &str = "workspaces/other/keys/main";
const DATA_KEY: &str = "workspaces/other/dataKeys/01939a40-0000-7000-8000-0123456789ab";
const OVERRIDE: &str = "workspaces/other/providers/openai";
const MEMBER: &str = "workspaces/other/members/ada-lovelace";

/// The roles that may call a method about `workspaces/other`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum For {
    /// Of the workspace's members, services excepted. The operator and the owner, too.
    EveryMember,
    Operator,
    OperatorAndOwner,
    Owner,
    Router,
}

impl For {
    fn operator(self) -> bool {
        matches!(
            self,
            Self::EveryMember | Self::Operator | Self::OperatorAndOwner
        )
    }

    fn owner(self) -> bool {
        matches!(
            self,
            Self::EveryMember | Self::Owner | Self::OperatorAndOwner
        )
    }
}

/// A method, its callers, and a message that is about `workspaces/other` where it can be.
struct Case {
    path: String,
    callers: For,
    message: Vec<u8>,
}

fn case(method: &str, callers: For, message: &impl Message) -> Case {
    let path = format!("/latchkey.vault.v1.{method}");
    Case {
        path,
        callers,
        message: message.encode_to_vec(),
    }
}

macro_rules! about {
    ($message:ident { $field:ident: $inner:ident { $name:ident } }) => {
        &$message {
            $field: Some($inner {
                name: $name.to_owned(),
                ..$inner::default()
            }),
            ..$message::default()
        }
    };
    ($message:ident { $field:ident: $value:expr }) => {
        &$message {
            $field: $value.to_owned(),
            ..$message::default()
        }
    };
}

fn cases() -> Vec<Case> {
    [
        workspaces(),
        projects(),
        members(),
        keys(),
        leases(),
        data_keys(),
        providers(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn workspaces() -> Vec<Case> {
    use For::{EveryMember, Operator, OperatorAndOwner};
    vec![
        case(
            "AuditService/ListAuditEvents",
            OperatorAndOwner,
            about!(ListAuditEventsRequest { parent: WORKSPACE }),
        ),
        case(
            "WorkspaceService/CreateWorkspace",
            Operator,
            about!(CreateWorkspaceRequest {
                workspace_id: "another"
            }),
        ),
        case(
            "WorkspaceService/DeleteWorkspace",
            Operator,
            about!(DeleteWorkspaceRequest { name: WORKSPACE }),
        ),
        case(
            "WorkspaceService/GetWorkspace",
            EveryMember,
            &GetWorkspaceRequest {
                name: WORKSPACE.to_owned(),
            },
        ),
        case(
            "WorkspaceService/ListWorkspaces",
            Operator,
            &ListWorkspacesRequest::default(),
        ),
        case(
            "WorkspaceService/UpdateWorkspace",
            OperatorAndOwner,
            about!(UpdateWorkspaceRequest {
                workspace: Workspace { WORKSPACE }
            }),
        ),
    ]
}

fn projects() -> Vec<Case> {
    use For::{EveryMember, OperatorAndOwner};
    vec![
        case(
            "WorkspaceService/CreateProject",
            OperatorAndOwner,
            about!(CreateProjectRequest { parent: WORKSPACE }),
        ),
        case(
            "WorkspaceService/DeleteProject",
            OperatorAndOwner,
            about!(DeleteProjectRequest { name: PROJECT }),
        ),
        case(
            "WorkspaceService/GetProject",
            EveryMember,
            &GetProjectRequest {
                name: PROJECT.to_owned(),
            },
        ),
        case(
            "WorkspaceService/ListProjects",
            EveryMember,
            about!(ListProjectsRequest { parent: WORKSPACE }),
        ),
        case(
            "WorkspaceService/UpdateProject",
            OperatorAndOwner,
            about!(UpdateProjectRequest {
                project: Project { PROJECT }
            }),
        ),
    ]
}

fn members() -> Vec<Case> {
    use For::{OperatorAndOwner, Router};
    vec![
        case(
            "LeaseService/LookUpMember",
            Router,
            about!(LookUpMemberRequest {
                workspace: WORKSPACE
            }),
        ),
        case(
            "LeaseService/LookUpScope",
            Router,
            about!(LookUpScopeRequest { scope: WORKSPACE }),
        ),
        case(
            "WorkspaceService/ListMembers",
            OperatorAndOwner,
            about!(ListMembersRequest { parent: WORKSPACE }),
        ),
        case(
            "WorkspaceService/RemoveMember",
            OperatorAndOwner,
            about!(RemoveMemberRequest { name: MEMBER }),
        ),
        case(
            "WorkspaceService/SetMember",
            OperatorAndOwner,
            &SetMemberRequest {
                member: Some(Member {
                    name: MEMBER.to_owned(),
                    ..Member::default()
                }),
            },
        ),
    ]
}

fn keys() -> Vec<Case> {
    use For::Owner;
    vec![
        case(
            "KeyService/AddKeyVersion",
            Owner,
            about!(AddKeyVersionRequest { name: KEY }),
        ),
        case(
            "KeyService/CreateKey",
            Owner,
            about!(CreateKeyRequest { parent: WORKSPACE }),
        ),
        case(
            "KeyService/DeleteKey",
            Owner,
            about!(DeleteKeyRequest { name: KEY }),
        ),
        case(
            "KeyService/DisableKey",
            Owner,
            about!(DisableKeyRequest { name: KEY }),
        ),
        case(
            "KeyService/EnableKey",
            Owner,
            about!(EnableKeyRequest { name: KEY }),
        ),
        case(
            "KeyService/GetKey",
            Owner,
            &GetKeyRequest {
                name: KEY.to_owned(),
            },
        ),
        case(
            "KeyService/ListKeys",
            Owner,
            about!(ListKeysRequest { parent: WORKSPACE }),
        ),
        case(
            "KeyService/UpdateKey",
            Owner,
            about!(UpdateKeyRequest { key: Key { KEY } }),
        ),
        case(
            "KeyService/VerifyKey",
            Owner,
            &VerifyKeyRequest {
                name: KEY.to_owned(),
            },
        ),
    ]
}

fn leases() -> Vec<Case> {
    use For::{Operator, Router};
    let hello = open_router_session_request::Message::Hello(Hello::default());
    vec![
        case(
            "LeaseService/OpenRouterSession",
            Router,
            &OpenRouterSessionRequest {
                message: Some(hello),
            },
        ),
        case(
            "LeaseService/ListLeases",
            Operator,
            &ListLeasesRequest::default(),
        ),
        case(
            "LeaseService/ReleaseLease",
            Router,
            &ReleaseLeaseRequest::default(),
        ),
        case(
            "LeaseService/Resolve",
            Router,
            about!(ResolveRequest { parent: WORKSPACE }),
        ),
    ]
}

fn data_keys() -> Vec<Case> {
    use For::Router;
    vec![
        case(
            "LeaseService/CreateDataKey",
            Router,
            about!(CreateDataKeyRequest {
                workspace: WORKSPACE
            }),
        ),
        case(
            "LeaseService/DestroyDataKey",
            Router,
            about!(DestroyDataKeyRequest { name: DATA_KEY }),
        ),
        case(
            "LeaseService/LeaseDataKey",
            Router,
            about!(LeaseDataKeyRequest { name: DATA_KEY }),
        ),
    ]
}

fn providers() -> Vec<Case> {
    use For::Operator;
    vec![
        case(
            "ProviderService/DeleteProviderOverride",
            Operator,
            about!(DeleteProviderOverrideRequest { name: OVERRIDE }),
        ),
        case(
            "ProviderService/GetProvider",
            Operator,
            &GetProviderRequest {
                name: "providers/openai".to_owned(),
            },
        ),
        case(
            "ProviderService/ListProviderOverrides",
            Operator,
            about!(ListProviderOverridesRequest { parent: WORKSPACE }),
        ),
        case(
            "ProviderService/ListProviders",
            Operator,
            &ListProvidersRequest::default(),
        ),
        case(
            "ProviderService/UpdateProvider",
            Operator,
            &UpdateProviderRequest::default(),
        ),
        case(
            "ProviderService/UpdateProviderOverride",
            Operator,
            about!(UpdateProviderOverrideRequest {
                provider_override: ProviderOverride { OVERRIDE }
            }),
        ),
    ]
}

#[test]
fn every_method_of_the_contract_has_a_case() {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    let mut methods = BTreeSet::new();
    for file in set
        .file
        .iter()
        .filter(|file| file.package() == "latchkey.vault.v1")
    {
        for service in &file.service {
            for method in &service.method {
                methods.insert(format!(
                    "/{}.{}/{}",
                    file.package(),
                    service.name(),
                    method.name()
                ));
            }
        }
    }
    assert_eq!(methods.len(), 38);
    assert_eq!(
        cases()
            .into_iter()
            .map(|case| case.path)
            .collect::<BTreeSet<_>>(),
        methods
    );
}

async fn without_a_known_credential_nothing_is_allowed(vault: Vault) {
    for case in cases() {
        for (who, reason) in [
            (ANONYMOUS, "CREDENTIALS_REQUIRED"),
            (STRANGER, "CREDENTIALS_INVALID"),
        ] {
            for message in [&case.message[..], &[]] {
                let outcome = vault.call(who, &case.path, message).await;
                refused(outcome, Code::Unauthenticated, reason);
            }
        }
    }
}

async fn without_a_grant_nothing_is_allowed(vault: Vault) {
    for case in cases() {
        // A caller without a right does not learn what is wrong with the message either.
        for message in [&case.message[..], &[]] {
            let outcome = vault.call(UNGRANTED, &case.path, message).await;
            refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
        }
        let outcome = vault.call(UNGRANTED, &case.path, &[0xff]).await;
        if case.callers.owner() {
            // A membership is checked once the message names a workspace: this one names none.
            refused(outcome, Code::InvalidArgument, "MESSAGE_MALFORMED");
        } else {
            refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
        }
    }
}

async fn each_method_is_for_its_callers_alone(vault: Vault) {
    for case in cases() {
        for (who, allowed) in [
            (OPERATOR, case.callers.operator()),
            (OWNER, case.callers.owner()),
            (ROUTER, case.callers == For::Router),
            // An owner, but of another workspace.
            (ACME_OWNER, false),
        ] {
            is_for(&vault, &case, who, allowed).await;
        }
    }
}

async fn is_for(vault: &Vault, case: &Case, who: Who, allowed: bool) {
    let outcome = vault.call(who, &case.path, &case.message).await;
    if allowed {
        let code = outcome.map_or_else(|status| status.code(), |()| Code::Ok);
        let denied = matches!(code, Code::PermissionDenied | Code::Unauthenticated);
        assert!(!denied, "{}: {who:?}", case.path);
    } else {
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}

async fn members_may_do_what_their_role_says(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_workspace("other").await;
    vault.set_member(WORKSPACE, ADA, member::Role::Owner).await;
    vault.set_member(WORKSPACE, BOB, member::Role::Member).await;
    vault.set_member(WORKSPACE, BOT, member::Role::Caller).await;
    // Of another workspace.
    vault
        .set_member("workspaces/acme", UNGRANTED, member::Role::Owner)
        .await;
    for case in cases() {
        for (who, allowed) in [
            (ADA, case.callers.owner()),
            (BOB, case.callers == For::EveryMember),
            (BOT, false),
            (UNGRANTED, false),
        ] {
            is_for(&vault, &case, who, allowed).await;
        }
    }
}

async fn a_refusal_looks_the_same_whether_or_not_the_workspace_exists(vault: Vault) {
    vault.create_workspace("acme").await;
    vault
        .set_member("workspaces/acme", BOB, member::Role::Member)
        .await;
    let mut refusals = BTreeSet::new();
    for workspace in ["workspaces/acme", "workspaces/nowhere"] {
        for who in [UNGRANTED, BOT] {
            let outcome = vault.reads(who, workspace).await;
            let refused = refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
            refusals.insert(format!("{refused:?}"));
        }
    }
    assert_eq!(refusals.len(), 1);
}
