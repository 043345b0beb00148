//! The table of attempts: idempotent writes, and reads from the newest on.

use latchkey_clock::Timestamp;
use latchkey_contract::ProviderId;
use latchkey_contract::names::{KeyName, KeyVersionName, ProjectName, Scope, WorkspaceName};
use latchkey_contract::router::v1::Usage;
use latchkey_contract::uid::{KeyUid, ProjectUid, WorkspaceUid};
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, IntoActiveModel as _, Iterable as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::entity::attempts::{Column, Entity, Model};
use super::row::Row;
use super::{Store, StoreError};
use crate::domain::attempt::{
    Attempt, AttemptId, AttemptOutcome, AttemptStart, AttemptUids, Certainty, JournalId, Operation,
    Origin, Payer, State,
};

/// Selects attempts. Every condition must hold; an absent one always holds.
#[derive(Clone, Debug)]
pub struct AttemptFilter {
    /// The workspace.
    pub workspace: WorkspaceUid,
    /// The project.
    pub project: Option<ProjectUid>,
    /// The first start time.
    pub start_time: Option<Timestamp>,
    /// The time after the last start time.
    pub end_time: Option<Timestamp>,
    /// The name of the keys, of any version.
    pub key: Option<KeyName>,
    /// The identity that made the request.
    pub requester: Option<String>,
}

/// The last attempt of the previous page.
#[derive(Clone, Copy, Debug)]
pub struct Cursor {
    /// The start time, in microseconds since 1970.
    pub start_time: i64,
    /// The attempt's id.
    pub id: Uuid,
}

/// Rows in one statement. SQLite allows 32,766 values.
const MAX_ROWS: usize = 500;

impl Store {
    /// Writes the present state of attempts. A row with an outcome is never changed.
    pub async fn record(&self, journal: JournalId, attempts: &[Attempt]) -> Result<(), StoreError> {
        for chunk in attempts.chunks(MAX_ROWS) {
            let rows = chunk
                .iter()
                .map(|attempt| to_row(journal, attempt).into_active_model());
            let replace = OnConflict::column(Column::Id)
                .update_columns(Column::iter().filter(|column| !matches!(column, Column::Id)))
                .action_and_where(open())
                .to_owned();
            Entity::insert_many(rows)
                .on_conflict(replace)
                .exec_without_returning(&self.db)
                .await?;
        }
        Ok(())
    }

    /// Closes the open attempts of a journal as UNKNOWN. The caller makes sure that only earlier
    /// processes have shipped attempts from it.
    pub async fn close_leftovers(&self, journal: JournalId) -> Result<(), StoreError> {
        Entity::update_many()
            .col_expr(Column::State, Expr::value(State::Unknown.as_str()))
            .filter(Column::JournalId.eq(journal.0))
            .filter(open())
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Attempts after a cursor, from the newest on.
    pub async fn attempts(
        &self,
        filter: &AttemptFilter,
        after: Option<Cursor>,
        limit: u64,
    ) -> Result<Vec<Attempt>, StoreError> {
        let mut condition = matching(filter);
        if let Some(Cursor { start_time, id }) = after {
            let same_time = Condition::all()
                .add(Column::StartTime.eq(start_time))
                .add(Column::Id.lt(id));
            let older = Condition::any()
                .add(Column::StartTime.lt(start_time))
                .add(same_time);
            condition = condition.add(older);
        }
        Entity::find()
            .filter(condition)
            .order_by_desc(Column::StartTime)
            .order_by_desc(Column::Id)
            .limit(limit)
            .all(&self.db)
            .await?
            .into_iter()
            .map(from_row)
            .collect()
    }

    /// One attempt of a workspace.
    pub async fn attempt(
        &self,
        workspace: WorkspaceUid,
        id: AttemptId,
    ) -> Result<Option<Attempt>, StoreError> {
        let query = Entity::find_by_id(id.0).filter(Column::WorkspaceUid.eq(workspace.0));
        query.one(&self.db).await?.map(from_row).transpose()
    }
}

/// The condition of a filter.
pub(super) fn matching(filter: &AttemptFilter) -> Condition {
    Condition::all()
        .add(Column::WorkspaceUid.eq(filter.workspace.0))
        .add_option(
            filter
                .project
                .map(|project| Column::ProjectUid.eq(project.0)),
        )
        .add_option(
            filter
                .start_time
                .map(|time| Column::StartTime.gte(time.as_micros())),
        )
        .add_option(
            filter
                .end_time
                .map(|time| Column::StartTime.lt(time.as_micros())),
        )
        .add_option(
            filter
                .key
                .as_ref()
                .map(|key| Column::Key.eq(key.to_string())),
        )
        .add_option(
            filter
                .requester
                .as_ref()
                .map(|requester| Column::Requester.eq(requester)),
        )
}

fn open() -> Expr {
    Expr::col((Entity, Column::State)).eq(State::Started.as_str())
}

fn to_row(journal: JournalId, attempt: &Attempt) -> Model {
    let Attempt { start, outcome } = attempt;
    let usage = outcome.usage.unwrap_or_default();
    Model {
        id: start.id.0,
        journal_id: journal.0,
        workspace: start.scope.workspace().workspace.to_string(),
        project: start
            .scope
            .project()
            .map(ToString::to_string)
            .unwrap_or_default(),
        key: start.key_version.key.to_string(),
        key_version: i64::try_from(start.key_version.version).unwrap_or(i64::MAX),
        material_tail: start.material_tail.clone(),
        payer: start.payer.as_str().to_owned(),
        provider: start.provider.as_str().to_owned(),
        model: start.model.to_string(),
        served_model: outcome.served_model.clone(),
        requester: start.requester.to_string(),
        origin: start.origin.as_str().to_owned(),
        streamed: start.streamed,
        state: outcome.state.as_str().to_owned(),
        error_reason: outcome.error_reason.to_string(),
        http_status: outcome.http_status.into(),
        provider_request_id: outcome.provider_request_id.clone(),
        start_time: start.start_time.as_micros(),
        first_byte_micros: outcome.first_byte_micros,
        latency_micros: outcome.latency_micros,
        input_tokens: usage.input_tokens,
        cache_read_tokens: usage.cache_read_tokens,
        cache_write_tokens: usage.cache_write_tokens,
        cache_write_1h_tokens: usage.cache_write_1h_tokens,
        output_tokens: usage.output_tokens,
        reasoning_tokens: usage.reasoning_tokens,
        image_input_tokens: usage.image_input_tokens,
        image_output_tokens: usage.image_output_tokens,
        image_count: usage.image_count,
        certainty: outcome.certainty.as_str().to_owned(),
        cost_nanos: outcome.cost_nanos,
        price_version: outcome.price_version.clone(),
        operation: start.operation.as_str().to_owned(),
        service_tier: outcome.service_tier.clone(),
        workspace_uid: start.uids.workspace.map(|uid| uid.0),
        project_uid: start.uids.project.map(|uid| uid.0),
        key_uid: start.uids.key.map(|uid| uid.0),
    }
}

fn from_row(row: Model) -> Result<Attempt, StoreError> {
    let read = Row {
        table: "attempts",
        id: &row.id,
    };
    let workspace = WorkspaceName {
        workspace: read.parse("workspace", row.workspace.parse().ok())?,
    };
    let scope = match row.project.as_str() {
        "" => Scope::Workspace(workspace),
        project => {
            let project = read.parse("project", project.parse().ok())?;
            Scope::Project(ProjectName { workspace, project })
        }
    };
    let start = AttemptStart {
        id: AttemptId(row.id),
        scope,
        uids: AttemptUids {
            workspace: row.workspace_uid.map(WorkspaceUid),
            project: row.project_uid.map(ProjectUid),
            key: row.key_uid.map(KeyUid),
        },
        key_version: KeyVersionName {
            key: read.parse("key", row.key.parse().ok())?,
            version: read.parse("key_version", u64::try_from(row.key_version).ok())?,
        },
        material_tail: row.material_tail,
        payer: read.parse("payer", Payer::parse(&row.payer))?,
        provider: read.parse("provider", row.provider.parse::<ProviderId>().ok())?,
        model: read.parse("model", row.model.parse().ok())?,
        requester: row.requester.into(),
        origin: read.parse("origin", Origin::parse(&row.origin))?,
        operation: read.parse("operation", Operation::parse(&row.operation))?,
        streamed: row.streamed,
        start_time: Timestamp::from_micros(row.start_time),
    };
    let outcome = AttemptOutcome {
        state: read.parse("state", State::parse(&row.state))?,
        error_reason: row.error_reason.into(),
        http_status: read.parse("http_status", u16::try_from(row.http_status).ok())?,
        provider_request_id: row.provider_request_id,
        served_model: row.served_model,
        service_tier: row.service_tier,
        first_byte_micros: row.first_byte_micros,
        latency_micros: row.latency_micros,
        usage: Some(Usage {
            input_tokens: row.input_tokens,
            cache_read_tokens: row.cache_read_tokens,
            cache_write_tokens: row.cache_write_tokens,
            cache_write_1h_tokens: row.cache_write_1h_tokens,
            output_tokens: row.output_tokens,
            reasoning_tokens: row.reasoning_tokens,
            image_input_tokens: row.image_input_tokens,
            image_output_tokens: row.image_output_tokens,
            image_count: row.image_count,
        }),
        certainty: read.parse("certainty", Certainty::parse(&row.certainty))?,
        cost_nanos: row.cost_nanos,
        price_version: row.price_version,
    };
    Ok(Attempt { start, outcome })
}
