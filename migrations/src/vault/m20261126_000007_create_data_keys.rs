//! Sealed data keys, which routers seal with on behalf of workspaces.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, pk_uuid, uuid, var_binary};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let data_keys = Table::create()
            .table("data_keys")
            .col(pk_uuid("id"))
            .col(uuid("workspace_id"))
            .col(uuid("branch_key_id"))
            .col(big_integer("branch_version"))
            .col(big_integer("wrap_revision"))
            .col(ColumnDef::new("wrapped_data_key").binary().not_null())
            .col(ColumnDef::new("payload").binary().not_null())
            .col(big_integer("create_time"))
            .col(var_binary("row_mac", 32))
            .foreign_key(
                ForeignKey::create()
                    .from("data_keys", "workspace_id")
                    .to("workspaces", "id"),
            )
            .take();
        manager.create_table(data_keys).await?;
        // Deleted with their workspace.
        let by_workspace = Index::create()
            .name("data_keys_workspace")
            .table("data_keys")
            .col("workspace_id")
            .take();
        manager.create_index(by_workspace).await
    }
}
