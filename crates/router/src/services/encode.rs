//! Encodes domain values as messages.

use std::time::Duration;

use latchkey_clock::Timestamp;
use latchkey_contract::router::v1;

use crate::dispatch::Answered;
use crate::domain::attempt::{Attempt, Certainty, Operation, Origin, Payer, State};

/// Encodes a time.
pub(super) fn time(time: Timestamp) -> prost_types::Timestamp {
    let (seconds, nanos) = time.to_unix();
    let nanos = i32::try_from(nanos).expect("a second has fewer than 2^31 nanoseconds");
    prost_types::Timestamp { seconds, nanos }
}

/// Encodes an answer with its attempts.
pub(super) fn answered(answered: Answered) -> v1::GenerateResponse {
    let Answered {
        answer,
        portability,
        attempts,
        turn,
    } = answered;
    let (turn, turn_omission) = match turn {
        None => (None, None),
        Some(Ok(turn)) => (Some(turn), None),
        Some(Err(omission)) => (None, Some(omission)),
    };
    v1::GenerateResponse {
        turn_omission,
        message: Some(answer.message),
        finish_reason: answer.finish_reason.into(),
        native_finish_reason: answer.native_finish_reason,
        model: answer.model,
        response_id: answer.response_id,
        usage: total_usage(&attempts),
        attempts: self::attempts(&attempts),
        portability,
        turn: turn.map(|turn| turn.to_string()).unwrap_or_default(),
    }
}

/// Encodes attempts in their order.
pub(super) fn attempts(attempts: &[Attempt]) -> Vec<v1::Attempt> {
    attempts.iter().map(attempt).collect()
}

/// The sum of the attempts' usage; none when no provider reported any.
pub(super) fn total_usage(attempts: &[Attempt]) -> Option<v1::Usage> {
    let add = |sum: v1::Usage, one: v1::Usage| v1::Usage {
        input_tokens: sum.input_tokens.saturating_add(one.input_tokens),
        cache_read_tokens: sum.cache_read_tokens.saturating_add(one.cache_read_tokens),
        cache_write_tokens: sum
            .cache_write_tokens
            .saturating_add(one.cache_write_tokens),
        cache_write_1h_tokens: sum
            .cache_write_1h_tokens
            .saturating_add(one.cache_write_1h_tokens),
        output_tokens: sum.output_tokens.saturating_add(one.output_tokens),
        reasoning_tokens: sum.reasoning_tokens.saturating_add(one.reasoning_tokens),
        image_input_tokens: sum
            .image_input_tokens
            .saturating_add(one.image_input_tokens),
        image_output_tokens: sum
            .image_output_tokens
            .saturating_add(one.image_output_tokens),
        image_count: sum.image_count.saturating_add(one.image_count),
    };
    attempts
        .iter()
        .filter_map(|attempt| attempt.outcome.usage)
        .reduce(add)
}

/// Encodes an attempt.
pub(super) fn attempt(attempt: &Attempt) -> v1::Attempt {
    let Attempt { start, outcome } = attempt;
    v1::Attempt {
        name: attempt.name().to_string(),
        parent: start.scope.to_string(),
        key_version: start.key_version.to_string(),
        material_tail: start.material_tail.clone(),
        payer: payer(start.payer).into(),
        provider: start.provider.to_string(),
        model: start.model.to_string(),
        served_model: outcome.served_model.clone(),
        requester: start.requester.to_string(),
        origin: origin(start.origin).into(),
        streamed: start.streamed,
        state: state(outcome.state).into(),
        error_reason: outcome.error_reason.to_string(),
        http_status: outcome.http_status.into(),
        provider_request_id: outcome.provider_request_id.clone(),
        start_time: Some(time(start.start_time)),
        first_byte_latency: outcome.first_byte_micros.and_then(span),
        latency: outcome.latency_micros.and_then(span),
        usage: outcome.usage,
        certainty: match outcome.certainty {
            Certainty::Reported => v1::attempt::Certainty::Reported,
            Certainty::Unknown => v1::attempt::Certainty::Unknown,
        }
        .into(),
        cost_nanos: outcome.cost_nanos,
        price_version: outcome.price_version.clone(),
        operation: operation(start.operation).into(),
        service_tier: outcome.service_tier.clone(),
        workspace_uid: text(start.uids.workspace),
        project_uid: text(start.uids.project),
        key_uid: text(start.uids.key),
    }
}

/// Encodes an optional value as text, which is empty for none.
pub(super) fn text(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// Encodes a payer.
pub(super) fn payer(payer: Payer) -> v1::Payer {
    match payer {
        Payer::OwnKey => v1::Payer::OwnKey,
        Payer::Platform => v1::Payer::Platform,
    }
}

/// Encodes an origin.
pub(super) fn origin(origin: Origin) -> v1::Origin {
    match origin {
        Origin::Automation => v1::Origin::Automation,
        Origin::Interactive => v1::Origin::Interactive,
    }
}

/// Encodes an operation.
pub(super) fn operation(operation: Operation) -> v1::Operation {
    match operation {
        Operation::CountTokens => v1::Operation::CountTokens,
        Operation::Embed => v1::Operation::Embed,
        Operation::Generate => v1::Operation::Generate,
        Operation::GenerateImages => v1::Operation::GenerateImages,
    }
}

fn state(state: State) -> v1::attempt::State {
    match state {
        State::Cancelled => v1::attempt::State::Cancelled,
        State::Failed => v1::attempt::State::Failed,
        State::Started => v1::attempt::State::Started,
        State::Succeeded => v1::attempt::State::Succeeded,
        State::Unknown => v1::attempt::State::Unknown,
    }
}

fn span(micros: i64) -> Option<prost_types::Duration> {
    let span = Duration::from_micros(u64::try_from(micros).ok()?);
    prost_types::Duration::try_from(span).ok()
}
