//! `ListKeys`.

use latchkey_contract::vault::v1::{DeleteKeyRequest, Key, ListKeysRequest};
use tonic::Code;

use crate::harness::{ACME_OWNER, OPERATOR, OWNER, Vault, refused};
use crate::on_both_databases;

on_both_databases!(
    keys_are_listed_by_name_in_pages,
    a_parents_own_keys_are_listed_alone,
    deleted_keys_are_not_listed,
    a_token_is_good_for_its_parent_only,
    a_missing_parent_is_not_found,
    only_permitted_callers_list_keys,
);

const ACME: &str = "workspaces/acme";

fn request(parent: &str, page_size: i32, page_token: &str) -> ListKeysRequest {
    let (parent, page_token) = (parent.to_owned(), page_token.to_owned());
    ListKeysRequest {
        parent,
        page_size,
        page_token,
    }
}

async fn list(vault: &Vault, request: ListKeysRequest) -> (Vec<Key>, String) {
    let page = vault
        .keys(OWNER)
        .list_keys(request)
        .await
        .unwrap()
        .into_inner();
    (page.keys, page.next_page_token)
}

async fn keys_are_listed_by_name_in_pages(vault: Vault) {
    vault.create_workspace("acme").await;
    let mut created = Vec::new();
    for id in ["c", "a", "b"] {
        created.push(vault.create_key(ACME, id).await);
    }
    created.sort_by(|a, b| a.name.cmp(&b.name));
    let (first, token) = list(&vault, request(ACME, 2, "")).await;
    assert_eq!(first, created[..2]);
    let (second, token) = list(&vault, request(ACME, 2, &token)).await;
    assert_eq!((&second[..], token.as_str()), (&created[2..], ""));
}

async fn a_parents_own_keys_are_listed_alone(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_project("acme", "web").await;
    for parent in [ACME, "workspaces/acme/projects/web", "platform"] {
        let created = vault.create_key(parent, "main").await;
        let who = if parent == "platform" {
            OPERATOR
        } else {
            ACME_OWNER
        };
        let page = vault
            .keys(who)
            .list_keys(request(parent, 0, ""))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(page.keys, [created]);
    }
}

async fn deleted_keys_are_not_listed(vault: Vault) {
    vault.create_workspace("acme").await;
    let name = vault.create_key(ACME, "main").await.name;
    let delete = DeleteKeyRequest {
        name,
        ..Default::default()
    };
    vault.keys(OWNER).delete_key(delete).await.unwrap();
    assert!(list(&vault, request(ACME, 0, "")).await.0.is_empty());
}

async fn a_token_is_good_for_its_parent_only(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_project("acme", "web").await;
    vault.create_key(ACME, "a").await;
    vault.create_key(ACME, "b").await;
    let (_, token) = list(&vault, request(ACME, 1, "")).await;
    for (parent, token) in [
        ("workspaces/acme/projects/web", token.as_str()),
        (ACME, "x"),
    ] {
        let outcome = vault.keys(OWNER).list_keys(request(parent, 1, token)).await;
        let refused = refused(outcome, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
        assert_eq!(refused.fields, ["page_token"]);
    }
}

async fn a_missing_parent_is_not_found(vault: Vault) {
    vault.create_workspace("acme").await;
    let mut client = vault.keys(OWNER);
    let outcome = client.list_keys(request("workspaces/nowhere", 0, "")).await;
    refused(outcome, Code::NotFound, "WORKSPACE_NOT_FOUND");
    let outcome = client
        .list_keys(request("workspaces/acme/projects/web", 0, ""))
        .await;
    refused(outcome, Code::NotFound, "PROJECT_NOT_FOUND");
    let outcome = client.list_keys(request("acme", 0, "")).await;
    assert_eq!(
        refused(outcome, Code::InvalidArgument, "FIELD_INVALID").fields,
        ["parent"]
    );
}

async fn only_permitted_callers_list_keys(vault: Vault) {
    vault.create_workspace("other").await;
    for (who, parent) in [
        (ACME_OWNER, "workspaces/other"),
        (OWNER, "platform"),
        (OPERATOR, "workspaces/other"),
    ] {
        let outcome = vault.keys(who).list_keys(request(parent, 0, "")).await;
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}
