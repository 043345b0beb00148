//! Members of workspaces.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, string, text, uuid, var_binary};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let members = Table::create()
            .table("members")
            .col(uuid("workspace_id"))
            .col(string("slug"))
            // A SPIFFE ID, or `token:{name}`.
            .col(text("identity"))
            .col(string("role"))
            .col(text("display_name"))
            .col(big_integer("row_revision"))
            .col(big_integer("create_time"))
            .col(big_integer("update_time"))
            .col(var_binary("row_mac", 32))
            .primary_key(Index::create().col("workspace_id").col("slug"))
            .foreign_key(
                ForeignKey::create()
                    .from("members", "workspace_id")
                    .to("workspaces", "id"),
            )
            .index(
                Index::create()
                    .unique()
                    .name("members_identity")
                    .col("workspace_id")
                    .col("identity"),
            )
            .take();
        manager.create_table(members).await
    }
}
