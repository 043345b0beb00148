//! One row per session.

#![expect(
    clippy::struct_field_names,
    reason = "the columns' names; the macro calls every row Model"
)]

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "sessions")]
pub(in crate::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub uid: Uuid,
    pub workspace: String,
    pub session_id: String,
    pub project: String,
    pub display_name: String,
    pub key: String,
    pub provider: String,
    pub model: String,
    pub strict: bool,
    pub data_key: Option<Uuid>,
    pub turn_count: i64,
    pub size: i64,
    pub retention_micros: i64,
    pub revision: i64,
    pub creator: String,
    pub create_time: i64,
    pub update_time: i64,
    pub last_use_time: i64,
    pub expire_time: i64,
    pub request_id: Option<Uuid>,
    pub request_digest: Option<Vec<u8>>,
    pub first_answer: Option<Vec<u8>>,
    pub workspace_uid: Option<Uuid>,
    pub project_uid: Option<Uuid>,
    pub claim: Option<Uuid>,
    pub claim_expire_time: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
