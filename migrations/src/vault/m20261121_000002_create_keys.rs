//! Keys and their sealed versions.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, pk_uuid, string, string_null, text, uuid, uuid_null, var_binary,
};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let keys = Table::create()
            .table("keys")
            .col(pk_uuid("id"))
            .col(uuid("workspace_id"))
            .col(uuid_null("project_id"))
            // The project, or else the workspace: the slug is unique within it.
            .col(uuid("parent_id"))
            .col(string_null("slug"))
            .col(string("provider"))
            .col(text("display_name"))
            .col(text("default_model"))
            // JSON arrays and, for labels, a JSON object.
            .col(text("allowed_models"))
            .col(text("denied_models"))
            .col(text("labels"))
            .col(big_integer("priority"))
            .col(big_integer("weight"))
            .col(big_integer_null("expire_time"))
            .col(string("state"))
            .col(text("state_detail"))
            .col(big_integer("current_version"))
            .col(big_integer("row_revision"))
            .col(big_integer("create_time"))
            .col(big_integer("update_time"))
            .col(big_integer_null("delete_time"))
            // Not covered by the MAC: it changes with each use, to the minute, without a lock.
            .col(big_integer_null("last_used_time"))
            .col(var_binary("row_mac", 32))
            .foreign_key(
                ForeignKey::create()
                    .from("keys", "workspace_id")
                    .to("workspaces", "id"),
            )
            .foreign_key(
                ForeignKey::create()
                    .from("keys", "project_id")
                    .to("projects", "id"),
            )
            .index(
                Index::create()
                    .unique()
                    .name("keys_slug")
                    .col("parent_id")
                    .col("slug"),
            )
            .take();
        manager.create_table(keys).await?;
        // Resolving reads the live keys of one provider in a workspace.
        let by_provider = Index::create()
            .name("keys_provider")
            .table("keys")
            .col("workspace_id")
            .col("provider")
            .take();
        manager.create_index(by_provider).await?;

        let versions = Table::create()
            .table("key_versions")
            .col(uuid("key_id"))
            .col(big_integer("version"))
            .col(uuid("workspace_id"))
            .col(string("state"))
            .col(text("base_url"))
            .col(string("secret_kind"))
            .col(string("material_tail"))
            .col(var_binary("fingerprint", 16))
            .col(uuid("branch_key_id"))
            .col(big_integer("branch_version"))
            .col(big_integer("wrap_revision"))
            // Empty once destroyed.
            .col(ColumnDef::new("wrapped_data_key").binary().not_null())
            .col(ColumnDef::new("payload").binary().not_null())
            .col(string("verification_grade"))
            .col(text("verification_detail"))
            .col(big_integer("verify_time"))
            .col(big_integer("create_time"))
            .col(big_integer_null("destroy_time"))
            .col(var_binary("row_mac", 32))
            .primary_key(Index::create().col("key_id").col("version"))
            .foreign_key(
                ForeignKey::create()
                    .from("key_versions", "key_id")
                    .to("keys", "id"),
            )
            .take();
        manager.create_table(versions).await?;
        let by_fingerprint = Index::create()
            .name("key_versions_fingerprint")
            .table("key_versions")
            .col("workspace_id")
            .col("fingerprint")
            .take();
        manager.create_index(by_fingerprint).await
    }
}
