//! The operators' overrides of catalogue models. A revision counts the changes, so that a reader
//! detects a change without reading the overrides.

use latchkey_clock::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel as _, Iterable as _,
    QueryFilter as _, QueryOrder as _,
};

use super::entity::{catalogue_models, catalogue_revision};
use super::{Store, StoreError};

/// An override of a model.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CatalogueRow {
    /// The provider's id.
    pub provider: String,
    /// The model's id at the provider.
    pub model: String,
    /// The override in JSON.
    pub body: String,
    /// The time of the last change.
    pub update_time: Timestamp,
}

/// All overrides at one revision.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CatalogueRows {
    /// The number of changes so far.
    pub revision: i64,
    /// The overrides, by provider and model.
    pub rows: Vec<CatalogueRow>,
}

impl Store {
    /// The number of changes so far.
    pub async fn catalogue_revision(&self) -> Result<i64, StoreError> {
        let row = catalogue_revision::Entity::find().one(&self.db).await?;
        Ok(row.map_or(0, |row| row.revision))
    }

    /// All overrides.
    pub async fn catalogue_rows(&self) -> Result<CatalogueRows, StoreError> {
        // The rows belong to a revision that is the same before and after the query.
        let mut revision = self.catalogue_revision().await?;
        loop {
            let models = catalogue_models::Entity::find()
                .order_by_asc(catalogue_models::Column::Provider)
                .order_by_asc(catalogue_models::Column::Model)
                .all(&self.db)
                .await?;
            let after = self.catalogue_revision().await?;
            if after == revision {
                let rows = models.into_iter().map(from_row).collect();
                return Ok(CatalogueRows { revision, rows });
            }
            revision = after;
        }
    }

    /// Writes an override if nothing has changed since `revision`. Returns whether it was written.
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

    /// Deletes an override. Returns whether it existed.
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

/// Increments the revision if the condition holds, and returns whether it did. The updated row stays
/// locked until the end of the transaction, so changes are serialized.
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
