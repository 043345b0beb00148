//! Provider access: a changed row allows nothing, and a row is valid for its own workspace alone.

use latchkey_contract::vault::v1::provider_access::Switch;
use latchkey_contract::vault::v1::{
    GetProviderRequest, GetWorkspaceRequest, ListAuditEventsRequest, ListProviderOverridesRequest,
    Provider, ProviderAccess, ProviderOverride, UpdateProviderOverrideRequest,
    UpdateProviderRequest, UpdateProviderResponse, audit_event::Decision,
};

use super::swaps::swap;
use super::tables::{Tables, flipped};
use super::{Found, alarms, found};
use crate::harness::{OPERATOR, Vault};
use crate::on_both_databases;

on_both_databases!(
    every_changed_column_for_everybody_is_noticed,
    every_changed_column_of_an_override_is_noticed,
    an_override_is_good_for_its_own_workspace_only,
    a_damaged_workspace_does_not_keep_a_switch_from_the_others,
);

const OPENAI: &str = "providers/openai";

fn access(model: &str) -> ProviderAccess {
    ProviderAccess {
        own_keys: Switch::Off.into(),
        chat: Switch::On.into(),
        default_model: model.to_owned(),
        ..ProviderAccess::default()
    }
}

async fn for_everybody(vault: &Vault, access: ProviderAccess) -> UpdateProviderResponse {
    let provider = Provider {
        name: OPENAI.to_owned(),
        access: Some(access),
        ..Provider::default()
    };
    let request = UpdateProviderRequest {
        provider: Some(provider),
        update_mask: None,
    };
    let mut client = vault.providers(OPERATOR);
    client.update_provider(request).await.unwrap().into_inner()
}

fn overriding(workspace: &str) -> UpdateProviderOverrideRequest {
    let provider_override = ProviderOverride {
        name: format!("workspaces/{workspace}/providers/openai"),
        access: Some(access(workspace)),
        ..ProviderOverride::default()
    };
    UpdateProviderOverrideRequest {
        provider_override: Some(provider_override),
        update_mask: None,
    }
}

/// The identity of a workspace that has an override of its own.
async fn overridden(vault: &Vault, id: &str) -> String {
    let uid = vault.create_workspace(id).await.uid;
    let mut client = vault.providers(OPERATOR);
    let done = client.update_provider_override(overriding(id)).await;
    done.unwrap();
    uid
}

async fn shown(vault: &Vault) -> Found {
    let request = GetProviderRequest {
        name: OPENAI.to_owned(),
    };
    found(vault.providers(OPERATOR).get_provider(request).await)
}

/// The default models that a workspace's overrides set.
async fn listed(vault: &Vault, workspace: &str) -> Result<Vec<String>, Found> {
    let request = ListProviderOverridesRequest {
        parent: format!("workspaces/{workspace}"),
        ..Default::default()
    };
    let mut client = vault.providers(OPERATOR);
    match client.list_provider_overrides(request).await {
        Ok(answer) => {
            let overrides = answer.into_inner().provider_overrides.into_iter();
            let access = overrides.filter_map(|each| each.access);
            Ok(access.map(|access| access.default_model).collect())
        }
        Err(status) => Err(found::<()>(Err(status))),
    }
}

async fn every_changed_column_for_everybody_is_noticed(vault: Vault) {
    vault.create_workspace("acme").await;
    vault.create_workspace("other").await;
    for_everybody(&vault, access("m")).await;
    let tables = Tables::open(&vault).await;
    let platform = tables.platform().await;
    let columns = tables.columns("provider_access").await;
    assert_eq!(columns.len(), 12);
    for column in columns {
        let row = tables.row("provider_access", &platform).await;
        let before = alarms(&vault).await;
        let value = tables.read(&row, &column).await;
        tables.write(&row, &column, flipped(value.clone())).await;
        let outcome = (shown(&vault).await, listed(&vault, "acme").await);
        tables.write(&row, &column, value).await;
        let alarms = alarms(&vault).await - before;
        let expected = match column.name.as_str() {
            // It is looked for by this.
            "workspace_id" => ((Found::Ok, Ok(Vec::new())), 0),
            // One of another provider, or of none, is read where all are.
            "provider" => ((Found::Ok, Err(Found::Noticed)), 1),
            _ => ((Found::Noticed, Err(Found::Noticed)), 2),
        };
        assert_eq!((outcome, alarms), expected, "{}", column.name);
    }
    assert_eq!(shown(&vault).await, Found::Ok);
}

async fn every_changed_column_of_an_override_is_noticed(vault: Vault) {
    let acme = overridden(&vault, "acme").await;
    let tables = Tables::open(&vault).await;
    for column in tables.columns("provider_access").await {
        let row = tables.row("provider_access", &acme).await;
        let value = tables.read(&row, &column).await;
        tables.write(&row, &column, flipped(value.clone())).await;
        let outcome = listed(&vault, "acme").await;
        let mut client = vault.providers(OPERATOR);
        let changed = match column.name.as_str() {
            // There is none then, and another would be made.
            "workspace_id" | "provider" => Found::Noticed,
            _ => found(client.update_provider_override(overriding("acme")).await),
        };
        tables.write(&row, &column, value).await;
        let expected = match column.name.as_str() {
            "workspace_id" => Ok(Vec::new()),
            _ => Err(Found::Noticed),
        };
        assert_eq!(outcome, expected, "{}", column.name);
        // Nor is it written over with what it was changed to.
        assert_eq!(changed, Found::Noticed, "{}", column.name);
    }
    assert_eq!(listed(&vault, "acme").await, Ok(vec!["acme".to_owned()]));
    // The general terms do not depend on it.
    assert_eq!(shown(&vault).await, Found::Ok);
}

async fn an_override_is_good_for_its_own_workspace_only(vault: Vault) {
    let uids = [
        overridden(&vault, "acme").await,
        overridden(&vault, "other").await,
    ];
    for_everybody(&vault, access("everybody")).await;
    let tables = Tables::open(&vault).await;
    let platform = tables.platform().await;
    let all = tables.columns("provider_access").await;
    let terms: Vec<_> = all
        .iter()
        .map(|column| column.name.as_str())
        .filter(|name| !["workspace_id", "provider"].contains(name))
        .collect();
    let groups: [&[&str]; 4] = [
        &["row_mac"],
        &["default_model"],
        &["default_model", "row_mac"],
        &terms,
    ];
    let names = ["acme", "other"];
    // Between tenants, and between a tenant and the platform.
    for (a, b) in [(&uids[0], &uids[1]), (&uids[0], &platform)] {
        for group in groups {
            let columns: Vec<_> = all
                .iter()
                .filter(|column| group.contains(&column.name.as_str()))
                .collect();
            let rows = [
                tables.row("provider_access", a).await,
                tables.row("provider_access", b).await,
            ];
            swap(&tables, &columns, &rows).await;
            let noticed = Err(Found::Noticed);
            assert_eq!(listed(&vault, "acme").await, noticed, "{group:?}");
            if *b == platform {
                assert_eq!(shown(&vault).await, Found::Noticed, "{group:?}");
            } else {
                assert_eq!(listed(&vault, "other").await, noticed, "{group:?}");
            }
            let rows = [
                tables.row("provider_access", a).await,
                tables.row("provider_access", b).await,
            ];
            swap(&tables, &columns, &rows).await;
            for name in names {
                assert_eq!(listed(&vault, name).await, Ok(vec![name.to_owned()]));
            }
        }
    }
}

async fn a_damaged_workspace_does_not_keep_a_switch_from_the_others(vault: Vault) {
    for id in ["acme", "other", "third"] {
        vault.create_workspace(id).await;
        vault.create_key(&format!("workspaces/{id}"), "main").await;
    }
    let request = GetWorkspaceRequest {
        name: "workspaces/other".to_owned(),
    };
    let uid = vault.workspaces(OPERATOR).get_workspace(request).await;
    let uid = uid.unwrap().into_inner().uid;
    let tables = Tables::open(&vault).await;
    let row = tables.row("workspaces", &uid).await;
    let columns = tables.columns("workspaces").await;
    let column = columns.iter().find(|each| each.name == "display_name");
    let column = column.unwrap();
    let value = tables.read(&row, column).await;
    tables.write(&row, column, flipped(value.clone())).await;
    let answer = for_everybody(&vault, access("m")).await;
    assert_eq!(answer.moved_workspace_count, 2);
    tables.write(&row, column, value).await;
    let request = ListAuditEventsRequest {
        parent: "platform".to_owned(),
        ..Default::default()
    };
    let page = vault.audit(OPERATOR).list_audit_events(request).await;
    let events = page.unwrap().into_inner().audit_events;
    let damaged = &events[1];
    assert_eq!(damaged.decision(), Decision::IntegrityFailure);
    assert_eq!(damaged.resource, "workspaces/other");
}
