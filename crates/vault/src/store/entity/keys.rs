//! Keys.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "keys")]
pub(in crate::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    pub project_id: Option<Uuid>,
    pub parent_id: Uuid,
    pub slug: Option<String>,
    pub provider: String,
    pub display_name: String,
    pub default_model: String,
    pub allowed_models: String,
    pub denied_models: String,
    pub labels: String,
    pub priority: i64,
    pub weight: i64,
    pub expire_time: Option<i64>,
    pub state: String,
    pub state_detail: String,
    pub current_version: i64,
    pub row_revision: i64,
    pub create_time: i64,
    pub update_time: i64,
    pub delete_time: Option<i64>,
    pub last_used_time: Option<i64>,
    pub deployments: String,
    pub funding: String,
    pub allowed_callers: String,
    pub retention: String,
    pub row_mac: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
