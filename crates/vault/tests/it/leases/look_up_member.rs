//! `LookUpMember`.

use latchkey_contract::vault::v1::LookUpMemberRequest;
use latchkey_contract::vault::v1::member::Role;
use tonic::Code;

use crate::harness::{
    ADA, BOB, BOT, OPERATOR, OTHER_ROUTER, OWNER, ROUTER, Router, UNGRANTED, Vault, create_key,
    refused, role_of,
};
use crate::on_both_databases;

on_both_databases!(
    the_role_of_an_identity_is_returned,
    a_configured_role_is_not_a_membership,
    the_next_change_is_sent_after_a_look_up,
    the_next_change_is_sent_after_a_look_up_of_a_stranger_too,
    a_missing_workspace_is_not_found,
    a_malformed_field_is_named,
    only_an_attached_router_looks_up_members,
);

const ACME: &str = "workspaces/acme";
const OTHER: &str = "workspaces/other";

async fn a_configured_role_is_not_a_membership(vault: Vault) {
    vault.create_workspace("acme").await;
    let router = Router::open_router_session(&vault).await;
    for who in [OWNER, OPERATOR, ROUTER, UNGRANTED] {
        let answer = router.looks_up(&vault, ACME, &who.actor()).await.unwrap();
        assert_eq!(role_of(&answer), None, "{who:?}");
    }
}

async fn the_role_of_an_identity_is_returned(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_workspace("other").await;
    vault.set_member(ACME, ADA, Role::Owner).await;
    vault.set_member(ACME, BOB, Role::Member).await;
    vault.set_member(ACME, BOT, Role::Caller).await;
    vault.set_member(OTHER, BOB, Role::Owner).await;
    let router = Router::open_router_session(&vault).await;
    for (workspace, who, role) in [
        (ACME, ADA, Some(Role::Owner)),
        (ACME, BOB, Some(Role::Member)),
        (ACME, BOT, Some(Role::Caller)),
        (ACME, UNGRANTED, None),
        (OTHER, ADA, None),
        (OTHER, BOB, Some(Role::Owner)),
    ] {
        let answer = router.looks_up(&vault, workspace, &who.actor()).await;
        let answer = answer.unwrap();
        assert_eq!(role_of(&answer), role, "{workspace} {who:?}");
        let read_at = answer.revision.unwrap();
        assert_eq!(read_at.workspace_uid, vault.workspace_uid(workspace).await);
    }
}

async fn the_next_change_is_sent_after_a_look_up(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.set_member(ACME, BOB, Role::Member).await;
    let router = Router::open_router_session(&vault).await;
    let answer = router.looks_up(&vault, ACME, &BOB.actor()).await.unwrap();
    let read_at = answer.revision.unwrap().revision;
    vault.store_key(create_key(ACME, "main")).await;
    let told = router.invalidation(ACME, 0).await;
    assert_eq!(told.revision, read_at + 1);
    let again = router.looks_up(&vault, ACME, &BOB.actor()).await.unwrap();
    assert_eq!(again.revision.unwrap().revision, told.revision);
}

async fn the_next_change_is_sent_after_a_look_up_of_a_stranger_too(vault: Vault) {
    vault.create_workspace("acme").await;
    let router = Router::open_router_session(&vault).await;
    let answer = router.looks_up(&vault, ACME, &BOB.actor()).await.unwrap();
    assert_eq!(role_of(&answer), None);
    vault.set_member(ACME, BOB, Role::Caller).await;
    assert_eq!(router.invalidations().len(), 1);
}

async fn a_missing_workspace_is_not_found(vault: Vault) {
    let router = Router::open_router_session(&vault).await;
    let outcome = router.looks_up(&vault, ACME, &BOB.actor()).await;
    refused(outcome, Code::NotFound, "WORKSPACE_NOT_FOUND");
}

async fn a_malformed_field_is_named(vault: Vault) {
    vault.create_workspace("acme").await;
    let router = Router::open_router_session(&vault).await;
    for (workspace, identity, field) in [
        ("acme", "token:bob", "workspace"),
        ("platform", "token:bob", "workspace"),
        (ACME, "bob", "identity"),
        (ACME, "", "identity"),
    ] {
        let outcome = router.looks_up(&vault, workspace, identity).await;
        let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, [field]);
    }
    let request = LookUpMemberRequest {
        router_session: "s1".to_owned(),
        workspace: ACME.to_owned(),
        identity: BOB.actor(),
    };
    let outcome = vault.leases(ROUTER).look_up_member(request).await;
    let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refusal.fields, ["router_session"]);
}

async fn only_an_attached_router_looks_up_members(vault: Vault) {
    vault.create_workspace("acme").await;
    let router = Router::open_router_session(&vault).await;
    let request = LookUpMemberRequest {
        router_session: router.session.clone(),
        workspace: ACME.to_owned(),
        identity: BOB.actor(),
    };
    let mut other = vault.leases(OTHER_ROUTER);
    let outcome = other.look_up_member(request.clone()).await;
    refused(outcome, Code::FailedPrecondition, "ROUTER_SESSION_UNKNOWN");
    for who in [OPERATOR, OWNER, UNGRANTED] {
        let outcome = vault.leases(who).look_up_member(request.clone()).await;
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    }
    router.leaves().await;
    let outcome = vault.leases(ROUTER).look_up_member(request).await;
    refused(outcome, Code::FailedPrecondition, "ROUTER_SESSION_UNKNOWN");
}
