//! The audit log.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "audit_events")]
pub(in crate::store) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    pub event_time: i64,
    pub actor: String,
    pub method: String,
    pub resource: String,
    pub decision: String,
    pub reason: String,
    pub details: String,
}

impl ActiveModelBehavior for ActiveModel {}
