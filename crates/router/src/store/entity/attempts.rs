//! One row per attempt.

#![expect(
    clippy::struct_field_names,
    reason = "the columns' names; the macro calls every row Model"
)]

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "attempts")]
pub(in crate::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub journal_id: Uuid,
    pub workspace: String,
    pub project: String,
    pub key: String,
    pub key_version: i64,
    pub material_tail: String,
    pub payer: String,
    pub provider: String,
    pub model: String,
    pub served_model: String,
    pub requester: String,
    pub origin: String,
    pub streamed: bool,
    pub state: String,
    pub error_reason: String,
    pub http_status: i64,
    pub provider_request_id: String,
    pub start_time: i64,
    pub first_byte_micros: Option<i64>,
    pub latency_micros: Option<i64>,
    pub input_tokens: i64,
    pub cache_read_tokens: i64,
    pub cache_write_tokens: i64,
    #[sea_orm(column_name = "cache_write_1h_tokens")]
    pub cache_write_1h_tokens: i64,
    pub output_tokens: i64,
    pub reasoning_tokens: i64,
    pub image_input_tokens: i64,
    pub image_output_tokens: i64,
    pub image_count: i64,
    pub certainty: String,
    pub cost_nanos: Option<i64>,
    pub price_version: String,
    pub operation: String,
    pub service_tier: String,
    pub workspace_uid: Option<Uuid>,
    pub project_uid: Option<Uuid>,
    pub key_uid: Option<Uuid>,
}

impl ActiveModelBehavior for ActiveModel {}
