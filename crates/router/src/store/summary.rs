//! Sums over attempts.

use latchkey_contract::router::v1::Usage;
use latchkey_contract::uid::{KeyUid, ProjectUid};
use sea_orm::sea_query::{Expr, ExprTrait as _, Func};
use sea_orm::{
    EntityTrait as _, FromQueryResult, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use uuid::Uuid;

use super::attempts::{AttemptFilter, matching};
use super::entity::attempts::{Column, Entity};
use super::{Store, StoreError};
use crate::domain::attempt::State;

/// A dimension by which sums are grouped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dimension {
    /// The day in UTC.
    Day,
    /// The key, by name and identity.
    Key,
    /// The requested model.
    Model,
    /// The operation.
    Operation,
    /// The origin.
    Origin,
    /// The payer.
    Payer,
    /// The project.
    Project,
    /// The provider.
    Provider,
    /// The identity that made the request.
    Requester,
}

/// One combination of the requested dimensions. Other dimensions are none.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Group {
    /// Days since the epoch.
    pub day: Option<i64>,
    /// The key.
    pub key: Option<String>,
    /// The key's identity; none also where it is not known.
    pub key_uid: Option<KeyUid>,
    /// The requested model.
    pub model: Option<String>,
    /// The operation.
    pub operation: Option<String>,
    /// The origin.
    pub origin: Option<String>,
    /// The payer.
    pub payer: Option<String>,
    /// The workspace's id and the project's id, which is empty for the workspace itself.
    pub parent: Option<(String, String)>,
    /// The project's identity; none also where it is not known.
    pub project_uid: Option<ProjectUid>,
    /// The provider.
    pub provider: Option<String>,
    /// The identity that made the request.
    pub requester: Option<String>,
}

/// The sums of a group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sums {
    /// The number of attempts.
    pub attempts: i64,
    /// The number of attempts that succeeded.
    pub succeeded: i64,
    /// The usage.
    pub usage: Usage,
    /// The sum of the known costs, in nano-dollars.
    pub cost_nanos: i64,
    /// The number of attempts without a known cost.
    pub unpriced: i64,
}

#[derive(FromQueryResult)]
struct Row {
    day: Option<i64>,
    key: Option<String>,
    key_uid: Option<Uuid>,
    model: Option<String>,
    operation: Option<String>,
    origin: Option<String>,
    payer: Option<String>,
    project: Option<String>,
    workspace: Option<String>,
    project_uid: Option<Uuid>,
    provider: Option<String>,
    requester: Option<String>,
    attempts: i64,
    succeeded: i64,
    priced: i64,
    input_tokens: i64,
    cache_read_tokens: i64,
    cache_write_tokens: i64,
    cache_write_1h_tokens: i64,
    output_tokens: i64,
    reasoning_tokens: i64,
    image_input_tokens: i64,
    image_output_tokens: i64,
    image_count: i64,
    cost_nanos: i64,
}

/// A literal, not a parameter. PostgreSQL does not recognize two expressions with a parameter each as
/// the same, and would refuse to group by one and select the other.
const DAY: &str = "start_time / 86400000000";

impl Store {
    /// The sums of the matching attempts, by group, in the order of the dimensions.
    pub async fn summarize(
        &self,
        filter: &AttemptFilter,
        by: &[Dimension],
        limit: u64,
    ) -> Result<Vec<(Group, Sums)>, StoreError> {
        let mut query = Entity::find()
            .select_only()
            .filter(matching(filter))
            .limit(limit);
        for dimension in ALL {
            let (name, expression) = column(dimension);
            query = if by.contains(&dimension) {
                query.column_as(expression, name)
            } else {
                query.column_as(empty(dimension), name)
            };
        }
        for (dimension, column, name, absent) in BESIDE {
            query = if by.contains(&dimension) {
                query.column_as(Expr::col(column), name)
            } else {
                query.column_as(Expr::cust(absent), name)
            };
        }
        for dimension in by {
            let (_, expression) = column(*dimension);
            query = query.group_by(expression.clone()).order_by_asc(expression);
            for (_, column, ..) in BESIDE.into_iter().filter(|(of, ..)| of == dimension) {
                query = query.group_by(column).order_by_asc(column);
            }
        }
        let succeeded = Expr::case(
            Expr::col(Column::State).eq(State::Succeeded.as_str()),
            Expr::val(1_i64),
        );
        query = query
            .column_as(Expr::col(Column::Id).count(), "attempts")
            .column_as(sum(succeeded.finally(0_i64).into()), "succeeded")
            .column_as(Expr::col(Column::CostNanos).count(), "priced");
        for (column, name) in [
            (Column::InputTokens, "input_tokens"),
            (Column::CacheReadTokens, "cache_read_tokens"),
            (Column::CacheWriteTokens, "cache_write_tokens"),
            (Column::CacheWrite1hTokens, "cache_write_1h_tokens"),
            (Column::OutputTokens, "output_tokens"),
            (Column::ReasoningTokens, "reasoning_tokens"),
            (Column::ImageInputTokens, "image_input_tokens"),
            (Column::ImageOutputTokens, "image_output_tokens"),
            (Column::ImageCount, "image_count"),
            (Column::CostNanos, "cost_nanos"),
        ] {
            query = query.column_as(sum(Expr::col(column)), name);
        }
        let rows: Vec<Row> = query.into_model().all(&self.db).await?;
        Ok(rows.into_iter().map(Row::split).collect())
    }
}

const ALL: [Dimension; 9] = [
    Dimension::Day,
    Dimension::Key,
    Dimension::Model,
    Dimension::Operation,
    Dimension::Origin,
    Dimension::Payer,
    Dimension::Project,
    Dimension::Provider,
    Dimension::Requester,
];

/// The columns that belong to a dimension beside its own, each with a null of its type, which
/// PostgreSQL requires.
const BESIDE: [(Dimension, Column, &str, &str); 3] = [
    (Dimension::Key, Column::KeyUid, "key_uid", NO_UUID),
    (Dimension::Project, Column::Workspace, "workspace", NO_TEXT),
    (
        Dimension::Project,
        Column::ProjectUid,
        "project_uid",
        NO_UUID,
    ),
];
const NO_UUID: &str = "CAST(NULL AS uuid)";
const NO_TEXT: &str = "CAST(NULL AS text)";

fn column(dimension: Dimension) -> (&'static str, Expr) {
    match dimension {
        Dimension::Day => ("day", Expr::cust(DAY)),
        Dimension::Key => ("key", Expr::col(Column::Key)),
        Dimension::Model => ("model", Expr::col(Column::Model)),
        Dimension::Operation => ("operation", Expr::col(Column::Operation)),
        Dimension::Origin => ("origin", Expr::col(Column::Origin)),
        Dimension::Payer => ("payer", Expr::col(Column::Payer)),
        Dimension::Project => ("project", Expr::col(Column::Project)),
        Dimension::Provider => ("provider", Expr::col(Column::Provider)),
        Dimension::Requester => ("requester", Expr::col(Column::Requester)),
    }
}

/// A null of the dimension's type, which PostgreSQL requires.
fn empty(dimension: Dimension) -> Expr {
    match dimension {
        Dimension::Day => Expr::val(None::<i64>).cast_as("bigint"),
        _ => Expr::val(None::<String>).cast_as("text"),
    }
}

/// A sum as a 64-bit number; 0 for no rows. PostgreSQL sums to `numeric`.
fn sum(expression: Expr) -> Expr {
    let sum = Func::sum(expression);
    Expr::from(Func::coalesce([Expr::from(sum), Expr::val(0_i64)])).cast_as("bigint")
}

impl Row {
    fn split(self) -> (Group, Sums) {
        let group = Group {
            day: self.day,
            key: self.key,
            key_uid: self.key_uid.map(KeyUid),
            model: self.model,
            operation: self.operation,
            origin: self.origin,
            payer: self.payer,
            parent: self.workspace.zip(self.project),
            project_uid: self.project_uid.map(ProjectUid),
            provider: self.provider,
            requester: self.requester,
        };
        let sums = Sums {
            attempts: self.attempts,
            succeeded: self.succeeded,
            usage: Usage {
                input_tokens: self.input_tokens,
                cache_read_tokens: self.cache_read_tokens,
                cache_write_tokens: self.cache_write_tokens,
                cache_write_1h_tokens: self.cache_write_1h_tokens,
                output_tokens: self.output_tokens,
                reasoning_tokens: self.reasoning_tokens,
                image_input_tokens: self.image_input_tokens,
                image_output_tokens: self.image_output_tokens,
                image_count: self.image_count,
            },
            cost_nanos: self.cost_nanos,
            unpriced: self.attempts - self.priced,
        };
        (group, sums)
    }
}
