//! One bit of one column at a time, every column that the database knows.

use latchkey_contract::vault::v1::audit_event::Decision;
use latchkey_contract::vault::v1::{
    AuditEvent, GetProjectRequest, GetWorkspaceRequest, ListAuditEventsRequest, ListKeysRequest,
    key,
};

use super::tables::{Column, Row, Tables, flipped};
use super::{Found, MAIN, Target, WEB, alarms, get, two_tenants, ways};
use crate::harness::{OPERATOR, OWNER, Router, Vault};
use crate::on_both_databases;

on_both_databases!(
    a_changed_key_is_noticed,
    a_changed_version_is_noticed,
    a_changed_project_is_noticed,
    a_changed_workspace_is_noticed,
    a_changed_branch_key_is_noticed,
    a_damaged_key_does_not_hide_the_others,
    the_audit_log_names_the_damaged_row,
);

use Found::{Locked, Nothing, Noticed, Ok};

/// What a column's change leads to: shown, leased by name, leased by provider, and how many
/// alarms are recorded.
type Expected = ([Found; 3], usize);

const EVERY_WAY: Expected = ([Noticed, Noticed, Noticed], 3);
const MISSING: Expected = ([Nothing, Nothing, Nothing], 0);
const HARMLESS: Expected = ([Ok, Ok, Ok], 0);

async fn flip_every_column(
    vault: &Vault,
    target: Target,
    table: &str,
    row: impl AsyncFn(&Tables) -> Row,
    expected: impl Fn(&str) -> Expected,
) {
    let tables = Tables::open(vault).await;
    let router = Router::open_router_session(vault).await;
    let columns = tables.columns(table).await;
    assert!(columns.len() >= 8, "{columns:?}");
    for column in columns {
        let row = row(&tables).await;
        let before = alarms(vault).await;
        let value = tables.read(&row, &column).await;
        tables.write(&row, &column, flipped(value.clone())).await;
        let found = ways(vault, &router, target).await;
        tables.write(&row, &column, value).await;
        let alarms = alarms(vault).await - before;
        assert_eq!(
            (found, alarms),
            expected(&column.name),
            "{table}.{}",
            column.name
        );
    }
    assert_eq!(ways(vault, &router, target).await, [Ok; 3]);
}

async fn a_changed_key_is_noticed(vault: Vault) {
    two_tenants(&vault).await;
    for target in [MAIN, WEB] {
        let uid = vault.get_key(target.name).await.uid;
        let row = async |tables: &Tables| tables.row("keys", &uid).await;
        let expected = |column: &str| match column {
            "last_used_time" => HARMLESS,
            "parent_id" => MISSING,
            // Among the candidates it is left out, with an alarm.
            "slug" => ([Nothing, Nothing, Nothing], 1),
            // The query for candidates does not find it any more.
            "provider" | "workspace_id" => ([Noticed, Noticed, Nothing], 2),
            _ => ([Noticed, Noticed, Nothing], 3),
        };
        flip_every_column(&vault, target, "keys", row, expected).await;
    }
}

async fn a_changed_version_is_noticed(vault: Vault) {
    two_tenants(&vault).await;
    let uid = vault.get_key(MAIN.name).await.uid;
    let row = async |tables: &Tables| tables.row("key_versions", &uid).await;
    flip_every_column(&vault, MAIN, "key_versions", row, |_| EVERY_WAY).await;
}

async fn a_changed_project_is_noticed(vault: Vault) {
    two_tenants(&vault).await;
    let request = GetProjectRequest {
        name: WEB.scope.to_owned(),
    };
    let uid = vault
        .workspaces(OWNER)
        .get_project(request)
        .await
        .unwrap()
        .into_inner()
        .uid;
    let row = async |tables: &Tables| tables.row("projects", &uid).await;
    let expected = |column: &str| match column {
        "slug" | "workspace_id" => MISSING,
        _ => EVERY_WAY,
    };
    flip_every_column(&vault, WEB, "projects", row, expected).await;
}

async fn uid_of_acme(vault: &Vault) -> String {
    let request = GetWorkspaceRequest {
        name: MAIN.scope.to_owned(),
    };
    vault
        .workspaces(OWNER)
        .get_workspace(request)
        .await
        .unwrap()
        .into_inner()
        .uid
}

async fn a_changed_workspace_is_noticed(vault: Vault) {
    two_tenants(&vault).await;
    let uid = uid_of_acme(&vault).await;
    let row = async |tables: &Tables| tables.row("workspaces", &uid).await;
    let expected = |column: &str| match column {
        "slug" => MISSING,
        _ => EVERY_WAY,
    };
    flip_every_column(&vault, MAIN, "workspaces", row, expected).await;
}

async fn a_changed_branch_key_is_noticed(vault: Vault) {
    two_tenants(&vault).await;
    let workspace = uid_of_acme(&vault).await;
    let mut vault = vault;
    let columns = Tables::open(&vault).await.columns("branch_keys").await;
    assert_eq!(columns.len(), 8);
    let mut before = alarms(&vault).await;
    for purpose in ["branch", "lookup"] {
        for column in &columns {
            let tables = Tables::open(&vault).await;
            let row = tables.branch_key(&workspace, purpose).await;
            let value = tables.read(&row, column).await;
            tables.write(&row, column, flipped(value.clone())).await;
            // Opened branch keys are kept in memory for a while.
            vault = vault.restart().await;
            let router = Router::open_router_session(&vault).await;
            let ways = ways(&vault, &router, MAIN).await;
            tables.write(&row, column, value).await;
            let expected = match column.name.as_str() {
                // Tells when the key was made, and nothing else.
                "create_time" => [Ok; 3],
                "root_key" => [Locked; 3],
                _ => [Noticed; 3],
            };
            assert_eq!(ways, expected, "{purpose}: {}", column.name);
            vault = vault.restart().await;
            let noticed = ways.iter().filter(|found| **found == Noticed).count();
            let now = alarms(&vault).await;
            assert_eq!(now - before, noticed, "{purpose}: {}", column.name);
            before = now;
        }
    }
}

async fn a_damaged_key_does_not_hide_the_others(vault: Vault) {
    two_tenants(&vault).await;
    vault.create_key(MAIN.scope, "spare").await;
    let router = Router::open_router_session(&vault).await;
    let tables = Tables::open(&vault).await;
    let uid = vault.get_key(MAIN.name).await.uid;
    for (table, column) in [
        ("keys", "state"),
        ("keys", "display_name"),
        ("key_versions", "state"),
    ] {
        let row = tables.row(table, &uid).await;
        let columns = tables.columns(table).await;
        let column: &Column = columns.iter().find(|found| found.name == column).unwrap();
        let value = tables.read(&row, column).await;
        tables.write(&row, column, flipped(value.clone())).await;
        let request = ListKeysRequest {
            parent: MAIN.scope.to_owned(),
            ..Default::default()
        };
        let listed = vault
            .keys(OWNER)
            .list_keys(request)
            .await
            .unwrap()
            .into_inner()
            .keys;
        let shown: Vec<_> = listed
            .iter()
            .map(|key| (key.name.as_str(), key.state()))
            .collect();
        let spare = "workspaces/acme/keys/spare";
        assert_eq!(
            shown,
            [
                (MAIN.name, key::State::Quarantined),
                (spare, key::State::Active)
            ]
        );
        assert_eq!(listed[0].state_detail, "integrity check failed");
        if table == "keys" {
            let lease = router.obtains(crate::harness::resolve(MAIN.scope)).await;
            assert_eq!(lease.key_version, format!("{spare}/versions/1"));
        }
        tables.write(&row, column, value).await;
        assert_eq!(get(&vault, MAIN.name).await, Ok);
    }
}

async fn the_audit_log_names_the_damaged_row(vault: Vault) {
    two_tenants(&vault).await;
    let uid = vault.get_key(MAIN.name).await.uid;
    let tables = Tables::open(&vault).await;
    for (table, column, row) in [
        ("keys", "state_detail", uid.clone()),
        ("key_versions", "payload", format!("{uid}/1")),
    ] {
        let columns = tables.columns(table).await;
        let column = columns.iter().find(|each| each.name == column).unwrap();
        let at = tables.row(table, &uid).await;
        let value = tables.read(&at, column).await;
        tables.write(&at, column, flipped(value.clone())).await;
        assert_eq!(get(&vault, MAIN.name).await, Noticed);
        tables.write(&at, column, value).await;
        let event = newest_event(&vault, "workspaces/acme").await;
        assert_eq!(event.decision(), Decision::IntegrityFailure);
        assert_eq!(
            event.details["failure"],
            format!("integrity check failed for {table} {row}")
        );
    }
}

async fn newest_event(vault: &Vault, parent: &str) -> AuditEvent {
    let request = ListAuditEventsRequest {
        parent: parent.to_owned(),
        page_size: 1,
        page_token: String::new(),
        ..ListAuditEventsRequest::default()
    };
    let page = vault.audit(OPERATOR).list_audit_events(request).await;
    let events = page.unwrap().into_inner().audit_events;
    events.into_iter().next().unwrap()
}
