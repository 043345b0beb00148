use latchkey_migrations::testing::{Backend, TestDatabase};
use sea_orm::{ConnectionTrait as _, DbBackend, QueryTrait as _};

use super::*;
use crate::store::Store;

/// The one database whose plan does not depend on how much is stored.
#[tokio::test]
async fn sqlite_finds_the_workspaces_that_a_switch_affects_by_an_index_alone() {
    let database = TestDatabase::fresh(Backend::Sqlite).await;
    let store = Store::connect(&database.url, 1).await.unwrap();
    store.migrate().await.unwrap();
    let platform = WorkspaceUid(Uuid::nil());
    let mut statement = without_switch(platform, ProviderId::OpenAi).build(DbBackend::Sqlite);
    statement.sql.insert_str(0, "EXPLAIN QUERY PLAN ");
    let steps = store.connection().query_all_raw(statement).await.unwrap();
    let steps = steps.iter().map(|step| step.try_get("", "detail").unwrap());
    let steps: Vec<String> = steps.collect();
    assert!(
        steps[0].contains("keys USING COVERING INDEX keys_own_of_provider"),
        "{steps:?}"
    );
    // Neither is what is found put in order afterwards.
    assert!(
        steps.iter().all(|step| !step.contains("TEMP B-TREE")),
        "{steps:?}"
    );
}
