//! `CreateWorkspace`.

use latchkey_contract::vault::v1::{
    CreateWorkspaceRequest, DeleteWorkspaceRequest, GetWorkspaceRequest, ListWorkspacesRequest,
    Workspace, WorkspaceFallback,
};
use tonic::Code;

use crate::harness::{OPERATOR, OWNER, Vault, refused};
use crate::on_both_databases;

on_both_databases!(
    a_workspace_is_created,
    the_same_request_id_returns_the_first_answer,
    a_request_id_is_good_for_one_request,
    a_taken_name_is_refused,
    a_malformed_field_is_named,
    an_owner_creates_no_workspace,
    a_name_can_be_used_again_after_a_deletion,
);

const REQUEST_ID: &str = "6fa459ea-ee8a-4ca4-894e-db77e160355e";

fn fallback(provider: &str, model: &str) -> WorkspaceFallback {
    WorkspaceFallback {
        provider: provider.to_owned(),
        model: model.to_owned(),
    }
}

fn request(id: &str) -> CreateWorkspaceRequest {
    CreateWorkspaceRequest {
        workspace_id: id.to_owned(),
        workspace: Some(Workspace {
            name: "workspaces/ignored".to_owned(),
            display_name: "Acme, Inc.".to_owned(),
            fallbacks: vec![fallback("anthropic", "claude-sonnet-5")],
            ..Workspace::default()
        }),
        ..Default::default()
    }
}

async fn a_workspace_is_created(vault: Vault) {
    let answer = vault
        .workspaces(OPERATOR)
        .create_workspace(request("acme"))
        .await
        .unwrap();
    let created = answer.into_inner();
    assert_eq!(created.name, "workspaces/acme");
    assert_eq!(created.display_name, "Acme, Inc.");
    let fallbacks = [fallback("anthropic", "claude-sonnet-5")];
    assert_eq!(created.fallbacks, fallbacks);
    assert_eq!(created.create_time.unwrap().seconds, 1_795_262_400);
    assert_eq!(created.create_time, created.update_time);
    assert_eq!(created.uid.len(), 36);
    let get = GetWorkspaceRequest {
        name: created.name.clone(),
    };
    let found = vault
        .workspaces(OWNER)
        .get_workspace(get)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(found, created);
    let mut client = vault.workspaces(OPERATOR);
    let listed = client
        .list_workspaces(ListWorkspacesRequest::default())
        .await;
    assert_eq!(listed.unwrap().into_inner().workspaces, [created]);
}

async fn the_same_request_id_returns_the_first_answer(vault: Vault) {
    let request = CreateWorkspaceRequest {
        request_id: REQUEST_ID.to_owned(),
        ..request("acme")
    };
    let mut client = vault.workspaces(OPERATOR);
    let first = client
        .create_workspace(request.clone())
        .await
        .unwrap()
        .into_inner();
    vault.clock.advance(std::time::Duration::from_mins(1));
    let second = client.create_workspace(request).await.unwrap().into_inner();
    assert_eq!(first, second);
}

async fn a_request_id_is_good_for_one_request(vault: Vault) {
    let first = CreateWorkspaceRequest {
        request_id: REQUEST_ID.to_owned(),
        ..request("acme")
    };
    let mut client = vault.workspaces(OPERATOR);
    client.create_workspace(first.clone()).await.unwrap();
    let second = CreateWorkspaceRequest {
        workspace_id: "other".to_owned(),
        ..first.clone()
    };
    let outcome = client.create_workspace(second).await;
    let refused_with = refused(outcome, Code::AlreadyExists, "REQUEST_ID_REUSED");
    assert_eq!(refused_with.fields, ["request_id"]);
    let malformed = CreateWorkspaceRequest {
        request_id: "42".to_owned(),
        ..first
    };
    let outcome = client.create_workspace(malformed).await;
    assert_eq!(
        refused(outcome, Code::InvalidArgument, "FIELD_INVALID").fields,
        ["request_id"]
    );
}

async fn a_taken_name_is_refused(vault: Vault) {
    let mut client = vault.workspaces(OPERATOR);
    client.create_workspace(request("acme")).await.unwrap();
    let outcome = client.create_workspace(request("acme")).await;
    refused(outcome, Code::AlreadyExists, "WORKSPACE_EXISTS");
}

async fn a_malformed_field_is_named(vault: Vault) {
    let mut client = vault.workspaces(OPERATOR);
    let long = "a".repeat(64);
    for id in [
        "",
        "Acme",
        "1acme",
        "acme-",
        "a/b",
        "@platform",
        long.as_str(),
    ] {
        let outcome = client.create_workspace(request(id)).await;
        let refused = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refused.fields, ["workspace_id"], "{id}");
    }
    let mut named = request("acme");
    named.workspace = Some(Workspace {
        display_name: "x".repeat(64),
        ..Workspace::default()
    });
    let outcome = client.create_workspace(named).await;
    let refused = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refused.fields, ["workspace.display_name"]);
    let mut falling = request("acme");
    falling.workspace.as_mut().unwrap().fallbacks = vec![fallback("acme", "m")];
    let outcome = client.create_workspace(falling).await;
    let refused = crate::harness::refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refused.fields, ["workspace.fallbacks[0].provider"]);
}

async fn an_owner_creates_no_workspace(vault: Vault) {
    let outcome = vault
        .workspaces(OWNER)
        .create_workspace(request("acme"))
        .await;
    refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
}

async fn a_name_can_be_used_again_after_a_deletion(vault: Vault) {
    let mut client = vault.workspaces(OPERATOR);
    let first = client
        .create_workspace(request("acme"))
        .await
        .unwrap()
        .into_inner();
    let delete = DeleteWorkspaceRequest {
        name: first.name,
        ..Default::default()
    };
    client.delete_workspace(delete).await.unwrap();
    let second = client
        .create_workspace(request("acme"))
        .await
        .unwrap()
        .into_inner();
    assert_ne!(first.uid, second.uid);
}
