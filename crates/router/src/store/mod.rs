//! The router's database. Only this folder uses sea-orm.

mod adoption;
mod attempts;
mod catalogue;
mod claims;
mod entity;
mod error;
mod row;
mod sessions;
mod summary;
mod turns;

use std::path::PathBuf;
use std::time::Duration;

use latchkey_boot::config::SecretString;
use latchkey_migrations::{MigratorTrait as _, RouterMigrator, check_database_url};
use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode,
    TransactionOptions, TransactionTrait as _,
};
use serde::Deserialize;

pub use attempts::{AttemptFilter, Cursor};
pub use catalogue::{CatalogueRow, CatalogueRows};
pub use claims::Claim;
pub use error::StoreError;
pub use sessions::FirstAnswer;
pub use summary::{Dimension, Group, Sums};
pub use turns::{Appended, SealedTurn, TurnRange};

/// Which database, and how it is used.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `sqlite://{file}?mode=rwc` or `postgres://…`. Set this or `url_file`.
    pub url: Option<SecretString>,
    /// A file that holds the URL.
    pub url_file: Option<PathBuf>,
    /// Most connections at a time. Default 8.
    #[serde(default = "default_connections")]
    pub max_connections: u32,
}

const fn default_connections() -> u32 {
    8
}

/// The database. Clones share a pool of connections.
#[derive(Clone, Debug)]
pub struct Store {
    db: DatabaseConnection,
}

/// The maximum wait for a free connection and, on SQLite, for another writer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl Store {
    /// Opens the database at `url`. PostgreSQL is connected at the first use, so that a router starts
    /// and serves while its database is away.
    pub async fn connect(url: &str, max_connections: u32) -> Result<Self, StoreError> {
        check_database_url(url)?;
        let mut options = ConnectOptions::new(url);
        options
            .max_connections(max_connections)
            .acquire_timeout(CONNECT_TIMEOUT)
            .connect_lazy(!url.starts_with("sqlite:"))
            .sqlx_logging(false)
            .map_sqlx_sqlite_opts(|sqlite| {
                sqlite
                    .pragma("journal_mode", "WAL")
                    .pragma("synchronous", "FULL")
                    .busy_timeout(CONNECT_TIMEOUT)
            });
        Ok(Self {
            db: Database::connect(options).await?,
        })
    }

    /// Brings the schema up to date.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        RouterMigrator::up(&self.db, None)
            .await
            .map_err(StoreError::Migration)
    }

    /// Whether the schema is up to date.
    pub async fn is_current(&self) -> Result<bool, StoreError> {
        let pending = RouterMigrator::get_pending_migrations(&self.db).await;
        Ok(pending.map_err(StoreError::Migration)?.is_empty())
    }

    /// Begins a transaction.
    async fn begin_change(&self) -> Result<DatabaseTransaction, StoreError> {
        let options = TransactionOptions {
            // Taking the write lock at once avoids the deadlock of two readers that both upgrade.
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(self.db.begin_with_options(options).await?)
    }
}
