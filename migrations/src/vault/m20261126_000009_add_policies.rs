//! Who may pay and what requests may do, by workspace, project and key. A replica of the release before
//! leaves the columns as they are, and writes rows without them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::text;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// Each is empty where there is nothing to say.
const COLUMNS: [(&str, &str); 5] = [
    // JSON: the funding policy and the rules.
    ("workspaces", "policy"),
    ("projects", "policy"),
    // JSON: what the key says of the funding policy.
    ("keys", "funding"),
    // A JSON array of identities, or prefixes of them with a trailing `*`.
    ("keys", "allowed_callers"),
    // `zero` where the provider keeps nothing.
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
