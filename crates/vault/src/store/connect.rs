//! The connection to the database and its schema.

use std::time::Duration;

use latchkey_boot::config::SecretString;
use latchkey_migrations::{MigratorTrait as _, VaultMigrator, check_database_url};
use sea_orm::{ConnectOptions, Database};
use serde::Deserialize;

use super::{Store, StoreError};

/// The configuration of the database.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `sqlite://{file}?mode=rwc` or `postgres://…`. Set this or `url_file`.
    pub url: Option<SecretString>,
    /// A file that holds the URL.
    pub url_file: Option<std::path::PathBuf>,
    /// Connections in the pool at most. Default 16.
    #[serde(default = "default_connections")]
    pub max_connections: u32,
}

const fn default_connections() -> u32 {
    16
}

/// How long a writer waits for another writer on SQLite, and a call for a free connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl Store {
    /// Opens the database that `url` names.
    pub async fn connect(url: &str, max_connections: u32) -> Result<Self, StoreError> {
        check_database_url(url)?;
        let mut options = ConnectOptions::new(url);
        options
            .max_connections(max_connections)
            .acquire_timeout(CONNECT_TIMEOUT)
            // Statements hold no secrets, but they fill the logs; spans measure the calls.
            .sqlx_logging(false)
            .map_sqlx_sqlite_opts(|sqlite| {
                sqlite
                    // A commit that was acknowledged survives a power cut; with WAL, readers and
                    // the writer don't wait for each other (SQLite documentation, "WAL").
                    .pragma("journal_mode", "WAL")
                    .pragma("synchronous", "FULL")
                    .pragma("foreign_keys", "ON")
                    // Overwrites deleted content, so that shredded ciphertexts are gone.
                    .pragma("secure_delete", "ON")
                    .busy_timeout(CONNECT_TIMEOUT)
            });
        let db = Database::connect(options).await?;
        Ok(Self { db })
    }

    /// Brings the schema up to date.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        VaultMigrator::up(&self.db, None)
            .await
            .map_err(StoreError::Migration)
    }

    /// Whether the schema is up to date. A service does not start on another schema.
    pub async fn is_current(&self) -> Result<bool, StoreError> {
        let pending = VaultMigrator::get_pending_migrations(&self.db).await;
        Ok(pending.map_err(StoreError::Migration)?.is_empty())
    }
}
