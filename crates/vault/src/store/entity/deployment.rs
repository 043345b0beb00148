//! The one row that names this deployment.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "deployment")]
pub(in crate::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub singleton: i64,
    pub id: Uuid,
    pub create_time: i64,
}

impl ActiveModelBehavior for ActiveModel {}
