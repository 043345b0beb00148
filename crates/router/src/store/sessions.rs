//! The table of sessions.

use std::time::Duration;

use latchkey_clock::Timestamp;
use latchkey_contract::names::{
    DataKeyName, ProjectName, ResourceId, Scope, SessionName, WorkspaceName,
};
use latchkey_contract::uid::{ProjectUid, WorkspaceUid};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, SqlErr,
};
use uuid::Uuid;

use super::entity::{sessions, turns};
use super::row::Row;
use super::{Store, StoreError};
use crate::domain::model_target::ModelTarget;
use crate::domain::session::{Session, Settings, Transcript};
use crate::domain::target_fields::TargetFields;
use sessions::{Column, Entity, Model};

/// The stored answer to a creation with a request id, returned again when the request is repeated.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FirstAnswer {
    /// The caller's id of the request.
    pub request_id: Uuid,
    /// The digest of the request. Another request with the same id has another digest.
    pub digest: Vec<u8>,
    /// The encoded answer.
    pub answer: Vec<u8>,
}

impl Store {
    /// Adds a session. Returns false when its name, or its creator's request id, is taken.
    pub async fn insert_session(
        &self,
        session: &Session,
        first_answer: Option<FirstAnswer>,
    ) -> Result<bool, StoreError> {
        let row = to_row(session, first_answer).into_active_model();
        match Entity::insert(row).exec_without_returning(&self.db).await {
            Ok(_) => Ok(true),
            Err(error) => match error.sql_err() {
                Some(SqlErr::UniqueConstraintViolation(_)) => Ok(false),
                _ => Err(error.into()),
            },
        }
    }

    /// The session of a workspace with that id, expired or not.
    pub async fn session(
        &self,
        workspace: WorkspaceUid,
        id: &ResourceId,
    ) -> Result<Option<Session>, StoreError> {
        let query = Entity::find()
            .filter(Column::WorkspaceUid.eq(workspace.0))
            .filter(Column::SessionId.eq(id.as_str()));
        query.one(&self.db).await?.map(from_row).transpose()
    }

    /// The session of a workspace that a request of `creator` created, and the answer to it.
    pub async fn session_of_request(
        &self,
        workspace: WorkspaceUid,
        creator: &str,
        request_id: Uuid,
    ) -> Result<Option<(Session, FirstAnswer)>, StoreError> {
        let query = Entity::find()
            .filter(Column::WorkspaceUid.eq(workspace.0))
            .filter(Column::Creator.eq(creator))
            .filter(Column::RequestId.eq(request_id));
        let Some(mut row) = query.one(&self.db).await? else {
            return Ok(None);
        };
        let first_answer = FirstAnswer {
            request_id,
            digest: row.request_digest.take().unwrap_or_default(),
            answer: row.first_answer.take().unwrap_or_default(),
        };
        Ok(Some((from_row(row)?, first_answer)))
    }

    /// The unexpired sessions of a workspace, by name, after the id `after`.
    pub async fn sessions(
        &self,
        workspace: WorkspaceUid,
        now: Timestamp,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<Session>, StoreError> {
        let mut query = Entity::find()
            .filter(Column::WorkspaceUid.eq(workspace.0))
            .filter(Column::ExpireTime.gt(now.as_micros()));
        if let Some(after) = after {
            query = query.filter(Column::SessionId.gt(after));
        }
        let rows = query
            .order_by_asc(Column::SessionId)
            .limit(limit)
            .all(&self.db)
            .await?;
        rows.into_iter().map(from_row).collect()
    }

    /// The expired sessions of all workspaces, by uid, after the uid `after`.
    pub async fn expired_sessions(
        &self,
        now: Timestamp,
        after: Option<Uuid>,
        limit: u64,
    ) -> Result<Vec<Session>, StoreError> {
        let mut query = Entity::find().filter(Column::ExpireTime.lte(now.as_micros()));
        if let Some(after) = after {
            query = query.filter(Column::Uid.gt(after));
        }
        let rows = query
            .order_by_asc(Column::Uid)
            .limit(limit)
            .all(&self.db)
            .await?;
        rows.into_iter().map(from_row).collect()
    }

    /// Writes a session's settings if the stored revision is the one before. Returns whether they were
    /// written.
    pub async fn update_session(&self, session: &Session) -> Result<bool, StoreError> {
        let Settings {
            display_name,
            target,
            strict,
            retention,
        } = &session.settings;
        let retention = micros(*retention);
        let updated = Entity::update_many()
            .col_expr(Column::DisplayName, Expr::value(display_name))
            .col_expr(Column::Key, Expr::value(target.key_text()))
            .col_expr(Column::Provider, Expr::value(target.provider_text()))
            .col_expr(Column::Model, Expr::value(target.model_text()))
            .col_expr(Column::Strict, Expr::value(*strict))
            .col_expr(Column::RetentionMicros, Expr::value(retention))
            // From the stored last use: the session may have been used since it was read.
            .col_expr(
                Column::ExpireTime,
                Expr::col(Column::LastUseTime).add(retention),
            )
            .col_expr(Column::Revision, Expr::value(session.revision))
            .col_expr(
                Column::UpdateTime,
                Expr::value(session.update_time.as_micros()),
            )
            .filter(Column::Uid.eq(session.uid))
            .filter(Column::Revision.eq(session.revision - 1))
            .exec(&self.db)
            .await?;
        Ok(updated.rows_affected > 0)
    }

    /// Records a use, which restarts the retention. Returns false when the session is deleted or
    /// expired.
    pub async fn use_session(&self, uid: Uuid, now: Timestamp) -> Result<bool, StoreError> {
        let updated = record_use(now)
            .filter(Column::Uid.eq(uid))
            .filter(Column::ExpireTime.gt(now.as_micros()))
            .exec(&self.db)
            .await?;
        Ok(updated.rows_affected > 0)
    }

    /// Deletes a session with its turns. Returns whether it existed.
    pub async fn delete_session(&self, uid: Uuid) -> Result<bool, StoreError> {
        let change = self.begin_change().await?;
        // The session goes first. A concurrent turn is then either added before, or not at all.
        let deleted = Entity::delete_by_id(uid).exec(&change).await?;
        turns::Entity::delete_many()
            .filter(turns::Column::SessionUid.eq(uid))
            .exec(&change)
            .await?;
        change.commit().await?;
        Ok(deleted.rows_affected > 0)
    }
}

/// The update that records a use.
pub(super) fn record_use(now: Timestamp) -> sea_orm::UpdateMany<Entity> {
    let now = now.as_micros();
    let expire_time = Expr::col(Column::RetentionMicros).add(now);
    Entity::update_many()
        .col_expr(Column::LastUseTime, Expr::value(now))
        .col_expr(Column::ExpireTime, expire_time)
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

fn to_row(session: &Session, first_answer: Option<FirstAnswer>) -> Model {
    let Session {
        uid,
        name,
        scope,
        settings,
        transcript,
        creator,
        ..
    } = session;
    let count = |count: Option<u64>| count.map_or(0, |n| i64::try_from(n).unwrap_or(i64::MAX));
    let data_key = transcript.as_ref().map(|transcript| &transcript.data_key);
    let (request_id, request_digest, answer) = match first_answer {
        None => (None, None, None),
        Some(first) => (
            Some(first.request_id),
            Some(first.digest),
            Some(first.answer),
        ),
    };
    Model {
        uid: *uid,
        workspace: name.workspace.workspace.to_string(),
        session_id: name.session.to_string(),
        project: scope.project().map(ToString::to_string).unwrap_or_default(),
        display_name: settings.display_name.clone(),
        key: settings.target.key_text(),
        provider: settings.target.provider_text().to_owned(),
        model: settings.target.model_text().to_owned(),
        strict: settings.strict,
        data_key: data_key.map(|name| {
            let id = Uuid::try_parse(name.data_key.as_str());
            id.expect("a canonical UUID is a UUID")
        }),
        turn_count: count(transcript.as_ref().map(|t| t.turn_count)),
        size: count(transcript.as_ref().map(|t| t.size)),
        retention_micros: micros(settings.retention),
        revision: session.revision,
        creator: creator.clone(),
        create_time: session.create_time.as_micros(),
        update_time: session.update_time.as_micros(),
        last_use_time: session.last_use_time.as_micros(),
        expire_time: session.expire_time().as_micros(),
        request_id,
        request_digest,
        first_answer: answer,
        workspace_uid: session.workspace_uid.map(|uid| uid.0),
        project_uid: session.project_uid.map(|uid| uid.0),
        claim: None,
        claim_expire_time: None,
    }
}

fn from_row(row: Model) -> Result<Session, StoreError> {
    let read = Row {
        table: "sessions",
        id: &row.uid,
    };
    let workspace = WorkspaceName {
        workspace: read.parse("workspace", row.workspace.parse().ok())?,
    };
    let scope = match row.project.as_str() {
        "" => Scope::Workspace(workspace.clone()),
        project => Scope::Project(ProjectName {
            workspace: workspace.clone(),
            project: read.parse("project", project.parse().ok())?,
        }),
    };
    let transcript = match row.data_key {
        None => None,
        Some(id) => Some(Transcript {
            data_key: DataKeyName {
                workspace: workspace.clone(),
                data_key: read.parse("data_key", id.to_string().parse().ok())?,
            },
            turn_count: read.parse("turn_count", u64::try_from(row.turn_count).ok())?,
            size: read.parse("size", u64::try_from(row.size).ok())?,
        }),
    };
    let target = ModelTarget::parse(TargetFields {
        provider: &row.provider,
        model: &row.model,
        key: &row.key,
    });
    let target = target.or_else(|error| read.parse(error.field, None))?;
    let retention = u64::try_from(row.retention_micros).ok();
    Ok(Session {
        uid: row.uid,
        name: SessionName {
            workspace,
            session: read.parse("session_id", row.session_id.parse().ok())?,
        },
        scope,
        workspace_uid: row.workspace_uid.map(WorkspaceUid),
        project_uid: row.project_uid.map(ProjectUid),
        settings: Settings {
            display_name: row.display_name,
            target,
            strict: row.strict,
            retention: Duration::from_micros(read.parse("retention_micros", retention)?),
        },
        transcript,
        creator: row.creator,
        create_time: Timestamp::from_micros(row.create_time),
        update_time: Timestamp::from_micros(row.update_time),
        last_use_time: Timestamp::from_micros(row.last_use_time),
        revision: row.revision,
    })
}
