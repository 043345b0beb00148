//! Finds the keys that wait for another check without a look at all the others.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Refused keys alone are in it: it costs the others nothing.
        let refused = Index::create()
            .name("keys_quarantined")
            .table("keys")
            .col("id")
            .cond_where(Expr::col("state").eq(Expr::Constant("quarantined".into())))
            .take();
        manager.create_index(refused).await
    }
}
