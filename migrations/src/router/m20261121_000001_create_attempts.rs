//! One row per attempt.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, boolean, pk_uuid, string, text, uuid,
};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let attempts = Table::create()
            .table("attempts")
            // A version 7 UUID, so that ids sort by time.
            .col(pk_uuid("id"))
            // The journal that it came from: its router closes open attempts after a restart.
            .col(uuid("journal_id"))
            .col(string("workspace"))
            // Empty for a request of the workspace itself.
            .col(string("project"))
            .col(text("key"))
            .col(big_integer("key_version"))
            .col(string("material_tail"))
            .col(string("payer"))
            .col(string("provider"))
            .col(text("model"))
            .col(text("served_model"))
            .col(text("requester"))
            .col(string("origin"))
            .col(boolean("streamed"))
            .col(string("state"))
            .col(string("error_reason"))
            .col(big_integer("http_status"))
            .col(text("provider_request_id"))
            .col(big_integer("start_time"))
            .col(big_integer_null("first_byte_micros"))
            .col(big_integer_null("latency_micros"))
            .col(big_integer("input_tokens"))
            .col(big_integer("cache_read_tokens"))
            .col(big_integer("cache_write_tokens"))
            .col(big_integer("cache_write_1h_tokens"))
            .col(big_integer("output_tokens"))
            .col(big_integer("reasoning_tokens"))
            .col(string("certainty"))
            .col(big_integer_null("cost_nanos"))
            .col(string("price_version"))
            .take();
        manager.create_table(attempts).await?;
        for (name, columns) in [
            ("attempts_time", &["workspace", "start_time", "id"][..]),
            // Finds the open attempts of a restarted router.
            ("attempts_open", &["journal_id", "state"][..]),
        ] {
            let mut index = Index::create();
            index.name(name).table("attempts");
            for column in columns {
                index.col(*column);
            }
            manager.create_index(index.take()).await?;
        }
        Ok(())
    }
}
