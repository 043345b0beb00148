//! `GetProject`.

use latchkey_contract::vault::v1::GetProjectRequest;
use tonic::Code;

use crate::harness::{ACME_OWNER, OPERATOR, OWNER, Vault, refused};
use crate::on_both_databases;

on_both_databases!(
    operators_and_owners_see_a_project,
    a_missing_project_or_workspace_is_not_found,
    another_workspaces_owner_is_refused,
    a_malformed_name_is_refused,
);

fn request(name: &str) -> GetProjectRequest {
    GetProjectRequest {
        name: name.to_owned(),
    }
}

async fn operators_and_owners_see_a_project(vault: Vault) {
    vault.create_workspace("acme").await;
    let created = vault.create_project("acme", "web").await;
    for who in [OPERATOR, OWNER, ACME_OWNER] {
        let found = vault
            .workspaces(who)
            .get_project(request("workspaces/acme/projects/web"))
            .await;
        assert_eq!(found.unwrap().into_inner(), created);
    }
}

async fn a_missing_project_or_workspace_is_not_found(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_workspace("other").await;
    vault.create_project("other", "web").await;
    let mut client = vault.workspaces(OWNER);
    let project = client
        .get_project(request("workspaces/acme/projects/web"))
        .await;
    refused(project, Code::NotFound, "PROJECT_NOT_FOUND");
    let workspace = client
        .get_project(request("workspaces/nowhere/projects/web"))
        .await;
    refused(workspace, Code::NotFound, "WORKSPACE_NOT_FOUND");
}

async fn another_workspaces_owner_is_refused(vault: Vault) {
    vault.create_workspace("other").await;
    vault.create_project("other", "web").await;
    let outcome = vault
        .workspaces(ACME_OWNER)
        .get_project(request("workspaces/other/projects/web"))
        .await;
    refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
}

async fn a_malformed_name_is_refused(vault: Vault) {
    for name in [
        "",
        "workspaces/acme",
        "projects/web",
        "workspaces/acme/projects/",
    ] {
        let outcome = vault.workspaces(OWNER).get_project(request(name)).await;
        assert_eq!(
            refused(outcome, Code::InvalidArgument, "FIELD_INVALID").fields,
            ["name"]
        );
    }
}
