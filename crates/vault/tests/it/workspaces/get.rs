//! `GetWorkspace`.

use latchkey_contract::vault::v1::GetWorkspaceRequest;
use tonic::Code;

use crate::harness::{ACME_OWNER, OPERATOR, OWNER, Vault, refused};
use crate::on_both_databases;

on_both_databases!(
    operators_and_owners_see_a_workspace,
    a_missing_workspace_is_not_found,
    another_workspace_looks_the_same_whether_it_exists_or_not,
    a_malformed_name_is_refused,
);

fn request(name: &str) -> GetWorkspaceRequest {
    GetWorkspaceRequest {
        name: name.to_owned(),
    }
}

async fn operators_and_owners_see_a_workspace(vault: Vault) {
    let created = vault.create_workspace("acme").await;
    for who in [OPERATOR, OWNER, ACME_OWNER] {
        let found = vault
            .workspaces(who)
            .get_workspace(request("workspaces/acme"))
            .await;
        assert_eq!(found.unwrap().into_inner(), created);
    }
}

async fn a_missing_workspace_is_not_found(vault: Vault) {
    let outcome = vault
        .workspaces(OWNER)
        .get_workspace(request("workspaces/nowhere"))
        .await;
    refused(outcome, Code::NotFound, "WORKSPACE_NOT_FOUND");
}

async fn another_workspace_looks_the_same_whether_it_exists_or_not(vault: Vault) {
    vault.create_workspace("other").await;
    let mut client = vault.workspaces(ACME_OWNER);
    let existing = client.get_workspace(request("workspaces/other")).await;
    let existing = refused(existing, Code::PermissionDenied, "PERMISSION_DENIED");
    let missing = client.get_workspace(request("workspaces/nowhere")).await;
    let missing = refused(missing, Code::PermissionDenied, "PERMISSION_DENIED");
    assert_eq!(existing.message, missing.message);
    assert_eq!(existing.metadata, missing.metadata);
}

async fn a_malformed_name_is_refused(vault: Vault) {
    for name in [
        "",
        "acme",
        "workspaces/",
        "workspaces/Acme",
        "platform",
        "workspaces/a/b",
    ] {
        let outcome = vault.workspaces(OWNER).get_workspace(request(name)).await;
        let refused = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refused.fields, ["name"], "{name}");
    }
}
