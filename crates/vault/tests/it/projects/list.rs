//! `ListProjects`.

use latchkey_contract::vault::v1::{DeleteProjectRequest, ListProjectsRequest};
use tonic::Code;

use crate::harness::{ACME_OWNER, OWNER, Vault, refused};
use crate::on_both_databases;

on_both_databases!(
    projects_are_listed_by_name_in_pages,
    deleted_projects_are_not_listed,
    a_token_is_good_for_its_workspace_only,
    a_missing_workspace_is_not_found,
    another_workspaces_owner_is_refused,
);

fn request(parent: &str, page_size: i32, page_token: &str) -> ListProjectsRequest {
    let (parent, page_token) = (parent.to_owned(), page_token.to_owned());
    ListProjectsRequest {
        parent,
        page_size,
        page_token,
    }
}

async fn names(vault: &Vault, request: ListProjectsRequest) -> (Vec<String>, String) {
    let page = vault
        .workspaces(OWNER)
        .list_projects(request)
        .await
        .unwrap()
        .into_inner();
    let name = |name: String| name.rsplit('/').next().unwrap().to_owned();
    (
        page.projects
            .into_iter()
            .map(|project| name(project.name))
            .collect(),
        page.next_page_token,
    )
}

async fn projects_are_listed_by_name_in_pages(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_workspace("other").await;
    for id in ["web", "app", "ops"] {
        vault.create_project("acme", id).await;
    }
    vault.create_project("other", "b").await;
    let (first, token) = names(&vault, request("workspaces/acme", 2, "")).await;
    assert_eq!(first, ["app", "ops"]);
    let (second, token) = names(&vault, request("workspaces/acme", 2, &token)).await;
    assert_eq!((second, token.as_str()), (vec!["web".to_owned()], ""));
}

async fn deleted_projects_are_not_listed(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_project("acme", "web").await;
    let name = "workspaces/acme/projects/web".to_owned();
    let delete = DeleteProjectRequest {
        name,
        ..Default::default()
    };
    vault
        .workspaces(OWNER)
        .delete_project(delete)
        .await
        .unwrap();
    assert!(
        names(&vault, request("workspaces/acme", 0, ""))
            .await
            .0
            .is_empty()
    );
}

async fn a_token_is_good_for_its_workspace_only(vault: Vault) {
    for workspace in ["acme", "other"] {
        vault.create_workspace(workspace).await;
        vault.create_project(workspace, "a").await;
        vault.create_project(workspace, "b").await;
    }
    let (_, token) = names(&vault, request("workspaces/acme", 1, "")).await;
    for (parent, token) in [
        ("workspaces/other", token.as_str()),
        ("workspaces/acme", "x"),
    ] {
        let outcome = vault
            .workspaces(OWNER)
            .list_projects(request(parent, 1, token))
            .await;
        let refused = refused(outcome, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
        assert_eq!(refused.fields, ["page_token"]);
    }
}

async fn a_missing_workspace_is_not_found(vault: Vault) {
    let outcome = vault
        .workspaces(OWNER)
        .list_projects(request("workspaces/nowhere", 0, ""))
        .await;
    refused(outcome, Code::NotFound, "WORKSPACE_NOT_FOUND");
}

async fn another_workspaces_owner_is_refused(vault: Vault) {
    vault.create_workspace("other").await;
    let outcome = vault
        .workspaces(ACME_OWNER)
        .list_projects(request("workspaces/other", 0, ""))
        .await;
    refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
}
