//! Data keys of routers: a row that was changed, or moved to another tenant, is never leased.

use latchkey_contract::vault::v1::{
    CreateDataKeyRequest, DataKey, DestroyDataKeyRequest, LeaseDataKeyRequest,
};
use tonic::Status;

use super::swaps::swap;
use super::tables::{Tables, flipped};
use super::{Found, alarms, found};
use crate::harness::{ROUTER, Router, Vault};
use crate::on_both_databases;

on_both_databases!(
    every_changed_column_is_noticed,
    a_data_key_is_good_under_its_own_name_only,
    a_damaged_data_key_can_be_destroyed,
);

async fn make(vault: &Vault, router: &Router, workspace: &str) -> DataKey {
    let request = CreateDataKeyRequest {
        router_session: router.session.clone(),
        workspace: workspace.to_owned(),
    };
    let mut client = vault.leases(ROUTER);
    client.create_data_key(request).await.unwrap().into_inner()
}

async fn lease(vault: &Vault, router: &Router, name: &str) -> Result<DataKey, Status> {
    let request = LeaseDataKeyRequest {
        router_session: router.session.clone(),
        name: name.to_owned(),
    };
    let leased = vault.leases(ROUTER).lease_data_key(request).await?;
    Ok(leased.into_inner())
}

fn id(key: &DataKey) -> &str {
    key.name.rsplit('/').next().unwrap()
}

/// Two tenants; the first has two data keys.
async fn tenants(vault: &Vault) -> (Router, [DataKey; 3]) {
    vault.create_workspace("acme").await;
    vault.create_workspace("other").await;
    let router = Router::open_router_session(vault).await;
    let keys = [
        make(vault, &router, "workspaces/acme").await,
        make(vault, &router, "workspaces/acme").await,
        make(vault, &router, "workspaces/other").await,
    ];
    (router, keys)
}

async fn every_changed_column_is_noticed(vault: Vault) {
    let (router, [key, ..]) = tenants(&vault).await;
    let tables = Tables::open(&vault).await;
    let columns = tables.columns("data_keys").await;
    assert_eq!(columns.len(), 9);
    for column in columns {
        let row = tables.row("data_keys", id(&key)).await;
        let before = alarms(&vault).await;
        let value = tables.read(&row, &column).await;
        tables.write(&row, &column, flipped(value.clone())).await;
        let outcome = found(lease(&vault, &router, &key.name).await);
        tables.write(&row, &column, value).await;
        let expected = match column.name.as_str() {
            // It is looked for by these.
            "id" | "workspace_id" => (Found::Nothing, 0),
            _ => (Found::Noticed, 1),
        };
        let alarms = alarms(&vault).await - before;
        assert_eq!((outcome, alarms), expected, "{}", column.name);
    }
    assert!(lease(&vault, &router, &key.name).await.unwrap() == key);
}

async fn a_data_key_is_good_under_its_own_name_only(vault: Vault) {
    let (router, [one, two, other]) = tenants(&vault).await;
    let tables = Tables::open(&vault).await;
    let all = tables.columns("data_keys").await;
    let sealed = [
        "branch_key_id",
        "branch_version",
        "wrap_revision",
        "wrapped_data_key",
        "payload",
        "create_time",
        "row_mac",
    ];
    let with_owner = [&sealed[..], &["workspace_id"]].concat();
    let groups: [&[&str]; 7] = [
        &["row_mac"],
        &["payload"],
        &["wrapped_data_key"],
        &["payload", "wrapped_data_key"],
        &["payload", "wrapped_data_key", "row_mac"],
        &sealed,
        &with_owner,
    ];
    // Within a tenant, and between two.
    for (a, b) in [(&one, &two), (&one, &other)] {
        for group in groups {
            // Within a tenant it is the same workspace in both.
            let columns: Vec<_> = all
                .iter()
                .filter(|column| group.contains(&column.name.as_str()))
                .filter(|column| column.name != "workspace_id" || b.name == other.name)
                .collect();
            let rows = [
                tables.row("data_keys", id(a)).await,
                tables.row("data_keys", id(b)).await,
            ];
            swap(&tables, &columns, &rows).await;
            for key in [a, b] {
                // Also under the other tenant's name.
                for workspace in ["workspaces/acme", "workspaces/other"] {
                    let name = format!("{workspace}/dataKeys/{}", id(key));
                    let outcome = found(lease(&vault, &router, &name).await);
                    assert_ne!(outcome, Found::Ok, "{group:?}: {name}");
                }
            }
            let rows = [
                tables.row("data_keys", id(a)).await,
                tables.row("data_keys", id(b)).await,
            ];
            swap(&tables, &columns, &rows).await;
            for key in [a, b] {
                let leased = lease(&vault, &router, &key.name).await;
                assert!(leased.unwrap() == *key, "{group:?}");
            }
        }
    }
}

async fn a_damaged_data_key_can_be_destroyed(vault: Vault) {
    let (router, [key, ..]) = tenants(&vault).await;
    let tables = Tables::open(&vault).await;
    let row = tables.row("data_keys", id(&key)).await;
    let columns = tables.columns("data_keys").await;
    let column = columns.iter().find(|each| each.name == "payload").unwrap();
    let value = tables.read(&row, column).await;
    tables.write(&row, column, flipped(value)).await;
    assert_eq!(
        found(lease(&vault, &router, &key.name).await),
        Found::Noticed
    );
    let request = DestroyDataKeyRequest {
        router_session: router.session.clone(),
        name: key.name.clone(),
    };
    vault
        .leases(ROUTER)
        .destroy_data_key(request)
        .await
        .unwrap();
    assert_eq!(
        found(lease(&vault, &router, &key.name).await),
        Found::Nothing
    );
}
