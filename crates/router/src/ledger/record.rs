//! Journal records of attempts, in JSON, so that a person can read a journal in an emergency. Each
//! record holds a whole attempt. A later record with the same id replaces an earlier one.

use std::borrow::Cow;

use latchkey_clock::Timestamp;
use latchkey_contract::router::v1::Usage;
use latchkey_contract::uid::{KeyUid, ProjectUid, WorkspaceUid};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::attempt::{
    Attempt, AttemptId, AttemptOutcome, AttemptStart, AttemptUids, Certainty, Operation, Origin,
    Payer, State,
};

#[derive(Deserialize, Serialize)]
struct Record<'a> {
    id: u128,
    scope: Cow<'a, str>,
    /// The identities of workspace, project and key. Records of earlier releases have none.
    #[serde(default)]
    workspace_uid: Option<u128>,
    #[serde(default)]
    project_uid: Option<u128>,
    #[serde(default)]
    key_uid: Option<u128>,
    key_version: Cow<'a, str>,
    tail: Cow<'a, str>,
    payer: Cow<'a, str>,
    provider: Cow<'a, str>,
    model: Cow<'a, str>,
    requester: Cow<'a, str>,
    origin: Cow<'a, str>,
    #[serde(default = "generate")]
    operation: Cow<'a, str>,
    streamed: bool,
    start: i64,
    state: Cow<'a, str>,
    reason: Cow<'a, str>,
    status: u16,
    request_id: Cow<'a, str>,
    served_model: Cow<'a, str>,
    #[serde(default)]
    service_tier: Cow<'a, str>,
    first_byte: Option<i64>,
    latency: Option<i64>,
    /// The token classes in the order of the contract. Records of earlier releases have fewer.
    usage: Option<Vec<i64>>,
    certainty: Cow<'a, str>,
    cost: Option<i64>,
    price_version: Cow<'a, str>,
}

/// The operation of records without one, which earlier releases wrote.
fn generate() -> Cow<'static, str> {
    Operation::Generate.as_str().into()
}

/// Encodes an attempt.
pub(super) fn encode(attempt: &Attempt) -> Vec<u8> {
    let Attempt { start, outcome } = attempt;
    let record = Record {
        id: start.id.0.as_u128(),
        scope: start.scope.to_string().into(),
        workspace_uid: start.uids.workspace.map(|uid| uid.0.as_u128()),
        project_uid: start.uids.project.map(|uid| uid.0.as_u128()),
        key_uid: start.uids.key.map(|uid| uid.0.as_u128()),
        key_version: start.key_version.to_string().into(),
        tail: Cow::from(&start.material_tail),
        payer: start.payer.as_str().into(),
        provider: start.provider.as_str().into(),
        model: Cow::from(start.model.as_str()),
        requester: Cow::from(&*start.requester),
        origin: start.origin.as_str().into(),
        operation: start.operation.as_str().into(),
        streamed: start.streamed,
        start: start.start_time.as_micros(),
        state: outcome.state.as_str().into(),
        reason: Cow::from(&*outcome.error_reason),
        status: outcome.http_status,
        request_id: Cow::from(&outcome.provider_request_id),
        served_model: Cow::from(&outcome.served_model),
        service_tier: Cow::from(&outcome.service_tier),
        first_byte: outcome.first_byte_micros,
        latency: outcome.latency_micros,
        usage: outcome.usage.map(|usage| {
            vec![
                usage.input_tokens,
                usage.cache_read_tokens,
                usage.cache_write_tokens,
                usage.cache_write_1h_tokens,
                usage.output_tokens,
                usage.reasoning_tokens,
                usage.image_input_tokens,
                usage.image_output_tokens,
                usage.image_count,
            ]
        }),
        certainty: outcome.certainty.as_str().into(),
        cost: outcome.cost_nanos,
        price_version: Cow::from(&outcome.price_version),
    };
    serde_json::to_vec(&record).expect("texts and numbers are valid JSON")
}

/// Decodes a record; none where another release wrote it in a form that this one can't read.
pub(super) fn decode(bytes: &[u8]) -> Option<Attempt> {
    let record: Record<'_> = serde_json::from_slice(bytes).ok()?;
    let uuid = |number: Option<u128>| number.map(Uuid::from_u128);
    let start = AttemptStart {
        id: AttemptId(Uuid::from_u128(record.id)),
        scope: record.scope.parse().ok()?,
        uids: AttemptUids {
            workspace: uuid(record.workspace_uid).map(WorkspaceUid),
            project: uuid(record.project_uid).map(ProjectUid),
            key: uuid(record.key_uid).map(KeyUid),
        },
        key_version: record.key_version.parse().ok()?,
        material_tail: record.tail.into_owned(),
        payer: Payer::parse(&record.payer)?,
        provider: record.provider.parse().ok()?,
        model: record.model.parse().ok()?,
        requester: record.requester.into(),
        origin: Origin::parse(&record.origin)?,
        operation: Operation::parse(&record.operation)?,
        streamed: record.streamed,
        start_time: Timestamp::from_micros(record.start),
    };
    let outcome = AttemptOutcome {
        state: State::parse(&record.state)?,
        error_reason: record.reason.into_owned().into(),
        http_status: record.status,
        provider_request_id: record.request_id.into_owned(),
        served_model: record.served_model.into_owned(),
        service_tier: record.service_tier.into_owned(),
        first_byte_micros: record.first_byte,
        latency_micros: record.latency,
        usage: record.usage.map(|classes| {
            let class = |place: usize| classes.get(place).copied().unwrap_or_default();
            Usage {
                input_tokens: class(0),
                cache_read_tokens: class(1),
                cache_write_tokens: class(2),
                cache_write_1h_tokens: class(3),
                output_tokens: class(4),
                reasoning_tokens: class(5),
                image_input_tokens: class(6),
                image_output_tokens: class(7),
                image_count: class(8),
            }
        }),
        certainty: Certainty::parse(&record.certainty)?,
        cost_nanos: record.cost,
        price_version: record.price_version.into_owned(),
    };
    Some(Attempt { start, outcome })
}
