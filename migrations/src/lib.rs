//! The schemas of the vault and of the router, as steps that expand before they contract.
//!
//! The two share no table and may live in one database or in two; each keeps its own list of the
//! steps already taken. Times are microseconds since the Unix epoch, so that SQLite and PostgreSQL
//! hold exactly the same value. How to add a step: see this folder's README.

mod database_url;
mod router;
#[cfg(feature = "testing")]
pub mod testing;
mod vault;

pub use database_url::check_database_url;
pub use router::RouterMigrator;
pub use sea_orm_migration::MigratorTrait;
pub use vault::VaultMigrator;
