//! The router's schema.

mod m20261121_000001_create_attempts;
mod m20261126_000002_extend_attempts;
mod m20261126_000003_create_catalogue_models;
mod m20261126_000004_create_sessions;
mod m20261129_000005_add_uids;
mod m20261129_000006_add_session_claims;

use sea_orm_migration::prelude::*;

/// Brings a database to the router's current schema.
#[derive(Debug)]
pub struct RouterMigrator;

#[async_trait::async_trait]
impl MigratorTrait for RouterMigrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_create_attempts::Migration),
            Box::new(m20261126_000002_extend_attempts::Migration),
            Box::new(m20261126_000003_create_catalogue_models::Migration),
            Box::new(m20261126_000004_create_sessions::Migration),
            Box::new(m20261129_000005_add_uids::Migration),
            Box::new(m20261129_000006_add_session_claims::Migration),
        ]
    }

    fn migration_table_name() -> DynIden {
        "router_migrations".into_iden()
    }
}
