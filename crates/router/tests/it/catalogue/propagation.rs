//! Changes of the catalogue by other routers and in files.

use std::time::Duration;

use latchkey_migrations::testing::{Backend, TestDatabase};
use tempfile::TempDir;
use tonic::Code;

use super::{GPT_4_1, delete, get, priced, upsert, version};
use crate::harness::{APP, Router, refused};

/// Two routers over one database that poll for changes continuously.
async fn pair(backend: Backend) -> (Router, Router) {
    let quick = |config: &mut latchkey_router::config::RouterConfig| {
        config.catalogue.reload_seconds = Duration::from_millis(1);
    };
    let one = Router::start_with(backend, quick).await;
    let same = TestDatabase {
        url: one.database.url.clone(),
        folder: None,
    };
    let two = Router::start_over(same, quick).await;
    (one, two)
}

async fn a_change_reaches_all_routers(backend: Backend) {
    let (one, two) = pair(backend).await;
    let model = upsert(&one, priced(GPT_4_1, 7)).await.unwrap();
    while version(&two).await != model.price_version {}
    assert_eq!(get(&two, APP, GPT_4_1).await.unwrap(), model);
    delete(&two, GPT_4_1).await.unwrap();
    while version(&one).await == model.price_version {}
    assert!(!get(&one, APP, GPT_4_1).await.unwrap().overridden);
}

#[tokio::test]
async fn a_change_reaches_all_routers_on_sqlite() {
    a_change_reaches_all_routers(Backend::Sqlite).await;
}

#[tokio::test]
async fn a_change_reaches_all_routers_on_postgres() {
    a_change_reaches_all_routers(Backend::Postgres).await;
}

#[tokio::test]
async fn a_running_router_loads_a_changed_file() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("ours.toml");
    let write = |version: &str| {
        let text = format!(
            "version = \"{version}\"\n[[models]]\nprovider = \"custom\"\nid = \"{version}\""
        );
        std::fs::write(&file, text).unwrap();
    };
    write("ours-1");
    let router = Router::start_with(Backend::Sqlite, |config| {
        config.catalogue.extend = vec![file.clone()];
        config.catalogue.reload_seconds = Duration::from_millis(1);
    })
    .await;
    assert!(version(&router).await.ends_with("+ours-1"));
    write("ours-22");
    while !version(&router).await.ends_with("+ours-22") {}
    let ours = get(&router, APP, "providers/custom/models/ours-22").await;
    assert!(!ours.unwrap().overridden);
    let gone = get(&router, APP, "providers/custom/models/ours-1").await;
    refused(gone, Code::NotFound, "MODEL_NOT_FOUND");
}
