//! Rows and columns moved from one place to another: between tenants, and within one.

use latchkey_contract::vault::v1::{GetWorkspaceRequest, ResolveRequest};

use super::tables::{Column, Row, Tables};
use super::{Found, get, obtain, two_tenants};
use crate::harness::{OWNER, Router, Vault, api_key, resolve, secret};
use crate::on_both_databases;

on_both_databases!(
    a_version_is_good_for_its_own_key_only,
    a_key_is_good_under_its_own_name_only,
    a_workspace_is_good_under_its_own_name_only,
    a_branch_key_is_good_for_its_own_workspace_only,
);

const MAIN: &str = "workspaces/acme/keys/main";
const WEB: &str = "workspaces/acme/projects/web/keys/main";
const SECOND: &str = "workspaces/acme/projects/app/keys/second";
const OTHER: &str = "workspaces/other/keys/main";
const APP: &str = "workspaces/other/projects/app/keys/main";

/// Every name that a key has or could be moved to.
const NAMES: [&str; 7] = [
    MAIN,
    WEB,
    SECOND,
    OTHER,
    APP,
    "workspaces/acme/projects/app/keys/main",
    "workspaces/acme/projects/web/keys/second",
];

/// Neither of two keys can be had, and under no name is another key's material leased.
async fn refuses_swapped_rows(vault: &Vault, swapped: [&str; 2], what: &str) {
    let router = Router::open_router_session(vault).await;
    for name in NAMES {
        let (parent, id) = name.split_once("/keys/").unwrap();
        let request = ResolveRequest {
            key: name.to_owned(),
            ..resolve(parent)
        };
        match obtain(&router, request).await {
            Ok(lease) => {
                assert!(!swapped.contains(&name), "{what}: {name} was leased");
                assert_eq!(
                    api_key(lease.material.as_ref()),
                    secret(parent, id),
                    "{what}: {name}"
                );
            }
            Err(status) => {
                super::found::<()>(Err(status));
            }
        }
        if swapped.contains(&name) {
            assert_ne!(
                get(vault, name).await,
                Found::Ok,
                "{what}: {name} was shown"
            );
        }
    }
}

/// Swaps each of these groups of columns of two keys' rows, and swaps them back.
async fn swap_each(vault: &Vault, table: &'static str, names: [&str; 2], groups: &[&[&str]]) {
    let tables = Tables::open(vault).await;
    let all = tables.columns(table).await;
    let mut rows = Vec::new();
    for name in names {
        rows.push(tables.row(table, &vault.get_key(name).await.uid).await);
    }
    for group in groups {
        let columns: Vec<_> = all
            .iter()
            .filter(|column| group.contains(&column.name.as_str()))
            .collect();
        assert_eq!(columns.len(), group.len(), "{group:?}");
        swap(&tables, &columns, &rows).await;
        refuses_swapped_rows(vault, names, &format!("{table} {group:?}")).await;
        swap(&tables, &columns, &rows).await;
        for name in names {
            assert_eq!(get(vault, name).await, Found::Ok, "{group:?}");
        }
    }
}

pub(super) async fn swap(tables: &Tables, columns: &[&Column], rows: &[Row]) {
    for column in columns {
        tables.swap(column, &rows[0], &rows[1]).await;
    }
}

async fn a_version_is_good_for_its_own_key_only(vault: Vault) {
    two_tenants(&vault).await;
    let everything_but_the_place = [
        "state",
        "base_url",
        "secret_kind",
        "material_tail",
        "fingerprint",
        "branch_key_id",
        "branch_version",
        "wrap_revision",
        "wrapped_data_key",
        "payload",
        "verification_grade",
        "verification_detail",
        "verify_time",
        "create_time",
        "destroy_time",
        "location",
        "cloud_project",
        "api_version",
        "row_mac",
    ];
    let everything = [&everything_but_the_place[..], &["workspace_id"]].concat();
    let groups: [&[&str]; 7] = [
        &["row_mac"],
        &["payload"],
        &["wrapped_data_key"],
        &["payload", "wrapped_data_key"],
        &["payload", "wrapped_data_key", "fingerprint", "row_mac"],
        &everything_but_the_place,
        &everything,
    ];
    // Between tenants, and between two keys of one.
    swap_each(&vault, "key_versions", [MAIN, OTHER], &groups).await;
    swap_each(&vault, "key_versions", [MAIN, WEB], &groups).await;
}

async fn a_key_is_good_under_its_own_name_only(vault: Vault) {
    two_tenants(&vault).await;
    let across: [&[&str]; 4] = [
        &["row_mac"],
        &["workspace_id", "parent_id"],
        &["workspace_id", "parent_id", "row_mac"],
        &["parent_id"],
    ];
    swap_each(&vault, "keys", [MAIN, OTHER], &across).await;
    let within: [&[&str]; 5] = [
        &["parent_id"],
        &["project_id"],
        &["project_id", "parent_id"],
        &["project_id", "parent_id", "slug", "row_mac"],
        &["slug", "row_mac"],
    ];
    swap_each(&vault, "keys", [WEB, SECOND], &within).await;
    swap_each(&vault, "keys", [MAIN, WEB], &within[..3]).await;
}

async fn workspaces(vault: &Vault) -> [String; 2] {
    let uid = async |name: &str| {
        let request = GetWorkspaceRequest {
            name: name.to_owned(),
        };
        vault
            .workspaces(OWNER)
            .get_workspace(request)
            .await
            .unwrap()
            .into_inner()
            .uid
    };
    [uid("workspaces/acme").await, uid("workspaces/other").await]
}

async fn a_workspace_is_good_under_its_own_name_only(vault: Vault) {
    two_tenants(&vault).await;
    let tables = Tables::open(&vault).await;
    let mut rows = Vec::new();
    for uid in workspaces(&vault).await {
        rows.push(tables.row("workspaces", &uid).await);
    }
    let all = tables.columns("workspaces").await;
    for group in [&["slug"][..], &["row_mac"], &["slug", "row_mac"]] {
        let columns: Vec<_> = all
            .iter()
            .filter(|column| group.contains(&column.name.as_str()))
            .collect();
        swap(&tables, &columns, &rows).await;
        refuses_swapped_rows(&vault, [MAIN, OTHER], &format!("workspaces {group:?}")).await;
        refuses_swapped_rows(&vault, [WEB, APP], &format!("workspaces {group:?}")).await;
        swap(&tables, &columns, &rows).await;
        assert_eq!(get(&vault, MAIN).await, Found::Ok);
    }
}

async fn a_branch_key_is_good_for_its_own_workspace_only(vault: Vault) {
    two_tenants(&vault).await;
    let uids = workspaces(&vault).await;
    let mut vault = vault;
    for purpose in ["branch", "lookup"] {
        for group in [&["wrapped"][..], &["workspace_id"]] {
            let tables = Tables::open(&vault).await;
            let all = tables.columns("branch_keys").await;
            let mut rows = Vec::new();
            for uid in &uids {
                rows.push(tables.branch_key(uid, purpose).await);
            }
            let columns: Vec<_> = all
                .iter()
                .filter(|column| group.contains(&column.name.as_str()))
                .collect();
            swap(&tables, &columns, &rows).await;
            // Opened branch keys are kept in memory for a while.
            vault = vault.restart().await;
            refuses_swapped_rows(&vault, [MAIN, OTHER], &format!("{purpose} {group:?}")).await;
            swap(&tables, &columns, &rows).await;
            vault = vault.restart().await;
            assert_eq!(get(&vault, MAIN).await, Found::Ok);
        }
    }
}
