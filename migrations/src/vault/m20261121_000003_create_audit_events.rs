//! The audit log, and the answers to requests that may be repeated.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, string, text, uuid, var_binary};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let events = Table::create()
            .table("audit_events")
            .col(uuid("workspace_id"))
            .col(big_integer("sequence"))
            .col(big_integer("event_time"))
            .col(text("actor"))
            .col(text("method"))
            .col(text("resource"))
            .col(string("decision"))
            .col(string("reason"))
            // A JSON object of texts.
            .col(text("details"))
            .primary_key(Index::create().col("workspace_id").col("sequence"))
            .foreign_key(
                ForeignKey::create()
                    .from("audit_events", "workspace_id")
                    .to("workspaces", "id"),
            )
            .take();
        manager.create_table(events).await?;

        let answers = Table::create()
            .table("answered_requests")
            .col(text("actor"))
            .col(uuid("request_id"))
            // SHA-256 of the method and the request.
            .col(var_binary("digest", 32))
            // The answer, encoded; it never holds material.
            .col(ColumnDef::new("answer").binary().not_null())
            .col(big_integer("create_time"))
            .primary_key(Index::create().col("actor").col("request_id"))
            .take();
        manager.create_table(answers).await
    }
}
