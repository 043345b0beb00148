//! What operators say of models. A number counts the changes, so that a reader learns by it alone
//! whether there are any.

use latchkey_clock::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel as _, Iterable as _,
    QueryFilter as _, QueryOrder as _,
};

use super::entity::{catalogue_models, catalogue_revision};
use super::{Store, StoreError};

/// What an operator said of a model.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CatalogueRow {
    /// The provider's id.
    pub provider: String,
    /// What the provider calls it.
    pub model: String,
    /// What was said.
    pub body: String,
    /// When.
    pub update_time: Timestamp,
}

/// All that was said, as of one revision.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CatalogueRows {
    /// Counts the changes before.
    pub revision: i64,
    /// By provider, then by model.
    pub rows: Vec<CatalogueRow>,
}

impl Store {
    /// Counts the changes so far.
    pub async fn catalogue_revision(&self) -> Result<i64, StoreError> {
        let row = catalogue_revision::Entity::find().one(&self.db).await?;
        Ok(row.map_or(0, |row| row.revision))
    }

    /// All that was said.
    pub async fn catalogue_rows(&self) -> Result<CatalogueRows, StoreError> {
        // Between two readings of the same number nothing has changed, on any database.
        let mut revision = self.catalogue_revision().await?;
        loop {
            let found = catalogue_models::Entity::find()
                .order_by_asc(catalogue_models::Column::Provider)
                .order_by_asc(catalogue_models::Column::Model)
                .all(&self.db)
                .await?;
            let after = self.catalogue_revision().await?;
            if after == revision {
                let rows = found.into_iter().map(from_row).collect();
                return Ok(CatalogueRows { revision, rows });
            }
            revision = after;
        }
    }

    /// Writes what was said of a model, if nothing has changed since `revision`. Returns whether it
    /// did.
    pub async fn put_catalogue_row(
        &self,
        row: &CatalogueRow,
        revision: i64,
    ) -> Result<bool, StoreError> {
        use catalogue_models::{Column, Entity};
        let change = self.begin_change().await?;
        let unchanged = catalogue_revision::Column::Revision.eq(revision);
        if !count_change(&change, Some(unchanged)).await? {
            return Ok(false);
        }
        let keys = [Column::Provider, Column::Model];
        let others =
            Column::iter().filter(|column| matches!(column, Column::Body | Column::UpdateTime));
        Entity::insert(to_row(row).into_active_model())
            .on_conflict(OnConflict::columns(keys).update_columns(others).to_owned())
            .exec_without_returning(&change)
            .await?;
        change.commit().await?;
        Ok(true)
    }

    /// Takes back what was said of a model. Returns whether there was anything.
    pub async fn delete_catalogue_row(
        &self,
        provider: &str,
        model: &str,
    ) -> Result<bool, StoreError> {
        use catalogue_models::{Column, Entity};
        let change = self.begin_change().await?;
        count_change(&change, None).await?;
        let deleted = Entity::delete_many()
            .filter(Column::Provider.eq(provider))
            .filter(Column::Model.eq(model))
            .exec(&change)
            .await?;
        if deleted.rows_affected == 0 {
            return Ok(false);
        }
        change.commit().await?;
        Ok(true)
    }
}

/// Counts a change on a condition, and returns whether it held. Until the end of the transaction no
/// other change is counted, so they are written one after the other.
async fn count_change(
    change: &impl ConnectionTrait,
    condition: Option<Expr>,
) -> Result<bool, StoreError> {
    use catalogue_revision::{Column, Entity};
    let mut update =
        Entity::update_many().col_expr(Column::Revision, Expr::col(Column::Revision).add(1));
    if let Some(condition) = condition {
        update = update.filter(condition);
    }
    Ok(update.exec(change).await?.rows_affected > 0)
}

fn to_row(row: &CatalogueRow) -> catalogue_models::Model {
    catalogue_models::Model {
        provider: row.provider.clone(),
        model: row.model.clone(),
        body: row.body.clone(),
        update_time: row.update_time.as_micros(),
    }
}

fn from_row(row: catalogue_models::Model) -> CatalogueRow {
    CatalogueRow {
        provider: row.provider,
        model: row.model,
        body: row.body,
        update_time: Timestamp::from_micros(row.update_time),
    }
}
