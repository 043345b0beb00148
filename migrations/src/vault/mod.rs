//! The vault's schema.

mod m20261121_000001_create_workspaces;
mod m20261121_000002_create_keys;
mod m20261121_000003_create_audit_events;
mod m20261126_000004_add_destinations;
mod m20261126_000005_index_refused_keys;
mod m20261126_000006_create_provider_access;
mod m20261126_000007_create_data_keys;
mod m20261126_000008_create_members;
mod m20261126_000009_add_policies;

use sea_orm_migration::prelude::*;

/// Brings a database to the vault's current schema.
#[derive(Debug)]
pub struct VaultMigrator;

#[async_trait::async_trait]
impl MigratorTrait for VaultMigrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_create_workspaces::Migration),
            Box::new(m20261121_000002_create_keys::Migration),
            Box::new(m20261121_000003_create_audit_events::Migration),
            Box::new(m20261126_000004_add_destinations::Migration),
            Box::new(m20261126_000005_index_refused_keys::Migration),
            Box::new(m20261126_000006_create_provider_access::Migration),
            Box::new(m20261126_000007_create_data_keys::Migration),
            Box::new(m20261126_000008_create_members::Migration),
            Box::new(m20261126_000009_add_policies::Migration),
        ]
    }

    fn migration_table_name() -> DynIden {
        "vault_migrations".into_iden()
    }
}
