//! `UpdateProject`.

use latchkey_contract::vault::v1::{Project, UpdateProjectRequest};
use tonic::Code;

use crate::harness::{ACME_OWNER, OWNER, Vault, mask, refused};
use crate::on_both_databases;

on_both_databases!(
    a_project_is_renamed_and_its_name_cleared,
    without_a_mask_every_field_that_is_set_is_changed,
    a_stale_etag_is_refused,
    a_malformed_request_is_refused_by_field,
    a_missing_project_is_not_found,
    another_workspaces_owner_is_refused,
);

const NAME: &str = "workspaces/acme/projects/web";

fn request(name: &str, display_name: &str, paths: &[&str]) -> UpdateProjectRequest {
    UpdateProjectRequest {
        project: Some(Project {
            name: name.to_owned(),
            display_name: display_name.to_owned(),
            ..Project::default()
        }),
        update_mask: mask(paths),
    }
}

async fn update(vault: &Vault, display_name: &str, paths: &[&str]) -> Project {
    let request = request(NAME, display_name, paths);
    vault
        .workspaces(ACME_OWNER)
        .update_project(request)
        .await
        .unwrap()
        .into_inner()
}

async fn acme_web(vault: &Vault) -> Project {
    vault.create_workspace("acme").await;
    vault.create_project("acme", "web").await
}

async fn a_project_is_renamed_and_its_name_cleared(vault: Vault) {
    let created = acme_web(&vault).await;
    let updated = update(&vault, "Web", &["display_name"]).await;
    assert_eq!(
        (updated.display_name.as_str(), &updated.uid),
        ("Web", &created.uid)
    );
    assert_ne!(updated.etag, created.etag);
    assert_eq!(update(&vault, "", &["display_name"]).await.display_name, "");
}

async fn without_a_mask_every_field_that_is_set_is_changed(vault: Vault) {
    acme_web(&vault).await;
    assert_eq!(update(&vault, "Web", &[]).await.display_name, "Web");
    assert_eq!(update(&vault, "", &[]).await.display_name, "Web");
}

async fn a_stale_etag_is_refused(vault: Vault) {
    let created = acme_web(&vault).await;
    let mut request = request(NAME, "Web", &[]);
    request.project.as_mut().unwrap().etag = created.etag;
    let mut client = vault.workspaces(OWNER);
    client.update_project(request.clone()).await.unwrap();
    refused(
        client.update_project(request).await,
        Code::Aborted,
        "ETAG_MISMATCH",
    );
}

async fn a_malformed_request_is_refused_by_field(vault: Vault) {
    acme_web(&vault).await;
    for (request, field) in [
        (request("workspaces/acme", "", &[]), "project.name"),
        (request(NAME, "", &["uid"]), "update_mask"),
        (request(NAME, &"x".repeat(64), &[]), "project.display_name"),
    ] {
        let outcome = vault.workspaces(OWNER).update_project(request).await;
        assert_eq!(
            refused(outcome, Code::InvalidArgument, "FIELD_INVALID").fields,
            [field]
        );
    }
}

async fn a_missing_project_is_not_found(vault: Vault) {
    vault.create_workspace("acme").await;
    let outcome = vault
        .workspaces(OWNER)
        .update_project(request(NAME, "x", &[]))
        .await;
    refused(outcome, Code::NotFound, "PROJECT_NOT_FOUND");
}

async fn another_workspaces_owner_is_refused(vault: Vault) {
    vault.create_workspace("other").await;
    vault.create_project("other", "web").await;
    let request = request("workspaces/other/projects/web", "x", &[]);
    let outcome = vault.workspaces(ACME_OWNER).update_project(request).await;
    refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
}
