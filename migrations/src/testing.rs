//! Databases for tests: a fresh one for each test, of either kind.

use sea_orm_migration::sea_orm::{ConnectionTrait as _, Database};
use tempfile::TempDir;

/// The kinds of database that both services support.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Backend {
    /// The server in `LATCHKEY_TEST_POSTGRES`, which `.ci/test` starts.
    Postgres,
    /// A file in a temporary folder.
    Sqlite,
}

impl Backend {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Postgres, Self::Sqlite];
}

/// The database of one test.
#[derive(Debug)]
pub struct TestDatabase {
    /// Its URL.
    pub url: String,
    /// The folder of its file, where it is one.
    pub folder: Option<TempDir>,
}

impl TestDatabase {
    /// A new, empty database. A test that finds no PostgreSQL fails: a suite never passes by
    /// skipping.
    #[expect(
        clippy::disallowed_methods,
        reason = "tests take the server from `.ci/test`"
    )]
    pub async fn fresh(backend: Backend) -> Self {
        match backend {
            Backend::Sqlite => {
                let folder = TempDir::new().expect("the temporary folder is writable");
                let url = format!(
                    "sqlite://{}?mode=rwc",
                    folder.path().join("test.db").display()
                );
                Self {
                    url,
                    folder: Some(folder),
                }
            }
            Backend::Postgres => {
                let server = std::env::var("LATCHKEY_TEST_POSTGRES")
                    .expect("LATCHKEY_TEST_POSTGRES is not set: run the tests by .ci/test");
                let name = format!("latchkey_{}", uuid::Uuid::new_v4().simple());
                let admin = Database::connect(format!("{server}/postgres"))
                    .await
                    .expect("the server in LATCHKEY_TEST_POSTGRES answers");
                admin
                    .execute_unprepared(&format!("CREATE DATABASE {name}"))
                    .await
                    .expect("the test user may create databases");
                Self {
                    url: format!("{server}/{name}"),
                    folder: None,
                }
            }
        }
    }
}
