//! The columns of attempts beside chat: other operations, images, service tiers.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, string};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One column per statement: SQLite accepts no more.
        for column in [
            string("operation").default("generate").take(),
            string("service_tier").default("").take(),
            big_integer("image_input_tokens").default(0).take(),
            big_integer("image_output_tokens").default(0).take(),
            big_integer("image_count").default(0).take(),
        ] {
            let altered = Table::alter().table("attempts").add_column(column).take();
            manager.alter_table(altered).await?;
        }
        Ok(())
    }
}
