//! The destinations of keys, Azure's deployments, and workspaces' fallbacks. A replica of the release
//! before does not change them, and writes rows without them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::text;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// Each is empty for the default.
const COLUMNS: [(&str, &str); 5] = [
    ("key_versions", "location"),
    ("key_versions", "cloud_project"),
    ("key_versions", "api_version"),
    // A JSON object: deployments by model.
    ("keys", "deployments"),
    // A JSON array of `{provider}/{model}`.
    ("workspaces", "fallbacks"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time.
        for (table, column) in COLUMNS {
            let step = Table::alter()
                .table(table)
                .add_column(text(column).default(""))
                .take();
            manager.alter_table(step).await?;
        }
        Ok(())
    }
}
