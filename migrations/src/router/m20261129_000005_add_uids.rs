//! The identities behind the names of workspaces, projects and keys, which may be used again.
//!
//! A row that an earlier release wrote has none. Its workspace and project follow from the time: at any
//! time a name belongs to one of them. The readers fill them in; see `store/adoption.rs` of the router.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::uuid_null;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One column per statement: SQLite accepts no more.
        for (table, column) in [
            ("attempts", "workspace_uid"),
            ("attempts", "project_uid"),
            ("attempts", "key_uid"),
            ("sessions", "workspace_uid"),
            ("sessions", "project_uid"),
        ] {
            let altered = Table::alter()
                .table(table)
                .add_column(uuid_null(column))
                .take();
            manager.alter_table(altered).await?;
        }
        // Another workspace may get the name, and with it the names of the sessions.
        for name in ["sessions_name", "sessions_request"] {
            let dropped = Index::drop().name(name).table("sessions").to_owned();
            manager.drop_index(dropped).await?;
        }
        for (table, name, columns, unique) in [
            (
                "attempts",
                "attempts_uid_time",
                &["workspace_uid", "start_time", "id"][..],
                false,
            ),
            (
                "sessions",
                "sessions_uid_name",
                &["workspace_uid", "session_id"],
                true,
            ),
            (
                "sessions",
                "sessions_uid_request",
                &["workspace_uid", "creator", "request_id"],
                true,
            ),
        ] {
            let mut index = Index::create();
            index.name(name).table(table);
            for column in columns {
                index.col(*column);
            }
            if unique {
                index.unique();
            }
            manager.create_index(index.take()).await?;
        }
        // Only rows of earlier releases, so that looking for them costs nothing once there are none.
        for statement in [
            "CREATE INDEX attempts_without_uid ON attempts (workspace) WHERE workspace_uid IS NULL",
            "CREATE INDEX attempts_without_project_uid ON attempts (workspace, project) \
             WHERE project_uid IS NULL AND project <> ''",
            "CREATE INDEX sessions_without_uid ON sessions (workspace) WHERE workspace_uid IS NULL",
        ] {
            manager
                .get_connection()
                .execute_unprepared(statement)
                .await?;
        }
        Ok(())
    }
}
