//! The operators' entries of the model catalogue, and the count of their changes.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, string, text};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let models = Table::create()
            .table("catalogue_models")
            .col(string("provider"))
            .col(text("model"))
            // JSON, in the form that the router's catalogue reads.
            .col(text("body"))
            .col(big_integer("update_time"))
            .primary_key(Index::create().col("provider").col("model"))
            .take();
        manager.create_table(models).await?;
        // One row. Each change of the table above increments it in the same transaction, so that
        // routers notice changes by reading one number.
        let revision = Table::create()
            .table("catalogue_revision")
            .col(big_integer("id").primary_key())
            .col(big_integer("revision"))
            .take();
        manager.create_table(revision).await?;
        let first = Query::insert()
            .into_table("catalogue_revision")
            .columns(["id", "revision"])
            .values_panic([1.into(), 0.into()])
            .take();
        manager.execute(first).await
    }
}
