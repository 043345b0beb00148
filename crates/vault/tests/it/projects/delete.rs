//! `DeleteProject`.

use latchkey_contract::vault::v1::DeleteProjectRequest;
use tonic::Code;

use crate::harness::{ACME_OWNER, OWNER, Router, Vault, refused, resolve};
use crate::on_both_databases;

on_both_databases!(
    an_empty_project_is_deleted_once_and_its_name_is_free,
    a_project_with_keys_is_kept,
    force_deletes_the_keys_of_the_project_and_no_others,
    routers_confirm_that_its_keys_are_gone,
    a_stale_etag_is_refused,
    another_workspaces_owner_is_refused,
);

const NAME: &str = "workspaces/acme/projects/web";

fn request() -> DeleteProjectRequest {
    DeleteProjectRequest {
        name: NAME.to_owned(),
        ..Default::default()
    }
}

fn forced() -> DeleteProjectRequest {
    DeleteProjectRequest {
        force: true,
        ..request()
    }
}

async fn acme_web(vault: &Vault) {
    vault.create_workspace("acme").await;
    vault.create_project("acme", "web").await;
}

async fn an_empty_project_is_deleted_once_and_its_name_is_free(vault: Vault) {
    acme_web(&vault).await;
    vault.create_key("workspaces/acme", "main").await;
    let mut client = vault.workspaces(OWNER);
    client.delete_project(request()).await.unwrap();
    let again = client.delete_project(request()).await;
    refused(again, Code::NotFound, "PROJECT_NOT_FOUND");
    vault.create_project("acme", "web").await;
}

async fn a_project_with_keys_is_kept(vault: Vault) {
    acme_web(&vault).await;
    vault.create_key(NAME, "main").await;
    let outcome = vault.workspaces(OWNER).delete_project(request()).await;
    refused(outcome, Code::FailedPrecondition, "PROJECT_NOT_EMPTY");
    vault
        .get_key("workspaces/acme/projects/web/keys/main")
        .await;
}

async fn force_deletes_the_keys_of_the_project_and_no_others(vault: Vault) {
    acme_web(&vault).await;
    vault.create_project("acme", "app").await;
    vault.create_key(NAME, "main").await;
    vault.create_key("workspaces/acme", "main").await;
    vault
        .create_key("workspaces/acme/projects/app", "main")
        .await;
    vault
        .workspaces(OWNER)
        .delete_project(forced())
        .await
        .unwrap();
    vault.get_key("workspaces/acme/keys/main").await;
    vault
        .get_key("workspaces/acme/projects/app/keys/main")
        .await;
    // The material of the deleted key may be stored again.
    vault.create_project("acme", "web").await;
    vault.create_key(NAME, "main").await;
}

async fn routers_confirm_that_its_keys_are_gone(vault: Vault) {
    acme_web(&vault).await;
    vault.create_key(NAME, "main").await;
    let router = Router::open_router_session(&vault).await;
    router.obtains(resolve(NAME)).await;
    let version = vault
        .first_version_uid("workspaces/acme/projects/web/keys/main")
        .await;
    let answer = vault
        .workspaces(OWNER)
        .delete_project(forced())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.propagation.unwrap().acknowledged_router_count, 1);
    let invalidation = router.invalidation("workspaces/acme", 0).await;
    assert_eq!(invalidation.revoked_key_versions, [version]);
    let outcome = router.resolve(resolve(NAME)).await;
    refused(outcome, Code::NotFound, "PROJECT_NOT_FOUND");
}

async fn a_stale_etag_is_refused(vault: Vault) {
    acme_web(&vault).await;
    let request = DeleteProjectRequest {
        etag: "r2".to_owned(),
        ..request()
    };
    let outcome = vault.workspaces(OWNER).delete_project(request).await;
    refused(outcome, Code::Aborted, "ETAG_MISMATCH");
}

async fn another_workspaces_owner_is_refused(vault: Vault) {
    vault.create_workspace("other").await;
    vault.create_project("other", "web").await;
    let name = "workspaces/other/projects/web".to_owned();
    let request = DeleteProjectRequest {
        name,
        ..Default::default()
    };
    let outcome = vault.workspaces(ACME_OWNER).delete_project(request).await;
    refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
}
