//! Rows that an earlier release wrote have names and no identities. A name belongs to one workspace or
//! project at a time, so a row belongs to the one that has its name now if the row is not older.
//!
//! Rows that are older belonged to a deleted workspace or project, whose identity is not known any more.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use super::entity::{attempts, sessions};
use super::{Store, StoreError};
use crate::domain::scope_identity::ScopeIdentity;

impl Store {
    /// Gives the attempts of a scope that have no identities theirs.
    pub async fn adopt_attempts(&self, scope: &ScopeIdentity) -> Result<(), StoreError> {
        use attempts::{Column, Entity};

        let workspace = scope.name.workspace().workspace.as_str();
        let created = scope.workspace_create_time.as_micros();
        Entity::update_many()
            .col_expr(Column::WorkspaceUid, Expr::value(scope.workspace.0))
            .filter(Column::WorkspaceUid.is_null())
            .filter(Column::Workspace.eq(workspace))
            .filter(Column::StartTime.gte(created))
            .exec(&self.db)
            .await?;
        if let (Some(project), Some((uid, created))) = (scope.name.project(), scope.project) {
            Entity::update_many()
                .col_expr(Column::ProjectUid, Expr::value(uid.0))
                .filter(Column::ProjectUid.is_null())
                // The index of such rows excludes those without a project.
                .filter(Column::Project.ne(""))
                .filter(Column::Workspace.eq(workspace))
                .filter(Column::Project.eq(project.as_str()))
                .filter(Column::WorkspaceUid.eq(scope.workspace.0))
                .filter(Column::StartTime.gte(created.as_micros()))
                .exec(&self.db)
                .await?;
        }
        Ok(())
    }

    /// Gives the sessions of a workspace that have no identities theirs. Returns whether there were any.
    pub async fn adopt_sessions(&self, workspace: &ScopeIdentity) -> Result<bool, StoreError> {
        use sessions::{Column, Entity};

        let adopted = Entity::update_many()
            .col_expr(Column::WorkspaceUid, Expr::value(workspace.workspace.0))
            .filter(Column::WorkspaceUid.is_null())
            .filter(Column::Workspace.eq(workspace.name.workspace().workspace.as_str()))
            .filter(Column::CreateTime.gte(workspace.workspace_create_time.as_micros()))
            .exec(&self.db)
            .await?;
        Ok(adopted.rows_affected > 0)
    }
}
