//! Provider access of workspaces.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "provider_access")]
pub(in crate::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub provider: String,
    pub own_keys: Option<String>,
    pub chat: Option<String>,
    pub embeddings: Option<String>,
    pub images: Option<String>,
    pub allowed_models: String,
    pub denied_models: String,
    pub default_model: String,
    pub row_revision: i64,
    pub update_time: i64,
    pub row_mac: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
