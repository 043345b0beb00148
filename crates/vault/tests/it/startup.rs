//! Starting: what a vault finds, what it makes, and what it refuses to start on.

use std::sync::Arc;

use latchkey_boot::drain::Drain;
use latchkey_clock::ManualClock;
use latchkey_contract::vault::v1::{GetKeyRequest, GetWorkspaceRequest, ListAuditEventsRequest};
use latchkey_migrations::testing::{Backend, TestDatabase};
use latchkey_vault::custody::keyring::KeyRingFile;
use latchkey_vault::store::Store;
use ring::rand::SystemRandom;
use sea_orm::ConnectionTrait as _;
use tempfile::TempDir;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::harness::{
    ANONYMOUS, OPERATOR, OWNER, Router, START, Vault, api_key, config, resolve, secret,
};
use crate::on_both_databases;

on_both_databases!(
    stored_rows_survive_a_restart,
    a_second_vault_shares_the_deployment,
    another_deployments_keyring_is_refused,
    a_database_of_the_release_before_is_brought_up_to_date,
);

const NAME: &str = "workspaces/acme/keys/main";

async fn stored_rows_survive_a_restart(vault: Vault) {
    vault.create_workspace("acme").await;
    let created = vault.create_key("workspaces/acme", "main").await;
    let vault = vault.restart().await;
    assert_eq!(vault.get_key(NAME).await, created);
    let router = Router::open_router_session(&vault).await;
    let lease = router.obtains(resolve("workspaces/acme")).await;
    assert_eq!(
        api_key(lease.material.as_ref()),
        secret("workspaces/acme", "main")
    );
}

async fn a_second_vault_shares_the_deployment(vault: Vault) {
    let replica = vault.replica().await;
    vault.create_workspace("acme").await;
    let created = replica.create_key("workspaces/acme", "main").await;
    let get = GetKeyRequest {
        name: NAME.to_owned(),
    };
    assert_eq!(
        vault.keys(OWNER).get_key(get).await.unwrap().into_inner(),
        created
    );
}

/// The columns that were added since.
const ADDED: [(&str, &str); 10] = [
    ("key_versions", "location"),
    ("key_versions", "cloud_project"),
    ("key_versions", "api_version"),
    ("keys", "deployments"),
    ("workspaces", "fallbacks"),
    ("workspaces", "policy"),
    ("projects", "policy"),
    ("keys", "funding"),
    ("keys", "allowed_callers"),
    ("keys", "retention"),
];

/// And its tables and indexes.
const ADDED_TABLES: [&str; 3] = ["data_keys", "members", "provider_access"];
const ADDED_INDEXES: [&str; 2] = ["keys_own_of_provider", "keys_quarantined"];

async fn a_database_of_the_release_before_is_brought_up_to_date(vault: Vault) {
    let workspace = vault.create_workspace("acme").await;
    let created = vault.create_key("workspaces/acme", "main").await;
    // Back to what the release before had made of it.
    let tables = vault.tables().await;
    for (table, column) in ADDED {
        let sql = format!("ALTER TABLE {table} DROP COLUMN {column}");
        tables.execute_unprepared(&sql).await.unwrap();
    }
    for table in ADDED_TABLES {
        let sql = format!("DROP TABLE {table}");
        tables.execute_unprepared(&sql).await.unwrap();
    }
    for index in ADDED_INDEXES {
        let sql = format!("DROP INDEX {index}");
        tables.execute_unprepared(&sql).await.unwrap();
    }
    let sql = "DELETE FROM vault_migrations WHERE version >= 'm20261126_000004'";
    let undone = tables.execute_unprepared(sql).await.unwrap();
    assert_eq!(undone.rows_affected(), 6);
    let store = Store::connect(&vault.database.url, 1).await.unwrap();
    assert!(!store.is_current().await.unwrap());
    store.migrate().await.unwrap();

    let vault = vault.restart().await;
    assert_eq!(vault.get_key(NAME).await, created);
    let get = GetWorkspaceRequest {
        name: workspace.name.clone(),
    };
    let found = vault.workspaces(OWNER).get_workspace(get).await.unwrap();
    assert_eq!(found.into_inner(), workspace);
    let router = Router::open_router_session(&vault).await;
    let lease = router.obtains(resolve("workspaces/acme")).await;
    assert_eq!(
        api_key(lease.material.as_ref()),
        secret("workspaces/acme", "main")
    );
}

async fn another_deployments_keyring_is_refused(vault: Vault) {
    let folder = TempDir::new().unwrap();
    let keyring = folder.path().join("keyring.toml");
    KeyRingFile::create(&keyring, &SystemRandom::new()).unwrap();
    let refusal = config(&vault.database.url, keyring)
        .build(Drain::new())
        .await
        .err()
        .unwrap();
    assert!(
        format!("{refusal:?}").contains("RootKeyMissing"),
        "{refusal:?}"
    );
}

async fn migrated(backend: Backend) -> TestDatabase {
    let database = TestDatabase::fresh(backend).await;
    Store::connect(&database.url, 1)
        .await
        .unwrap()
        .migrate()
        .await
        .unwrap();
    database
}

/// Several vaults start over one empty database at the same time.
async fn start_together(backend: Backend) {
    let database = migrated(backend).await;
    let folder = TempDir::new().unwrap();
    let keyring = folder.path().join("keyring.toml");
    KeyRingFile::create(&keyring, &SystemRandom::new()).unwrap();
    let starting = (0..4).map(|_| {
        let config = config(&database.url, keyring.clone());
        tokio::spawn(config.build_with(Drain::new(), Arc::new(ManualClock::new(START))))
    });
    for started in starting.collect::<Vec<_>>() {
        started.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vaults_that_start_together_found_one_deployment_on_postgres() {
    start_together(Backend::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vaults_that_start_together_found_one_deployment_on_sqlite() {
    start_together(Backend::Sqlite).await;
}

#[tokio::test]
async fn a_database_without_the_schema_is_refused() {
    let database = TestDatabase::fresh(Backend::Sqlite).await;
    let folder = TempDir::new().unwrap();
    let keyring = folder.path().join("keyring.toml");
    KeyRingFile::create(&keyring, &SystemRandom::new()).unwrap();
    let refusal = config(&database.url, keyring)
        .build(Drain::new())
        .await
        .err()
        .unwrap();
    assert!(
        refusal.to_string().contains("latchkey migrate"),
        "{refusal}"
    );
}

#[tokio::test]
async fn the_first_event_of_a_deployment_is_its_foundation() {
    let vault = Vault::start(Backend::Sqlite).await;
    let request = ListAuditEventsRequest {
        parent: "platform".to_owned(),
        ..Default::default()
    };
    let page = vault
        .audit(OPERATOR)
        .list_audit_events(request)
        .await
        .unwrap()
        .into_inner();
    let event = &page.audit_events[0];
    assert_eq!((event.sequence, event.actor.as_str()), (1, "system"));
    assert_eq!(event.details["deployment"].len(), 36);
}

#[tokio::test]
async fn reflection_names_every_service() {
    let vault = Vault::start(Backend::Sqlite).await;
    let mut client = ServerReflectionClient::new(vault.channel(ANONYMOUS));
    let message_request = Some(MessageRequest::ListServices(String::new()));
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request,
    };
    let answers = client
        .server_reflection_info(tokio_stream::once(request))
        .await
        .unwrap();
    let answer = answers
        .into_inner()
        .message()
        .await
        .unwrap()
        .unwrap()
        .message_response;
    let Some(MessageResponse::ListServicesResponse(listed)) = answer else {
        panic!("{answer:?}")
    };
    let mut names: Vec<_> = listed
        .service
        .into_iter()
        .map(|service| service.name)
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "grpc.health.v1.Health",
            "latchkey.vault.v1.AuditService",
            "latchkey.vault.v1.KeyService",
            "latchkey.vault.v1.LeaseService",
            "latchkey.vault.v1.ProviderService",
            "latchkey.vault.v1.WorkspaceService",
        ]
    );
}
