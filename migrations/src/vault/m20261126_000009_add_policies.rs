//! The funding policies and usage rules of workspaces, projects and keys. A replica of the release
//! before does not change the columns, and writes rows without them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::text;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// Each is empty for the default.
const COLUMNS: [(&str, &str); 5] = [
    // JSON: the funding policy and the usage rules.
    ("workspaces", "policy"),
    ("projects", "policy"),
    // JSON: the funding policy of the key.
    ("keys", "funding"),
    // A JSON array of identities, or prefixes of them with a trailing `*`.
    ("keys", "allowed_callers"),
    // `zero` for a key without retention.
    ("keys", "retention"),
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
