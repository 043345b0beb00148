//! Rows of releases that recorded names alone.

use latchkey_clock::Timestamp;
use latchkey_contract::uid::{ProjectUid, WorkspaceUid};
use latchkey_migrations::testing::TestDatabase;
use latchkey_migrations::{MigratorTrait as _, RouterMigrator};
use latchkey_router::domain::attempt::{AttemptId, AttemptUids, Operation};
use latchkey_router::domain::scope_identity::ScopeIdentity;
use latchkey_router::store::{AttemptFilter, Store};
use sea_orm::sea_query::Query;
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, Value};
use uuid::Uuid;

use super::{Fixture, MINE, all, ended, on_both_databases, same};
use crate::harness::{ACME, WEB};

on_both_databases!(
    a_row_of_the_first_release_is_read,
    an_attempt_belongs_to_the_workspace_that_had_the_name_then,
    an_attempt_belongs_to_the_project_that_had_the_name_then,
);

/// A database of the first release, which supported chat only.
async fn first_release(fixture: &Fixture) -> (TestDatabase, DatabaseConnection) {
    let database = TestDatabase::fresh(fixture.backend).await;
    let connection = Database::connect(&database.url).await.unwrap();
    RouterMigrator::up(&connection, Some(1)).await.unwrap();
    (database, connection)
}

/// Adds an attempt of the workspace acme, or of its project.
async fn add(connection: &DatabaseConnection, number: u128, project: &str, start_time: i64) {
    let row: [(&str, Value); 29] = [
        ("id", Uuid::from_u128(number).into()),
        ("journal_id", MINE.0.into()),
        ("workspace", "acme".into()),
        ("project", project.into()),
        ("key", "workspaces/acme/keys/main".into()),
        ("key_version", 1_i64.into()),
        ("material_tail", "wxyz".into()),
        ("payer", "platform".into()),
        ("provider", "anthropic".into()),
        ("model", "claude-sonnet-5".into()),
        ("served_model", "claude-sonnet-5-20261101".into()),
        ("requester", "token:app".into()),
        ("origin", "automation".into()),
        ("streamed", true.into()),
        ("state", "failed".into()),
        ("error_reason", "PROVIDER_THROTTLED".into()),
        ("http_status", 429_i64.into()),
        ("provider_request_id", "req_1".into()),
        ("start_time", start_time.into()),
        ("first_byte_micros", 7_i64.into()),
        ("latency_micros", i64::MAX.into()),
        ("input_tokens", 1_i64.into()),
        ("cache_read_tokens", 2_i64.into()),
        ("cache_write_tokens", 3_i64.into()),
        ("cache_write_1h_tokens", 4_i64.into()),
        ("output_tokens", 5_i64.into()),
        ("reasoning_tokens", i64::MAX.into()),
        ("certainty", "reported".into()),
        ("price_version", "2026-11-21".into()),
    ];
    let mut insert = Query::insert();
    insert
        .into_table("attempts")
        .columns(row.each_ref().map(|(column, _)| *column))
        .values_panic(row.map(|(_, value)| value.into()));
    connection.execute(&insert).await.unwrap();
}

async fn migrated(database: &TestDatabase) -> Store {
    let store = Store::connect(&database.url, 1).await.unwrap();
    store.migrate().await.unwrap();
    store
}

/// A workspace of the name acme, or its project, and when each was created.
fn scope(name: &str, workspace: (u128, i64), project: Option<(u128, i64)>) -> ScopeIdentity {
    ScopeIdentity {
        name: name.parse().unwrap(),
        workspace: WorkspaceUid(Uuid::from_u128(workspace.0)),
        workspace_create_time: Timestamp::from_micros(workspace.1),
        project: project.map(|(uid, created)| {
            let uid = ProjectUid(Uuid::from_u128(uid));
            (uid, Timestamp::from_micros(created))
        }),
    }
}

/// The numbers of the attempts of a scope, newest first.
async fn listed(store: &Store, scope: &ScopeIdentity) -> Vec<u128> {
    store.adopt_attempts(scope).await.unwrap();
    let filter = AttemptFilter {
        workspace: scope.workspace,
        project: scope.project_uid(),
        ..all()
    };
    let attempts = store.attempts(&filter, None, 10).await.unwrap();
    let ids = attempts.iter().map(|attempt| attempt.start.id.0.as_u128());
    ids.collect()
}

async fn a_row_of_the_first_release_is_read(fixture: Fixture) {
    let (database, connection) = first_release(&fixture).await;
    let mut expected = ended(1);
    let start_time = expected.start.start_time.as_micros();
    add(&connection, 1, "", start_time).await;
    let store = migrated(&database).await;
    let acme = scope(ACME, (7, start_time), None);
    store.adopt_attempts(&acme).await.unwrap();
    let id = AttemptId(Uuid::from_u128(1));
    let read = store.attempt(acme.workspace, id).await.unwrap().unwrap();
    expected.start.operation = Operation::Generate;
    expected.start.uids = AttemptUids {
        workspace: Some(acme.workspace),
        ..AttemptUids::default()
    };
    expected.outcome.service_tier.clear();
    expected.outcome.cost_nanos = None;
    if let Some(usage) = &mut expected.outcome.usage {
        usage.image_input_tokens = 0;
        usage.image_output_tokens = 0;
        usage.image_count = 0;
    }
    same(&read, &expected);
}

async fn an_attempt_belongs_to_the_workspace_that_had_the_name_then(fixture: Fixture) {
    let (database, connection) = first_release(&fixture).await;
    for (number, start_time) in [(1, 10), (2, 20), (3, 30)] {
        add(&connection, number, "", start_time).await;
    }
    let store = migrated(&database).await;
    assert_eq!(listed(&store, &scope(ACME, (7, 20), None)).await, [3, 2]);
    // That workspace was deleted, and another one got the name.
    assert!(listed(&store, &scope(ACME, (8, 40), None)).await.is_empty());
    assert_eq!(listed(&store, &scope(ACME, (7, 20), None)).await, [3, 2]);
}

async fn an_attempt_belongs_to_the_project_that_had_the_name_then(fixture: Fixture) {
    let (database, connection) = first_release(&fixture).await;
    for (number, project, start_time) in [(1, "web", 10), (2, "web", 20), (3, "", 30)] {
        add(&connection, number, project, start_time).await;
    }
    let store = migrated(&database).await;
    // Adopted by the workspace first.
    assert_eq!(listed(&store, &scope(ACME, (7, 0), None)).await, [3, 2, 1]);
    let web = scope(WEB, (7, 0), Some((9, 20)));
    assert_eq!(listed(&store, &web).await, [2]);
}
