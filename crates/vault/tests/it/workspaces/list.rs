//! `ListWorkspaces`.

use latchkey_contract::vault::v1::{
    DeleteWorkspaceRequest, ListProjectsRequest, ListWorkspacesRequest,
};
use tonic::Code;

use crate::harness::{OPERATOR, OWNER, Vault, refused};
use crate::on_both_databases;

on_both_databases!(
    workspaces_are_listed_by_name_in_pages,
    the_platform_and_the_deleted_are_not_listed,
    a_token_of_another_list_is_refused,
    an_owner_lists_no_workspaces,
);

fn request(page_size: i32, page_token: &str) -> ListWorkspacesRequest {
    ListWorkspacesRequest {
        page_size,
        page_token: page_token.to_owned(),
    }
}

async fn names(vault: &Vault, request: ListWorkspacesRequest) -> (Vec<String>, String) {
    let page = vault
        .workspaces(OPERATOR)
        .list_workspaces(request)
        .await
        .unwrap()
        .into_inner();
    let names = page
        .workspaces
        .into_iter()
        .map(|workspace| workspace.name)
        .collect();
    (names, page.next_page_token)
}

async fn workspaces_are_listed_by_name_in_pages(vault: Vault) {
    for id in ["beta", "acme", "a-1", "zeta", "delta"] {
        vault.create_workspace(id).await;
    }
    let (first, token) = names(&vault, request(2, "")).await;
    assert_eq!(first, ["workspaces/a-1", "workspaces/acme"]);
    let (second, token) = names(&vault, request(2, &token)).await;
    assert_eq!(second, ["workspaces/beta", "workspaces/delta"]);
    let (third, token) = names(&vault, request(2, &token)).await;
    assert_eq!(third, ["workspaces/zeta"]);
    assert_eq!(token, "");
    let (all, token) = names(&vault, request(0, "")).await;
    assert_eq!((all.len(), token.as_str()), (5, ""));
}

async fn the_platform_and_the_deleted_are_not_listed(vault: Vault) {
    assert!(names(&vault, request(0, "")).await.0.is_empty());
    vault.create_workspace("acme").await;
    let delete = DeleteWorkspaceRequest {
        name: "workspaces/acme".to_owned(),
        ..Default::default()
    };
    vault
        .workspaces(OPERATOR)
        .delete_workspace(delete)
        .await
        .unwrap();
    assert!(names(&vault, request(0, "")).await.0.is_empty());
}

async fn a_token_of_another_list_is_refused(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_project("acme", "a").await;
    vault.create_project("acme", "b").await;
    let mut client = vault.workspaces(OPERATOR);
    let projects = ListProjectsRequest {
        parent: "workspaces/acme".to_owned(),
        page_size: 1,
        page_token: String::new(),
    };
    let page = client.list_projects(projects).await.unwrap().into_inner();
    assert_ne!(page.next_page_token, "");
    for token in [page.next_page_token.as_str(), "garbage", "%"] {
        let outcome = client.list_workspaces(request(1, token)).await;
        let refused = refused(outcome, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
        assert_eq!(refused.fields, ["page_token"]);
    }
}

async fn an_owner_lists_no_workspaces(vault: Vault) {
    let outcome = vault
        .workspaces(OWNER)
        .list_workspaces(request(0, ""))
        .await;
    refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
}
