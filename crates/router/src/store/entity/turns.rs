//! One row per turn of a transcript.

#![expect(
    clippy::struct_field_names,
    reason = "the columns' names; the macro calls every row Model"
)]

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "turns")]
pub(in crate::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub session_uid: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    pub provider: String,
    pub model: String,
    pub key_version: String,
    pub payer: String,
    pub finish_reason: String,
    pub create_time: i64,
    pub size: i64,
    pub sealed: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
