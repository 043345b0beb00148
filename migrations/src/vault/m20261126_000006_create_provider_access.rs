//! What the operator allows of each provider, to everybody and to single workspaces.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, string, string_null, text, uuid, var_binary};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let access = Table::create()
            .table("provider_access")
            // The platform's rows are for everybody.
            .col(uuid("workspace_id"))
            .col(string("provider"))
            // `on` or `off`; null where nothing was decided.
            .col(string_null("own_keys"))
            .col(string_null("chat"))
            .col(string_null("embeddings"))
            .col(string_null("images"))
            // JSON arrays.
            .col(text("allowed_models"))
            .col(text("denied_models"))
            .col(text("default_model"))
            .col(big_integer("row_revision"))
            .col(big_integer("update_time"))
            .col(var_binary("row_mac", 32))
            .primary_key(Index::create().col("workspace_id").col("provider"))
            .foreign_key(
                ForeignKey::create()
                    .from("provider_access", "workspace_id")
                    .to("workspaces", "id"),
            )
            .take();
        manager.create_table(access).await?;
        // Switching a provider's own keys off or on concerns the workspaces that have some. Found in
        // this index alone, however many keys of other providers there are. Live keys are told by
        // their times here, not by their names as elsewhere, so that no other query is drawn to it.
        let holders = Index::create()
            .name("keys_own_of_provider")
            .table("keys")
            .col("provider")
            .col("workspace_id")
            // Null in every entry; with it SQLite need not look at the rows.
            .col("delete_time")
            .cond_where(Expr::col("delete_time").is_null())
            .take();
        manager.create_index(holders).await
    }
}
