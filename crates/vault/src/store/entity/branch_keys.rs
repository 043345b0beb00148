//! Branch and lookup keys, wrapped under a root key.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "branch_keys")]
pub(in crate::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    pub purpose: String,
    pub version: i64,
    pub root_key: String,
    pub root_version: i64,
    pub wrapped: Vec<u8>,
    pub create_time: i64,
}

impl ActiveModelBehavior for ActiveModel {}
