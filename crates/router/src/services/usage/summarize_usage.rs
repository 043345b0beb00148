//! `SummarizeUsage`: sums usage and cost by dimensions.

use latchkey_clock::Timestamp;
use latchkey_contract::router::v1::summarize_usage_request::Dimension as Wire;
use latchkey_contract::router::v1::{SummarizeUsageRequest, SummarizeUsageResponse, UsageSummary};

use super::decode_time;
use super::selection::{Selection, select};
use crate::domain::attempt::{Operation, Origin, Payer};
use crate::error::RouterError;
use crate::services::{UsageReader, call::Call, encode};
use crate::store::{AttemptFilter, Dimension, Group, Sums};

/// A larger summary is refused, since it would be an export.
const MAX_ROWS: usize = 10_000;
const DAY_MICROS: i64 = 86_400_000_000;

pub(super) async fn handle(
    usage: &UsageReader,
    call: &Call,
    request: &SummarizeUsageRequest,
) -> Result<SummarizeUsageResponse, RouterError> {
    let Selection {
        workspace,
        project,
        requester,
    } = select(usage, call, &request.parent, &request.workspace_uid).await?;
    let by = dimensions(request)?;
    let filter = AttemptFilter {
        workspace,
        project,
        requester,
        start_time: decode_time("start_time", request.start_time.as_ref())?,
        end_time: decode_time("end_time", request.end_time.as_ref())?,
        key: None,
    };
    usage.wait_shipped().await;
    let limit = u64::try_from(MAX_ROWS).unwrap_or(u64::MAX) + 1;
    let rows = usage.store.summarize(&filter, &by, limit).await?;
    if rows.len() > MAX_ROWS {
        let problem = "gives more than 10,000 rows; name fewer dimensions or a shorter time";
        return Err(RouterError::field("group_by", problem));
    }
    let summaries = rows
        .into_iter()
        .map(|(group, sums)| encode(group, &sums))
        .collect();
    Ok(SummarizeUsageResponse { summaries })
}

fn dimensions(request: &SummarizeUsageRequest) -> Result<Vec<Dimension>, RouterError> {
    let mut by = Vec::new();
    // The generated accessor would skip unknown values.
    for (index, wire) in request.group_by.iter().enumerate() {
        let field = || format!("group_by[{index}]");
        let dimension = match Wire::try_from(*wire) {
            Ok(Wire::Unspecified) | Err(_) => {
                return Err(RouterError::field(field(), "must be a known dimension"));
            }
            Ok(Wire::Day) => Dimension::Day,
            Ok(Wire::Model) => Dimension::Model,
            Ok(Wire::Provider) => Dimension::Provider,
            Ok(Wire::Key) => Dimension::Key,
            Ok(Wire::Project) => Dimension::Project,
            Ok(Wire::Requester) => Dimension::Requester,
            Ok(Wire::Payer) => Dimension::Payer,
            Ok(Wire::Origin) => Dimension::Origin,
            Ok(Wire::Operation) => Dimension::Operation,
        };
        if by.contains(&dimension) {
            return Err(RouterError::field(field(), "must not repeat a dimension"));
        }
        by.push(dimension);
    }
    Ok(by)
}

fn encode(group: Group, sums: &Sums) -> UsageSummary {
    let day = group
        .day
        .map(|day| Timestamp::from_micros(day.saturating_mul(DAY_MICROS)));
    let payer = group
        .payer
        .as_deref()
        .and_then(Payer::parse)
        .map(encode::payer);
    let origin = group
        .origin
        .as_deref()
        .and_then(Origin::parse)
        .map(encode::origin);
    let operation = group
        .operation
        .as_deref()
        .and_then(Operation::parse)
        .map(encode::operation);
    UsageSummary {
        operation: operation.unwrap_or_default().into(),
        day: day.map(encode::time),
        model: group.model.unwrap_or_default(),
        provider: group.provider.unwrap_or_default(),
        key: group.key.unwrap_or_default(),
        key_uid: encode::text(group.key_uid),
        parent: group
            .parent
            .map(|(workspace, project)| parent(&workspace, &project))
            .unwrap_or_default(),
        project_uid: encode::text(group.project_uid),
        requester: group.requester.unwrap_or_default(),
        payer: payer.unwrap_or_default().into(),
        origin: origin.unwrap_or_default().into(),
        attempt_count: sums.attempts,
        succeeded_count: sums.succeeded,
        usage: Some(sums.usage),
        cost_nanos: sums.cost_nanos,
        unpriced_count: sums.unpriced,
    }
}

/// The scope of the columns of a row.
fn parent(workspace: &str, project: &str) -> String {
    if project.is_empty() {
        format!("workspaces/{workspace}")
    } else {
        format!("workspaces/{workspace}/projects/{project}")
    }
}
