//! `CreateProject`.

use latchkey_contract::vault::v1::{CreateProjectRequest, GetProjectRequest, Project};
use tonic::Code;

use crate::harness::{ACME_OWNER, OPERATOR, OWNER, Vault, refused};
use crate::on_both_databases;

on_both_databases!(
    a_project_is_created_in_its_workspace,
    the_same_request_id_returns_the_first_answer,
    a_request_id_belongs_to_its_caller,
    a_taken_name_is_refused_in_the_same_workspace_only,
    a_missing_workspace_is_not_found,
    a_malformed_field_is_named,
    another_workspaces_owner_is_refused,
);

const REQUEST_ID: &str = "0b6d1f9a-2c55-4d0e-9a7c-3f0d0f3c8f11";

fn request(parent: &str, id: &str) -> CreateProjectRequest {
    CreateProjectRequest {
        parent: parent.to_owned(),
        project_id: id.to_owned(),
        project: Some(Project {
            display_name: "Web".to_owned(),
            ..Project::default()
        }),
        ..Default::default()
    }
}

fn repeatable(id: &str) -> CreateProjectRequest {
    CreateProjectRequest {
        request_id: REQUEST_ID.to_owned(),
        ..request("workspaces/acme", id)
    }
}

async fn a_project_is_created_in_its_workspace(vault: Vault) {
    vault.create_workspace("acme").await;
    for (who, id) in [(OPERATOR, "a"), (OWNER, "b"), (ACME_OWNER, "c")] {
        let mut client = vault.workspaces(who);
        let created = client.create_project(request("workspaces/acme", id)).await;
        let created = created.unwrap().into_inner();
        assert_eq!(created.name, format!("workspaces/acme/projects/{id}"));
        assert_eq!(created.display_name, "Web");
        let get = GetProjectRequest {
            name: created.name.clone(),
        };
        assert_eq!(client.get_project(get).await.unwrap().into_inner(), created);
    }
}

async fn the_same_request_id_returns_the_first_answer(vault: Vault) {
    vault.create_workspace("acme").await;
    let mut client = vault.workspaces(OWNER);
    let first = client
        .create_project(repeatable("web"))
        .await
        .unwrap()
        .into_inner();
    let second = client
        .create_project(repeatable("web"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(first, second);
    let outcome = client.create_project(repeatable("app")).await;
    refused(outcome, Code::AlreadyExists, "REQUEST_ID_REUSED");
}

async fn a_request_id_belongs_to_its_caller(vault: Vault) {
    vault.create_workspace("acme").await;
    vault
        .workspaces(OWNER)
        .create_project(repeatable("web"))
        .await
        .unwrap();
    let outcome = vault
        .workspaces(ACME_OWNER)
        .create_project(repeatable("web"))
        .await;
    refused(outcome, Code::AlreadyExists, "PROJECT_EXISTS");
}

async fn a_taken_name_is_refused_in_the_same_workspace_only(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_workspace("other").await;
    let mut client = vault.workspaces(OWNER);
    client
        .create_project(request("workspaces/acme", "web"))
        .await
        .unwrap();
    client
        .create_project(request("workspaces/other", "web"))
        .await
        .unwrap();
    let outcome = client
        .create_project(request("workspaces/acme", "web"))
        .await;
    refused(outcome, Code::AlreadyExists, "PROJECT_EXISTS");
}

async fn a_missing_workspace_is_not_found(vault: Vault) {
    let outcome = vault
        .workspaces(OWNER)
        .create_project(request("workspaces/nowhere", "a"))
        .await;
    refused(outcome, Code::NotFound, "WORKSPACE_NOT_FOUND");
}

async fn a_malformed_field_is_named(vault: Vault) {
    vault.create_workspace("acme").await;
    let acme = "workspaces/acme";
    let mut long = request(acme, "web");
    long.project = Some(Project {
        display_name: "x".repeat(64),
        ..Project::default()
    });
    for (request, field) in [
        (request("acme", "web"), "parent"),
        (request("platform", "web"), "parent"),
        (request(acme, "Web"), "project_id"),
        (request(acme, ""), "project_id"),
        (long, "project.display_name"),
        (
            CreateProjectRequest {
                request_id: "x".to_owned(),
                ..request(acme, "w")
            },
            "request_id",
        ),
    ] {
        let outcome = vault.workspaces(OWNER).create_project(request).await;
        assert_eq!(
            refused(outcome, Code::InvalidArgument, "FIELD_INVALID").fields,
            [field]
        );
    }
}

async fn another_workspaces_owner_is_refused(vault: Vault) {
    vault.create_workspace("other").await;
    let outcome = vault
        .workspaces(ACME_OWNER)
        .create_project(request("workspaces/other", "a"))
        .await;
    refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
}
