//! `RemoveMember`, and what becomes of members whose workspace is deleted.

use latchkey_contract::vault::v1::member::Role;
use latchkey_contract::vault::v1::{
    DeleteWorkspaceRequest, ListMembersRequest, RemoveMemberRequest,
};
use tonic::Code;

use crate::harness::{
    ADA, BOB, BOT, OPERATOR, OWNER, Router, Vault, member, refused, remove, role_of, set,
};
use crate::on_both_databases;

on_both_databases!(
    a_removed_member_loses_its_role_at_once,
    routers_confirm_a_removal_before_it_is_answered,
    an_owner_by_membership_can_remove_itself,
    a_missing_member_is_not_found,
    a_stale_etag_is_refused,
    a_malformed_name_is_refused,
    a_removed_identity_can_be_a_member_again,
    a_removal_is_recorded,
    a_deleted_workspaces_members_do_not_count_in_the_next_one,
);

const ACME: &str = "workspaces/acme";

async fn count(vault: &Vault) -> usize {
    let request = ListMembersRequest {
        parent: ACME.to_owned(),
        ..ListMembersRequest::default()
    };
    let listed = vault.workspaces(OWNER).list_members(request).await;
    listed.unwrap().into_inner().members.len()
}

async fn a_removed_member_loses_its_role_at_once(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.set_member(ACME, BOB, Role::Member).await;
    vault.set_member(ACME, BOT, Role::Caller).await;
    vault.reads(BOB, ACME).await.unwrap();
    vault.remove_member(ACME, BOB).await;
    let outcome = vault.reads(BOB, ACME).await;
    refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    assert_eq!(count(&vault).await, 1);
}

async fn routers_confirm_a_removal_before_it_is_answered(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.set_member(ACME, BOB, Role::Caller).await;
    let router = Router::open_router_session(&vault).await;
    let answer = router.looks_up(&vault, ACME, &BOB.actor()).await.unwrap();
    assert_eq!(role_of(&answer), Some(Role::Caller));
    let removed = vault.remove_member(ACME, BOB).await;
    let propagation = removed.propagation.unwrap();
    assert_eq!(propagation.acknowledged_router_count, 1);
    assert_eq!(propagation.fenced_router_count, 0);
    let told = router.invalidations();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].revision, propagation.revision);
    let answer = router.looks_up(&vault, ACME, &BOB.actor()).await.unwrap();
    assert_eq!(role_of(&answer), None);
}

async fn an_owner_by_membership_can_remove_itself(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.set_member(ACME, ADA, Role::Owner).await;
    let mut client = vault.workspaces(ADA);
    client.remove_member(remove(ACME, ADA)).await.unwrap();
    let outcome = client.remove_member(remove(ACME, ADA)).await;
    refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
}

async fn a_missing_member_is_not_found(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_workspace("other").await;
    vault
        .set_member("workspaces/other", BOB, Role::Member)
        .await;
    let mut client = vault.workspaces(OWNER);
    for (workspace, reason) in [
        (ACME, "MEMBER_NOT_FOUND"),
        ("workspaces/nowhere", "WORKSPACE_NOT_FOUND"),
    ] {
        let outcome = client.remove_member(remove(workspace, BOB)).await;
        refused(outcome, Code::NotFound, reason);
    }
    vault.remove_member("workspaces/other", BOB).await;
    let outcome = client.remove_member(remove("workspaces/other", BOB)).await;
    refused(outcome, Code::NotFound, "MEMBER_NOT_FOUND");
}

async fn a_stale_etag_is_refused(vault: Vault) {
    vault.create_workspace("acme").await;
    let first = vault.set_member(ACME, BOB, Role::Member).await;
    let second = vault.set_member(ACME, BOB, Role::Owner).await;
    let with = |etag: String| RemoveMemberRequest {
        etag,
        ..remove(ACME, BOB)
    };
    let mut client = vault.workspaces(OWNER);
    let outcome = client.remove_member(with(first.etag)).await;
    refused(outcome, Code::Aborted, "ETAG_MISMATCH");
    client.remove_member(with(second.etag)).await.unwrap();
}

async fn a_malformed_name_is_refused(vault: Vault) {
    for name in ["", ACME, "workspaces/acme/members/Bob"] {
        let request = RemoveMemberRequest {
            name: name.to_owned(),
            etag: String::new(),
        };
        let outcome = vault.workspaces(OWNER).remove_member(request).await;
        let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, ["name"]);
    }
}

async fn a_removed_identity_can_be_a_member_again(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.set_member(ACME, BOB, Role::Member).await;
    vault.remove_member(ACME, BOB).await;
    let mut again = set(ACME, BOB, Role::Member);
    again.member = Some(member(ACME, "robert", &BOB.actor(), Role::Member));
    vault.workspaces(OWNER).set_member(again).await.unwrap();
    vault.reads(BOB, ACME).await.unwrap();
}

async fn a_removal_is_recorded(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.set_member(ACME, BOB, Role::Member).await;
    vault.remove_member(ACME, BOB).await;
    let events = vault.recorded(ACME, "WorkspaceService/RemoveMember").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].resource, "workspaces/acme/members/bob");
    assert_eq!(events[0].details["identity"], BOB.actor());
    assert_eq!(events[0].details["role"], "member");
}

async fn a_deleted_workspaces_members_do_not_count_in_the_next_one(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.set_member(ACME, ADA, Role::Owner).await;
    vault.set_member(ACME, BOB, Role::Member).await;
    let router = Router::open_router_session(&vault).await;
    router.looks_up(&vault, ACME, &ADA.actor()).await.unwrap();
    // Members are not something in a workspace: it can be deleted with them.
    let request = DeleteWorkspaceRequest {
        name: ACME.to_owned(),
        ..DeleteWorkspaceRequest::default()
    };
    let deleted = vault.workspaces(OPERATOR).delete_workspace(request).await;
    let propagation = deleted.unwrap().into_inner().propagation.unwrap();
    assert_eq!(propagation.acknowledged_router_count, 1);
    let outcome = vault.reads(BOB, ACME).await;
    refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");

    vault.create_workspace("acme").await;
    assert_eq!(count(&vault).await, 0);
    for who in [ADA, BOB] {
        let outcome = vault.reads(who, ACME).await;
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
        let answer = router.looks_up(&vault, ACME, &who.actor()).await.unwrap();
        assert_eq!(role_of(&answer), None);
    }
}
