//! `ListMembers`.

use latchkey_contract::vault::v1::ListMembersRequest;
use latchkey_contract::vault::v1::member::Role;
use tonic::Code;

use crate::harness::{ACME_OWNER, ADA, BOB, BOT, OWNER, Vault, refused};
use crate::on_both_databases;

on_both_databases!(
    members_are_listed_by_name_in_pages,
    a_token_is_good_for_its_workspace_only,
    a_missing_workspace_is_not_found,
    a_malformed_parent_is_refused,
    only_owners_see_who_else_is_there,
);

const ACME: &str = "workspaces/acme";
const OTHER: &str = "workspaces/other";

fn request(parent: &str, page_size: i32, page_token: &str) -> ListMembersRequest {
    let (parent, page_token) = (parent.to_owned(), page_token.to_owned());
    ListMembersRequest {
        parent,
        page_size,
        page_token,
    }
}

async fn two_workspaces(vault: &Vault) {
    for workspace in ["acme", "other"] {
        vault.create_workspace(workspace).await;
        let name = format!("workspaces/{workspace}");
        vault.set_member(&name, BOT, Role::Caller).await;
        vault.set_member(&name, ADA, Role::Owner).await;
    }
    vault.set_member(ACME, BOB, Role::Member).await;
}

async fn names(vault: &Vault, request: ListMembersRequest) -> (Vec<String>, String) {
    let listed = vault.workspaces(OWNER).list_members(request).await;
    let page = listed.unwrap().into_inner();
    let names = page.members.into_iter().map(|member| member.name);
    (names.collect(), page.next_page_token)
}

async fn members_are_listed_by_name_in_pages(vault: Vault) {
    two_workspaces(&vault).await;
    let (first, token) = names(&vault, request(ACME, 2, "")).await;
    assert_eq!(
        first,
        ["workspaces/acme/members/ada", "workspaces/acme/members/bob"]
    );
    let (second, token) = names(&vault, request(ACME, 2, &token)).await;
    assert_eq!(second, ["workspaces/acme/members/bot"]);
    assert_eq!(token, "");
}

async fn a_token_is_good_for_its_workspace_only(vault: Vault) {
    two_workspaces(&vault).await;
    let (_, token) = names(&vault, request(ACME, 1, "")).await;
    for (parent, token) in [(OTHER, &*token), (ACME, "x")] {
        let mut client = vault.workspaces(OWNER);
        let outcome = client.list_members(request(parent, 1, token)).await;
        let refusal = refused(outcome, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
        assert_eq!(refusal.fields, ["page_token"]);
    }
}

async fn a_missing_workspace_is_not_found(vault: Vault) {
    let mut client = vault.workspaces(OWNER);
    let outcome = client
        .list_members(request("workspaces/nowhere", 0, ""))
        .await;
    refused(outcome, Code::NotFound, "WORKSPACE_NOT_FOUND");
}

async fn a_malformed_parent_is_refused(vault: Vault) {
    for parent in ["", "platform", "workspaces/acme/projects/web"] {
        let mut client = vault.workspaces(OWNER);
        let outcome = client.list_members(request(parent, 0, "")).await;
        let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, ["parent"]);
    }
}

async fn only_owners_see_who_else_is_there(vault: Vault) {
    two_workspaces(&vault).await;
    for who in [OWNER, ACME_OWNER, ADA] {
        let mut client = vault.workspaces(who);
        client.list_members(request(ACME, 0, "")).await.unwrap();
    }
    for (who, parent) in [(BOB, ACME), (BOT, ACME), (BOB, OTHER), (ACME_OWNER, OTHER)] {
        let mut client = vault.workspaces(who);
        let outcome = client.list_members(request(parent, 0, "")).await;
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}
