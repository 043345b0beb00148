//! The catalogue in the store, on both databases.

use latchkey_clock::Timestamp;
use latchkey_migrations::testing::{Backend, TestDatabase};
use latchkey_router::store::{CatalogueRow, CatalogueRows, Store};

async fn opened(backend: Backend) -> (Store, TestDatabase) {
    let database = TestDatabase::fresh(backend).await;
    let store = Store::connect(&database.url, 4).await.unwrap();
    store.migrate().await.unwrap();
    (store, database)
}

fn row(model: &str, body: &str) -> CatalogueRow {
    CatalogueRow {
        provider: "custom".to_owned(),
        model: model.to_owned(),
        body: body.to_owned(),
        update_time: Timestamp::from_micros(7),
    }
}

async fn rows_are_stored_and_changes_counted(backend: Backend) {
    let (store, _database) = opened(backend).await;
    assert_eq!(
        store.catalogue_rows().await.unwrap(),
        CatalogueRows::default()
    );
    let (a, b) = (row("a", "{}"), row("b/c", "{\"x\":\"\u{e9}\"}"));
    assert!(store.put_catalogue_row(&b, 0).await.unwrap());
    assert!(store.put_catalogue_row(&a, 1).await.unwrap());
    let both = CatalogueRows {
        revision: 2,
        rows: vec![a.clone(), b.clone()],
    };
    assert_eq!(store.catalogue_rows().await.unwrap(), both);
    let again = row("a", "[]");
    assert!(store.put_catalogue_row(&again, 2).await.unwrap());
    assert!(store.delete_catalogue_row("custom", "b/c").await.unwrap());
    let one = CatalogueRows {
        revision: 4,
        rows: vec![again],
    };
    assert_eq!(store.catalogue_rows().await.unwrap(), one);
    // Neither write is a change.
    assert!(!store.delete_catalogue_row("custom", "b/c").await.unwrap());
    assert!(!store.delete_catalogue_row("openai", "a").await.unwrap());
    assert!(!store.put_catalogue_row(&b, 3).await.unwrap());
    assert_eq!(store.catalogue_rows().await.unwrap(), one);
    assert_eq!(store.catalogue_revision().await.unwrap(), 4);
}

async fn only_one_of_several_writers_of_one_revision_succeeds(backend: Backend) {
    let (store, _database) = opened(backend).await;
    let write = |index: usize| {
        let store = store.clone();
        async move {
            store
                .put_catalogue_row(&row(&format!("m{index}"), "{}"), 0)
                .await
        }
    };
    let written = futures_util::future::join_all((0..4).map(write)).await;
    let successes = written
        .into_iter()
        .filter(|written| *written.as_ref().unwrap());
    assert_eq!(successes.count(), 1);
    assert_eq!(store.catalogue_rows().await.unwrap().rows.len(), 1);
}

macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            use latchkey_migrations::testing::Backend;

            #[tokio::test]
            async fn postgres() {
                super::$test(Backend::Postgres).await;
            }

            #[tokio::test]
            async fn sqlite() {
                super::$test(Backend::Sqlite).await;
            }
        }
    )+};
}

on_both!(
    rows_are_stored_and_changes_counted,
    only_one_of_several_writers_of_one_revision_succeeds,
);
