//! The vault's database. Only this folder depends on sea-orm.
//!
//! Reads run on the pool, writes in a [`Unit`] that is committed or rolled back as a whole. A lookup of
//! a missing row returns `None`; a row that can't be a domain value is [`StoreError::Inconsistent`].

pub mod answers;
pub mod audit_events;
pub mod branch_keys;
mod connect;
pub mod data_keys;
mod entity;
mod error;
pub mod keys;
pub mod members;
pub mod overdue;
pub mod projects;
pub mod provider_access;
mod row;
pub mod versions;
pub mod workspaces;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode,
    TransactionOptions, TransactionTrait as _,
};

pub use connect::DatabaseConfig;
pub use error::StoreError;

/// A pool of connections.
#[derive(Clone, Debug)]
pub struct Store {
    db: DatabaseConnection,
}

/// A unit of changes: a transaction. Dropping it rolls it back.
#[derive(Debug)]
pub struct Unit {
    transaction: DatabaseTransaction,
}

/// A source of rows: the pool, or a unit of changes.
pub trait Rows: Sync {
    #[doc(hidden)]
    fn connection(&self) -> &impl ConnectionTrait;
}

impl Rows for Store {
    fn connection(&self) -> &impl ConnectionTrait {
        &self.db
    }
}

impl Rows for Unit {
    fn connection(&self) -> &impl ConnectionTrait {
        &self.transaction
    }
}

impl Store {
    /// Begins a unit of changes.
    pub async fn begin(&self) -> Result<Unit, StoreError> {
        let options = TransactionOptions {
            // Taking the write lock at once avoids a deadlock of two readers that both upgrade.
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let transaction = self.db.begin_with_options(options).await?;
        Ok(Unit { transaction })
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.db.ping().await?)
    }
}

impl Unit {
    /// Makes the changes durable.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.transaction.commit().await?)
    }
}
