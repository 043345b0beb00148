//! One row per model that an operator overrides.

#![expect(
    clippy::struct_field_names,
    reason = "the columns' names; the macro calls every row Model"
)]

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "catalogue_models")]
pub(in crate::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub provider: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub model: String,
    pub body: String,
    pub update_time: i64,
}

impl ActiveModelBehavior for ActiveModel {}
