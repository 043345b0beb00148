//! Members that a writer to the database adds or changes without the vault.

use latchkey_contract::vault::v1::member::Role;
use latchkey_contract::vault::v1::{ListMembersRequest, Member};
use sea_orm::{ConnectionTrait as _, Value};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::alarms;
use super::tables::{Tables, flipped};
use crate::harness::{BOB, OWNER, Router, Vault, Who, refused, role_of};
use crate::on_both_databases;

on_both_databases!(
    a_changed_member_has_no_role,
    a_forged_role_is_noticed,
    a_member_of_one_workspace_is_none_of_another,
    a_member_is_none_under_anothers_identity,
);

const ACME: &str = "workspaces/acme";
const OTHER: &str = "workspaces/other";

/// The role that the vault gives out, to its own methods and to routers: both must agree that there is
/// none.
async fn has_no_role(vault: &Vault, router: &Router, workspace: &str, who: Who, what: &str) {
    let looked_up = router.looks_up(vault, workspace, &who.actor()).await;
    match looked_up {
        Ok(answer) => assert_eq!(role_of(&answer), None, "{what}"),
        Err(status) => noticed(&status, what),
    }
    match vault.reads(who, workspace).await {
        Ok(()) => panic!("{what}: it was shown"),
        Err(status) if status.code() == Code::PermissionDenied => {}
        Err(status) => noticed(&status, what),
    }
}

#[track_caller]
fn noticed(status: &Status, what: &str) {
    let details = status.get_error_details();
    let reason = details.error_info().map_or("", |info| info.reason.as_str());
    assert_eq!(reason, "INTEGRITY", "{what}: {status:?}");
}

async fn one_member(vault: &Vault) -> Router {
    vault.create_workspace("acme").await;
    vault.create_workspace("other").await;
    vault.set_member(ACME, BOB, Role::Member).await;
    Router::open_router_session(vault).await
}

async fn execute(vault: &Vault, sql: &str) {
    let done = vault.tables().await.execute_unprepared(sql).await.unwrap();
    assert_eq!(done.rows_affected(), 1, "{sql}");
}

async fn a_changed_member_has_no_role(vault: Vault) {
    let router = one_member(&vault).await;
    let tables = Tables::open(&vault).await;
    let columns = tables.columns("members").await;
    assert_eq!(columns.len(), 9, "{columns:?}");
    for column in columns {
        let row = tables.only_row("members", "identity").await;
        let value = tables.read(&row, &column).await;
        tables.write(&row, &column, flipped(value.clone())).await;
        has_no_role(&vault, &router, ACME, BOB, &column.name).await;
        tables.write(&row, &column, value).await;
        vault.reads(BOB, ACME).await.unwrap();
    }
}

async fn a_forged_role_is_noticed(vault: Vault) {
    let router = one_member(&vault).await;
    let tables = Tables::open(&vault).await;
    let row = tables.only_row("members", "identity").await;
    let columns = tables.columns("members").await;
    let role = columns.iter().find(|column| column.name == "role").unwrap();
    let before = alarms(&vault).await;
    let owner = Value::String(Some("owner".to_owned()));
    tables.write(&row, role, owner).await;
    let outcome = router.looks_up(&vault, ACME, &BOB.actor()).await;
    refused(outcome, Code::DataLoss, "INTEGRITY");
    let outcome = vault.reads(BOB, ACME).await;
    refused(outcome, Code::DataLoss, "INTEGRITY");
    let request = ListMembersRequest {
        parent: ACME.to_owned(),
        ..ListMembersRequest::default()
    };
    let outcome = vault.workspaces(OWNER).list_members(request).await;
    refused(outcome, Code::DataLoss, "INTEGRITY");
    assert_eq!(alarms(&vault).await - before, 3);
}

async fn a_member_of_one_workspace_is_none_of_another(vault: Vault) {
    let router = one_member(&vault).await;
    execute(
        &vault,
        "INSERT INTO members SELECT (SELECT id FROM workspaces WHERE slug = 'other'), slug, \
         identity, role, display_name, row_revision, create_time, update_time, row_mac FROM members",
    )
    .await;
    has_no_role(&vault, &router, OTHER, BOB, "copied").await;
    vault.reads(BOB, ACME).await.unwrap();
}

async fn a_member_is_none_under_anothers_identity(vault: Vault) {
    let router = one_member(&vault).await;
    execute(
        &vault,
        "UPDATE members SET identity = 'token:ungranted' WHERE identity = 'token:bob'",
    )
    .await;
    for who in [BOB, crate::harness::UNGRANTED] {
        has_no_role(&vault, &router, ACME, who, "exchanged").await;
    }
    // Nor does setting him again take over what is there.
    let request = latchkey_contract::vault::v1::SetMemberRequest {
        member: Some(Member {
            identity: "token:robert".to_owned(),
            ..crate::harness::member(ACME, "bob", "", Role::Owner)
        }),
    };
    let outcome = vault.workspaces(OWNER).set_member(request).await;
    refused(outcome, Code::DataLoss, "INTEGRITY");
}
