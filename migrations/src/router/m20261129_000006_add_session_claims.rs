//! The claim of a session: one request at a time adds a turn to a transcript.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer_null, uuid_null};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One column per statement: SQLite accepts no more.
        for column in [
            // Of the request that adds a turn; null for none.
            uuid_null("claim"),
            // From then on the claim counts no more: its router may be gone.
            big_integer_null("claim_expire_time"),
        ] {
            let altered = Table::alter().table("sessions").add_column(column).take();
            manager.alter_table(altered).await?;
        }
        Ok(())
    }
}
