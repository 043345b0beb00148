//! Sealed versions of keys.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "key_versions")]
pub(in crate::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub key_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: i64,
    pub workspace_id: Uuid,
    pub state: String,
    pub base_url: String,
    pub secret_kind: String,
    pub material_tail: String,
    pub fingerprint: Vec<u8>,
    pub branch_key_id: Uuid,
    pub branch_version: i64,
    pub wrap_revision: i64,
    pub wrapped_data_key: Vec<u8>,
    pub payload: Vec<u8>,
    pub verification_grade: String,
    pub verification_detail: String,
    pub verify_time: i64,
    pub create_time: i64,
    pub destroy_time: Option<i64>,
    pub location: String,
    pub cloud_project: String,
    pub api_version: String,
    pub row_mac: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
