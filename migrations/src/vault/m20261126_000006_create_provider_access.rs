//! What the operator makes available of each provider, to all workspaces and to single ones.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, string, string_null, text, uuid, var_binary};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let access = Table::create()
            .table("provider_access")
            // The platform's rows hold for all workspaces.
            .col(uuid("workspace_id"))
            .col(string("provider"))
            // `on` or `off`; null for no switch.
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
        // Switching own keys of a provider affects the workspaces that have some. This index alone
        // finds them, however many keys of other providers exist. It recognises live keys by their
        // times and not by their names, so that no other query uses it.
        let holders = Index::create()
            .name("keys_own_of_provider")
            .table("keys")
            .col("provider")
            .col("workspace_id")
            // Null in every entry; with it SQLite need not read the rows.
            .col("delete_time")
            .cond_where(Expr::col("delete_time").is_null())
            .take();
        manager.create_index(holders).await
    }
}
