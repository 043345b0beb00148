use latchkey_migrations::testing::{Backend, TestDatabase};
use sea_orm::{ConnectionTrait as _, DbBackend, QueryTrait as _};

use super::*;
use crate::store::Store;

/// The one database whose plan does not depend on how much is stored.
#[tokio::test]
async fn sqlite_finds_the_queue_by_an_index_of_refused_keys_alone() {
    let database = TestDatabase::fresh(Backend::Sqlite).await;
    let store = Store::connect(&database.url, 1).await.unwrap();
    store.migrate().await.unwrap();
    let now = Timestamp::UNIX_EPOCH;
    let position = QueuePosition {
        since: now,
        key: KeyUid(uuid::Uuid::nil()),
    };
    for after in [None, Some(position)] {
        let mut statement = queue(&ProviderId::ALL, now, now, after).build(DbBackend::Sqlite);
        statement.sql.insert_str(0, "EXPLAIN QUERY PLAN ");
        let steps = store.connection().query_all_raw(statement).await.unwrap();
        let steps = steps.iter().map(|step| step.try_get("", "detail").unwrap());
        let steps: Vec<String> = steps.collect();
        assert!(
            steps[0].contains("keys USING INDEX keys_quarantined"),
            "{steps:?}"
        );
        assert!(steps[1].contains("key_versions USING INDEX"), "{steps:?}");
    }
}
