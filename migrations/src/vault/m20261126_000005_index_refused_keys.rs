//! The index that finds the keys that wait for a recheck, without a scan of the other keys.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Only refused keys are in the index, so other keys do not pay for it.
        let refused = Index::create()
            .name("keys_quarantined")
            .table("keys")
            .col("id")
            .cond_where(Expr::col("state").eq(Expr::Constant("quarantined".into())))
            .take();
        manager.create_index(refused).await
    }
}
