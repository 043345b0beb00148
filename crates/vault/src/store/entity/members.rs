//! Members of workspaces.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "members")]
pub(in crate::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub slug: String,
    pub identity: String,
    pub role: String,
    pub display_name: String,
    pub row_revision: i64,
    pub create_time: i64,
    pub update_time: i64,
    pub row_mac: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
