//! The journal and its shipping.

mod journal;
mod record;
mod shipper;

use std::path::Path;

use latchkey_clock::Timestamp;
use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::Usage;
use latchkey_contract::uid::{KeyUid, ProjectUid, WorkspaceUid};
use uuid::Uuid;

use super::journal::Position;
use super::*;
use crate::domain::attempt::{
    AttemptId, AttemptOutcome, AttemptStart, AttemptUids, Certainty, Operation, Origin, Payer,
    State,
};

fn config(folder: &Path) -> JournalConfig {
    JournalConfig {
        folder: folder.to_owned(),
        sync_milliseconds: default_sync(),
    }
}

fn open(folder: &Path) -> Arc<Journal> {
    Journal::open(&config(folder)).unwrap()
}

/// The beginning of a segment.
fn beginning(segment: u64) -> Position {
    Position { segment, offset: 0 }
}

/// The file of a segment.
fn file(folder: &Path, segment: u64) -> PathBuf {
    folder.join(format!("{segment:020}.journal"))
}

/// The workspace of the attempts.
const WORKSPACE: WorkspaceUid = WorkspaceUid(Uuid::from_u128(7));

/// A started attempt.
fn start(number: u128) -> Attempt {
    let micros = i64::try_from(number).unwrap();
    let start = AttemptStart {
        id: AttemptId(Uuid::from_u128(number)),
        scope: "workspaces/acme/projects/web".parse().unwrap(),
        uids: AttemptUids {
            workspace: Some(WORKSPACE),
            project: Some(ProjectUid(Uuid::from_u128(8))),
            key: Some(KeyUid(Uuid::from_u128(9))),
        },
        key_version: "workspaces/acme/keys/main/versions/3".parse().unwrap(),
        material_tail: "wxyz".to_owned(),
        payer: Payer::OwnKey,
        provider: ProviderId::OpenAi,
        model: "gpt-5.4".parse().unwrap(),
        requester: "token:app".into(),
        origin: Origin::Automation,
        operation: Operation::GenerateImages,
        streamed: true,
        start_time: Timestamp::from_micros(micros),
    };
    Attempt {
        start,
        outcome: AttemptOutcome::default(),
    }
}

/// The same attempt with its outcome.
fn ended(number: u128) -> Attempt {
    let usage = Usage {
        input_tokens: 1,
        cache_read_tokens: 2,
        cache_write_tokens: 3,
        cache_write_1h_tokens: 4,
        output_tokens: 5,
        reasoning_tokens: 6,
        image_input_tokens: 7,
        image_output_tokens: 8,
        image_count: 9,
    };
    let outcome = AttemptOutcome {
        state: State::Succeeded,
        error_reason: "".into(),
        http_status: 200,
        provider_request_id: "req_1".to_owned(),
        served_model: "gpt-5.4-2026-03-05".to_owned(),
        service_tier: "priority".to_owned(),
        first_byte_micros: Some(7),
        latency_micros: Some(8),
        usage: Some(usage),
        certainty: Certainty::Reported,
        cost_nanos: Some(9),
        price_version: "2026-11-21".to_owned(),
    };
    Attempt {
        outcome,
        ..start(number)
    }
}
