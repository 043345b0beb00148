//! Sessions and their turns.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, boolean, pk_uuid, string, text, uuid, uuid_null};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sessions = Table::create()
            .table("sessions")
            // Distinguishes it from an earlier session of the same name.
            .col(pk_uuid("uid"))
            .col(string("workspace"))
            .col(string("session_id"))
            // Empty for a session of the workspace itself.
            .col(string("project"))
            .col(text("display_name"))
            .col(text("key"))
            .col(string("provider"))
            .col(text("model"))
            .col(boolean("strict"))
            // The last segment of the data key's name; null for a session without a transcript.
            .col(uuid_null("data_key"))
            .col(big_integer("turn_count"))
            // Bytes of its turns before they were sealed.
            .col(big_integer("size"))
            .col(big_integer("retention_micros"))
            .col(big_integer("revision"))
            .col(text("creator"))
            .col(big_integer("create_time"))
            .col(big_integer("update_time"))
            .col(big_integer("last_use_time"))
            // The last use plus the retention, so that expired sessions are found by an index.
            .col(big_integer("expire_time"))
            // Of a repeatable creation: the digest of the request, and the answer.
            .col(uuid_null("request_id"))
            .col(ColumnDef::new("request_digest").binary().null())
            .col(ColumnDef::new("first_answer").binary().null())
            .take();
        manager.create_table(sessions).await?;
        let turns = Table::create()
            .table("turns")
            .col(uuid("session_uid"))
            // Counts from 1, without gaps.
            .col(big_integer("number"))
            .col(string("provider"))
            .col(text("model"))
            .col(text("key_version"))
            .col(string("payer"))
            .col(string("finish_reason"))
            .col(big_integer("create_time"))
            // Bytes before it was sealed.
            .col(big_integer("size"))
            .col(ColumnDef::new("sealed").binary().not_null())
            .primary_key(Index::create().col("session_uid").col("number"))
            .take();
        manager.create_table(turns).await?;
        for (name, columns, unique) in [
            ("sessions_name", &["workspace", "session_id"][..], true),
            ("sessions_request", &["creator", "request_id"][..], true),
            ("sessions_expiry", &["expire_time"][..], false),
        ] {
            let mut index = Index::create();
            index.name(name).table("sessions");
            for column in columns {
                index.col(*column);
            }
            if unique {
                index.unique();
            }
            manager.create_index(index.take()).await?;
        }
        Ok(())
    }
}
