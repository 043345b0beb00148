//! Sealed data keys.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "data_keys")]
pub(in crate::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    pub branch_key_id: Uuid,
    pub branch_version: i64,
    pub wrap_revision: i64,
    pub wrapped_data_key: Vec<u8>,
    pub payload: Vec<u8>,
    pub create_time: i64,
    pub row_mac: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
