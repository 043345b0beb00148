//! Answers to requests that may be repeated.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "answered_requests")]
pub(in crate::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub actor: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub request_id: Uuid,
    pub digest: Vec<u8>,
    pub answer: Vec<u8>,
    pub create_time: i64,
}

impl ActiveModelBehavior for ActiveModel {}
