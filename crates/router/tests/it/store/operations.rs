//! Operations in the store, and rows written before the column existed.

use latchkey_migrations::testing::TestDatabase;
use latchkey_migrations::{MigratorTrait as _, RouterMigrator};
use latchkey_router::domain::attempt::{AttemptId, Operation};
use latchkey_router::store::{Dimension, Store};
use sea_orm::sea_query::Query;
use sea_orm::{ConnectionTrait as _, Database, Value};
use uuid::Uuid;

use super::{Fixture, MINE, all, ended, on_both_databases, same};
use crate::harness::ACME;

on_both_databases!(
    operations_are_summed_separately,
    a_row_of_the_previous_release_is_read,
);

async fn operations_are_summed_separately(fixture: Fixture) {
    let mut embedded = ended(2);
    embedded.start.operation = Operation::Embed;
    let mut kinds = [ended(1), ended(3)];
    for attempt in &mut kinds {
        if let Some(usage) = &mut attempt.outcome.usage {
            usage.reasoning_tokens = 0;
        }
        attempt.outcome.cost_nanos = Some(1);
    }
    let [first, second] = kinds;
    fixture.record(&[first, embedded, second]).await;
    let by = [Dimension::Operation];
    let rows = fixture.store.summarize(&all(), &by, 10).await.unwrap();
    let found: Vec<_> = rows
        .iter()
        .map(|(group, sums)| {
            let usage = sums.usage;
            let pictures = (
                usage.image_input_tokens,
                usage.image_output_tokens,
                usage.image_count,
            );
            (group.operation.as_deref(), sums.attempts, pictures)
        })
        .collect();
    let expected = [
        (Some("embed"), 1, (6, 7, 8)),
        (Some("generate_images"), 2, (12, 14, 16)),
    ];
    assert_eq!(found, expected);
}

/// A row of a router that supported chat only.
async fn a_row_of_the_previous_release_is_read(fixture: Fixture) {
    let database = TestDatabase::fresh(fixture.backend).await;
    let connection = Database::connect(&database.url).await.unwrap();
    RouterMigrator::up(&connection, Some(1)).await.unwrap();
    let row: [(&str, Value); 29] = [
        ("id", Uuid::from_u128(1).into()),
        ("journal_id", MINE.0.into()),
        ("workspace", "acme".into()),
        ("project", "".into()),
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
        ("start_time", 1_795_262_400_000_001_i64.into()),
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

    let store = Store::connect(&database.url, 1).await.unwrap();
    store.migrate().await.unwrap();
    let acme = ACME.parse().unwrap();
    let id = AttemptId(Uuid::from_u128(1));
    let read = store.attempt(&acme, id).await.unwrap().unwrap();
    let mut expected = ended(1);
    expected.start.operation = Operation::Generate;
    expected.outcome.service_tier.clear();
    expected.outcome.cost_nanos = None;
    if let Some(usage) = &mut expected.outcome.usage {
        usage.image_input_tokens = 0;
        usage.image_output_tokens = 0;
        usage.image_count = 0;
    }
    same(&read, &expected);
}
