//! `LookUpScope`.

use latchkey_contract::vault::v1::{
    DeleteWorkspaceRequest, LookUpScopeRequest, LookUpScopeResponse,
};
use tonic::{Code, Status};

use crate::harness::{OPERATOR, OTHER_ROUTER, ROUTER, Router, Vault, Who, refused};
use crate::on_both_databases;

on_both_databases!(
    the_identity_of_a_workspace_is_returned,
    the_identity_of_a_project_is_returned,
    another_workspace_of_the_same_name_has_another_identity,
    the_next_change_is_sent_after_a_look_up,
    a_missing_scope_is_not_found,
    a_malformed_field_is_named,
    only_a_connected_router_looks_up_scopes,
);

const ACME: &str = "workspaces/acme";
const WEB: &str = "workspaces/acme/projects/web";

async fn look_up(
    vault: &Vault,
    router: &Router,
    who: Who,
    scope: &str,
) -> Result<LookUpScopeResponse, Status> {
    let request = LookUpScopeRequest {
        router_session: router.session.clone(),
        scope: scope.to_owned(),
    };
    let answer = vault.leases(who).look_up_scope(request).await;
    answer.map(tonic::Response::into_inner)
}

async fn the_identity_of_a_workspace_is_returned(vault: Vault) {
    let workspace = vault.create_workspace("acme").await;
    let router = Router::open_router_session(&vault).await;
    let answer = look_up(&vault, &router, ROUTER, ACME).await.unwrap();
    assert_eq!(answer.revision.unwrap().workspace_uid, workspace.uid);
    assert_eq!(answer.workspace_create_time, workspace.create_time);
    assert_eq!(
        (&*answer.project_uid, answer.project_create_time),
        ("", None)
    );
}

async fn the_identity_of_a_project_is_returned(vault: Vault) {
    let workspace = vault.create_workspace("acme").await;
    let project = vault.create_project("acme", "web").await;
    let router = Router::open_router_session(&vault).await;
    let answer = look_up(&vault, &router, ROUTER, WEB).await.unwrap();
    assert_eq!(answer.revision.unwrap().workspace_uid, workspace.uid);
    assert_eq!(answer.project_uid, project.uid);
    assert_eq!(answer.project_create_time, project.create_time);
}

async fn another_workspace_of_the_same_name_has_another_identity(vault: Vault) {
    let former = vault.create_workspace("acme").await;
    let request = DeleteWorkspaceRequest {
        name: ACME.to_owned(),
        force: true,
        ..DeleteWorkspaceRequest::default()
    };
    let mut client = vault.workspaces(OPERATOR);
    client.delete_workspace(request).await.unwrap();
    let workspace = vault.create_workspace("acme").await;
    let router = Router::open_router_session(&vault).await;
    let answer = look_up(&vault, &router, ROUTER, ACME).await.unwrap();
    let uid = answer.revision.unwrap().workspace_uid;
    assert_eq!(uid, workspace.uid);
    assert_ne!(uid, former.uid);
}

async fn the_next_change_is_sent_after_a_look_up(vault: Vault) {
    let workspace = vault.create_workspace("acme").await;
    let router = Router::open_router_session(&vault).await;
    let answer = look_up(&vault, &router, ROUTER, ACME).await.unwrap();
    vault.create_project("acme", "web").await;
    let invalidation = router.invalidation(ACME, 0).await;
    assert_eq!(invalidation.workspace_uid, workspace.uid);
    assert_eq!(invalidation.revision, answer.revision.unwrap().revision + 1);
}

async fn a_missing_scope_is_not_found(vault: Vault) {
    vault.create_workspace("acme").await;
    let router = Router::open_router_session(&vault).await;
    for (scope, reason) in [
        ("workspaces/other", "WORKSPACE_NOT_FOUND"),
        (WEB, "PROJECT_NOT_FOUND"),
    ] {
        let answer = look_up(&vault, &router, ROUTER, scope).await;
        refused(answer, Code::NotFound, reason);
    }
}

async fn a_malformed_field_is_named(vault: Vault) {
    let router = Router::open_router_session(&vault).await;
    let answer = look_up(&vault, &router, ROUTER, "acme").await;
    let refused = refused(answer, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refused.fields, ["scope"]);
}

async fn only_a_connected_router_looks_up_scopes(vault: Vault) {
    vault.create_workspace("acme").await;
    let router = Router::open_router_session(&vault).await;
    let answer = look_up(&vault, &router, OTHER_ROUTER, ACME).await;
    refused(answer, Code::FailedPrecondition, "ROUTER_SESSION_UNKNOWN");
    let answer = look_up(&vault, &router, OPERATOR, ACME).await;
    refused(answer, Code::PermissionDenied, "PERMISSION_DENIED");
}
