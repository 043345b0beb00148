//! The deployment, its workspaces (the platform is one of them), projects and branch keys.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, pk_uuid, string, string_null, text, uuid, var_binary,
};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let deployment = Table::create()
            .table("deployment")
            // One row: the primary key is always 1.
            .col(big_integer("singleton").primary_key())
            .col(uuid("id"))
            .col(big_integer("create_time"))
            .take();
        manager.create_table(deployment).await?;

        let workspaces = Table::create()
            .table("workspaces")
            .col(pk_uuid("id"))
            // Null once deleted, so that the name can be used again.
            .col(string_null("slug").unique_key())
            .col(text("display_name"))
            .col(big_integer("revision"))
            .col(big_integer("audit_sequence"))
            .col(big_integer("row_revision"))
            .col(big_integer("create_time"))
            .col(big_integer("update_time"))
            .col(big_integer_null("delete_time"))
            .col(var_binary("row_mac", 32))
            .take();
        manager.create_table(workspaces).await?;

        let projects = Table::create()
            .table("projects")
            .col(pk_uuid("id"))
            .col(uuid("workspace_id"))
            .col(string_null("slug"))
            .col(text("display_name"))
            .col(big_integer("row_revision"))
            .col(big_integer("create_time"))
            .col(big_integer("update_time"))
            .col(big_integer_null("delete_time"))
            .col(var_binary("row_mac", 32))
            .foreign_key(
                ForeignKey::create()
                    .from("projects", "workspace_id")
                    .to("workspaces", "id"),
            )
            .index(
                Index::create()
                    .unique()
                    .name("projects_slug")
                    .col("workspace_id")
                    .col("slug"),
            )
            .take();
        manager.create_table(projects).await?;

        let branch_keys = Table::create()
            .table("branch_keys")
            .col(pk_uuid("id"))
            .col(uuid("workspace_id"))
            // `branch` wraps data keys; `lookup` makes fingerprints and row MACs.
            .col(string("purpose"))
            .col(big_integer("version"))
            .col(string("root_key"))
            .col(big_integer("root_version"))
            .col(ColumnDef::new("wrapped").binary().not_null())
            .col(big_integer("create_time"))
            .foreign_key(
                ForeignKey::create()
                    .from("branch_keys", "workspace_id")
                    .to("workspaces", "id"),
            )
            .index(
                Index::create()
                    .unique()
                    .name("branch_keys_version")
                    .col("workspace_id")
                    .col("purpose")
                    .col("version"),
            )
            .take();
        manager.create_table(branch_keys).await
    }
}
