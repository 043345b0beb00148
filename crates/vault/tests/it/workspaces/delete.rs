//! `DeleteWorkspace`.

use latchkey_contract::vault::v1::{
    DeleteWorkspaceRequest, GetKeyRequest, GetProjectRequest, GetWorkspaceRequest,
};
use tonic::Code;

use crate::harness::{ACME_OWNER, OPERATOR, OWNER, Router, Vault, refused, resolve};
use crate::on_both_databases;

on_both_databases!(
    an_empty_workspace_is_deleted_once,
    a_workspace_that_is_not_empty_is_kept,
    force_deletes_the_contents_of_a_workspace,
    routers_confirm_that_its_keys_are_gone,
    a_stale_etag_is_refused,
    an_owner_deletes_no_workspace,
);

fn request() -> DeleteWorkspaceRequest {
    DeleteWorkspaceRequest {
        name: "workspaces/acme".to_owned(),
        ..Default::default()
    }
}

fn forced() -> DeleteWorkspaceRequest {
    DeleteWorkspaceRequest {
        force: true,
        ..request()
    }
}

async fn an_empty_workspace_is_deleted_once(vault: Vault) {
    vault.create_workspace("acme").await;
    let mut client = vault.workspaces(OPERATOR);
    client.delete_workspace(request()).await.unwrap();
    let get = GetWorkspaceRequest {
        name: "workspaces/acme".to_owned(),
    };
    refused(
        client.get_workspace(get).await,
        Code::NotFound,
        "WORKSPACE_NOT_FOUND",
    );
    let again = client.delete_workspace(request()).await;
    refused(again, Code::NotFound, "WORKSPACE_NOT_FOUND");
}

async fn a_workspace_that_is_not_empty_is_kept(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_key("workspaces/acme", "main").await;
    let mut client = vault.workspaces(OPERATOR);
    let outcome = client.delete_workspace(request()).await;
    refused(outcome, Code::FailedPrecondition, "WORKSPACE_NOT_EMPTY");
    vault.create_workspace("other").await;
    vault.create_project("other", "web").await;
    let other = DeleteWorkspaceRequest {
        name: "workspaces/other".to_owned(),
        ..request()
    };
    let outcome = client.delete_workspace(other).await;
    refused(outcome, Code::FailedPrecondition, "WORKSPACE_NOT_EMPTY");
    assert_eq!(
        vault
            .get_key("workspaces/acme/keys/main")
            .await
            .state_detail,
        ""
    );
}

async fn force_deletes_the_contents_of_a_workspace(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_project("acme", "web").await;
    vault.create_key("workspaces/acme", "main").await;
    vault
        .create_key("workspaces/acme/projects/web", "main")
        .await;
    vault
        .workspaces(OPERATOR)
        .delete_workspace(forced())
        .await
        .unwrap();

    vault.create_workspace("acme").await;
    let project = GetProjectRequest {
        name: "workspaces/acme/projects/web".to_owned(),
    };
    let outcome = vault.workspaces(OWNER).get_project(project).await;
    refused(outcome, Code::NotFound, "PROJECT_NOT_FOUND");
    vault.create_project("acme", "web").await;
    for name in [
        "workspaces/acme/keys/main",
        "workspaces/acme/projects/web/keys/main",
    ] {
        let key = GetKeyRequest {
            name: name.to_owned(),
        };
        let outcome = vault.keys(OWNER).get_key(key).await;
        refused(outcome, Code::NotFound, "KEY_NOT_FOUND");
    }
}

async fn routers_confirm_that_its_keys_are_gone(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_project("acme", "web").await;
    vault.create_key("workspaces/acme", "main").await;
    vault
        .create_key("workspaces/acme/projects/web", "main")
        .await;
    let router = Router::open_router_session(&vault).await;
    router.obtains(resolve("workspaces/acme")).await;
    let mut versions = Vec::new();
    for name in [
        "workspaces/acme/keys/main",
        "workspaces/acme/projects/web/keys/main",
    ] {
        versions.push(vault.first_version_uid(name).await);
    }
    versions.sort();
    let answer = vault
        .workspaces(OPERATOR)
        .delete_workspace(forced())
        .await
        .unwrap();
    let propagation = answer.into_inner().propagation.unwrap();
    assert_eq!(propagation.acknowledged_router_count, 1);
    let invalidation = router.invalidation("workspaces/acme", 0).await;
    assert_eq!(invalidation.revision, propagation.revision);
    let mut revoked = invalidation.revoked_key_versions;
    revoked.sort();
    assert_eq!(revoked, versions);
    let outcome = router.resolve(resolve("workspaces/acme")).await;
    refused(outcome, Code::NotFound, "WORKSPACE_NOT_FOUND");
}

async fn a_stale_etag_is_refused(vault: Vault) {
    vault.create_workspace("acme").await;
    let request = DeleteWorkspaceRequest {
        etag: "r7".to_owned(),
        ..forced()
    };
    let outcome = vault.workspaces(OPERATOR).delete_workspace(request).await;
    refused(outcome, Code::Aborted, "ETAG_MISMATCH");
}

async fn an_owner_deletes_no_workspace(vault: Vault) {
    vault.create_workspace("acme").await;
    for who in [OWNER, ACME_OWNER] {
        let outcome = vault.workspaces(who).delete_workspace(request()).await;
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}
