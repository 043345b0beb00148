//! Rows that an earlier release wrote have names and no identities. A name belongs to one workspace or
//! project at a time, so a row belongs to the one that has its name now if the row is not older.
//!
//! Rows that are older belonged to a deleted workspace or project, whose identity is not known any more.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _, QuerySelect as _};

use super::entity::{attempts, sessions};
use super::{Store, StoreError};
use crate::domain::scope_identity::ScopeIdentity;

impl Store {
    /// Gives the attempts of a scope that have no identities theirs.
    pub async fn adopt_attempts(&self, scope: &ScopeIdentity) -> Result<(), StoreError> {
        use attempts::{Column, Entity};

        let workspace = scope.name.workspace().workspace.as_str();
        let created = scope.workspace_create_time.as_micros();
        let of_workspace = Condition::all()
            .add(Column::WorkspaceUid.is_null())
            .add(Column::Workspace.eq(workspace))
            .add(Column::StartTime.gte(created));
        // Read first: an update takes SQLite's only writer, even of no row.
        let query = Entity::find().filter(of_workspace.clone()).limit(1);
        if query.one(&self.db).await?.is_some() {
            Entity::update_many()
                .col_expr(Column::WorkspaceUid, Expr::value(scope.workspace.0))
                .filter(of_workspace)
                .exec(&self.db)
                .await?;
        }
        let (Some(project), Some((uid, created))) = (scope.name.project(), scope.project) else {
            return Ok(());
        };
        let of_project = Condition::all()
            .add(Column::ProjectUid.is_null())
            // The index of such rows excludes those without a project.
            .add(Column::Project.ne(""))
            .add(Column::Workspace.eq(workspace))
            .add(Column::Project.eq(project.as_str()))
            .add(Column::WorkspaceUid.eq(scope.workspace.0))
            .add(Column::StartTime.gte(created.as_micros()));
        let query = Entity::find().filter(of_project.clone()).limit(1);
        if query.one(&self.db).await?.is_some() {
            Entity::update_many()
                .col_expr(Column::ProjectUid, Expr::value(uid.0))
                .filter(of_project)
                .exec(&self.db)
                .await?;
        }
        Ok(())
    }

    /// Gives the sessions of a workspace that have no identities theirs. Returns whether there were any.
    pub async fn adopt_sessions(&self, workspace: &ScopeIdentity) -> Result<bool, StoreError> {
        use sessions::{Column, Entity};

        let of_workspace = Condition::all()
            .add(Column::WorkspaceUid.is_null())
            .add(Column::Workspace.eq(workspace.name.workspace().workspace.as_str()))
            .add(Column::CreateTime.gte(workspace.workspace_create_time.as_micros()));
        let query = Entity::find().filter(of_workspace.clone()).limit(1);
        if query.one(&self.db).await?.is_none() {
            return Ok(false);
        }
        let adopted = Entity::update_many()
            .col_expr(Column::WorkspaceUid, Expr::value(workspace.workspace.0))
            .filter(of_workspace)
            .exec(&self.db)
            .await?;
        Ok(adopted.rows_affected > 0)
    }
}
