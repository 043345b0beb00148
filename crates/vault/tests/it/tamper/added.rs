//! Columns that rows had not from the beginning: one that is emptied, and so may look like one that
//! never was, is noticed like any other.

use latchkey_contract::ProviderId;
use latchkey_contract::vault::v1::{
    CreateKeyRequest, GetWorkspaceRequest, Key, ResolveRequest, UpdateWorkspaceRequest, Workspace,
    WorkspaceFallback,
};
use sea_orm::Value;

use super::tables::Tables;
use super::{Found, found, get, obtain};
use crate::harness::{
    OWNER, Router, Vault, complete_key_of, create_key_of, entra, entra_client, mask, resolve,
};
use crate::on_both_databases;

on_both_databases!(
    a_changed_destination_is_noticed,
    a_changed_kind_is_noticed,
    changed_deployments_are_noticed,
    changed_fallbacks_are_noticed,
    an_overgrown_text_is_noticed,
);

const ACME: &str = "workspaces/acme";
const VERTEX: &str = "workspaces/acme/keys/vertex";
const AZURE: &str = "workspaces/acme/keys/azure";

async fn acme(vault: &Vault) -> Router {
    vault.create_workspace("acme").await;
    let vertex = Key {
        cloud_project: "acme-models".to_owned(),
        ..complete_key_of("vertex")
    };
    let azure = Key {
        api_version: "2024-10-21".to_owned(),
        deployments: [("gpt-5.4".to_owned(), "prod".to_owned())].into(),
        ..complete_key_of("azure")
    };
    for (provider, key) in [(ProviderId::Vertex, vertex), (ProviderId::Azure, azure)] {
        let request = CreateKeyRequest {
            key: Some(key),
            ..create_key_of(provider, ACME, provider.as_str())
        };
        vault.store_key(request).await;
    }
    Router::open_router_session(vault).await
}

/// Writes each of these texts into a column of a key's row: neither is it shown then, nor leased.
async fn refused_with(
    vault: &Vault,
    router: &Router,
    name: &str,
    (table, column): (&'static str, &str),
    texts: &[&str],
) {
    let ways = async || {
        let request = ResolveRequest {
            key: name.to_owned(),
            provider: String::new(),
            ..resolve(ACME)
        };
        [get(vault, name).await, found(obtain(router, request).await)]
    };
    let uid = vault.get_key(name).await.uid;
    let tables = Tables::open(vault).await;
    let row = tables.row(table, &uid).await;
    let columns = tables.columns(table).await;
    let column = columns.iter().find(|found| found.name == column).unwrap();
    let value = tables.read(&row, column).await;
    for text in texts {
        let text = Value::String(Some((*text).to_owned()));
        assert_ne!(text, value, "{table}.{}", column.name);
        tables.write(&row, column, text.clone()).await;
        assert_eq!(
            ways().await,
            [Found::Noticed; 2],
            "{} {text:?}",
            column.name
        );
    }
    tables.write(&row, column, value).await;
    assert_eq!(ways().await, [Found::Ok; 2]);
}

async fn a_changed_destination_is_noticed(vault: Vault) {
    let router = acme(&vault).await;
    for (name, column, texts) in [
        (VERTEX, "location", ["", "us", "acme-models"]),
        (VERTEX, "cloud_project", ["", "evil-models", "europe-west4"]),
        (VERTEX, "api_version", ["2024-10-21", "acme-models", "v1"]),
        (
            VERTEX,
            "base_url",
            ["https://evil.example", "europe-west4", "x"],
        ),
        (AZURE, "api_version", ["", "2025-01-01", "v1"]),
        (AZURE, "location", ["2024-10-21", "us", "x"]),
        (AZURE, "base_url", ["", "https://evil.example", "x"]),
    ] {
        refused_with(&vault, &router, name, ("key_versions", column), &texts).await;
    }
}

/// Longer than the encoding of a row's columns allows.
async fn an_overgrown_text_is_noticed(vault: Vault) {
    let router = acme(&vault).await;
    let overgrown = "x".repeat(70_000);
    for (table, column) in [
        ("key_versions", "api_version"),
        ("key_versions", "base_url"),
        ("key_versions", "cloud_project"),
        ("key_versions", "location"),
        ("key_versions", "material_tail"),
        ("keys", "display_name"),
        ("keys", "state_detail"),
    ] {
        refused_with(&vault, &router, VERTEX, (table, column), &[&overgrown]).await;
    }
}

async fn a_changed_kind_is_noticed(vault: Vault) {
    let router = acme(&vault).await;
    let entra = CreateKeyRequest {
        material: entra_client(entra("not-a-real-client-secret")),
        ..create_key_of(ProviderId::Azure, ACME, "entra")
    };
    let entra = vault.store_key(entra).await.name;
    for (name, others) in [
        (VERTEX, ["api_key", "entra_client"]),
        (AZURE, ["entra_client", "service_account_json"]),
        (&entra, ["api_key", "service_account_json"]),
    ] {
        let column = ("key_versions", "secret_kind");
        refused_with(&vault, &router, name, column, &others).await;
    }
}

async fn changed_deployments_are_noticed(vault: Vault) {
    let router = acme(&vault).await;
    let texts = [
        "",
        "{}",
        "{\"gpt-5.4\":\"other\"}",
        "{\"prod\":\"gpt-5.4\"}",
        "x",
    ];
    let column = ("keys", "deployments");
    refused_with(&vault, &router, AZURE, column, &texts).await;
    refused_with(&vault, &router, VERTEX, column, &texts[2..]).await;
}

async fn changed_fallbacks_are_noticed(vault: Vault) {
    let router = acme(&vault).await;
    let fallback = |model: &str| WorkspaceFallback {
        provider: "openai".to_owned(),
        model: model.to_owned(),
    };
    let workspace = Workspace {
        name: ACME.to_owned(),
        fallbacks: vec![fallback("a"), fallback("b")],
        ..Workspace::default()
    };
    let request = UpdateWorkspaceRequest {
        workspace: Some(workspace),
        update_mask: mask(&["fallbacks"]),
    };
    let mut client = vault.workspaces(OWNER);
    let uid = client
        .update_workspace(request)
        .await
        .unwrap()
        .into_inner()
        .uid;
    let tables = Tables::open(&vault).await;
    let row = tables.row("workspaces", &uid).await;
    let columns = tables.columns("workspaces").await;
    let column = columns
        .iter()
        .find(|found| found.name == "fallbacks")
        .unwrap();
    let ways = async || {
        let request = GetWorkspaceRequest {
            name: ACME.to_owned(),
        };
        let shown = vault.workspaces(OWNER).get_workspace(request).await;
        let azure = ResolveRequest {
            provider: "azure".to_owned(),
            ..resolve(ACME)
        };
        [found(shown), found(obtain(&router, azure).await)]
    };
    let value = tables.read(&row, column).await;
    for text in [
        "",
        "[]",
        "[\"openai/b\",\"openai/a\"]",
        "[\"openai/a\"]",
        "[\"evil/a\"]",
        "[\"openai\"]",
    ] {
        let text = Value::String(Some(text.to_owned()));
        tables.write(&row, column, text.clone()).await;
        assert_eq!(ways().await, [Found::Noticed; 2], "{text:?}");
    }
    tables.write(&row, column, value).await;
    assert_eq!(ways().await, [Found::Ok; 2]);
}
