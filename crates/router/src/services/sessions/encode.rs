//! Encodes sessions and turns.

use latchkey_contract::names::{SessionName, TurnName};
use latchkey_contract::router::v1::{self, session};

use crate::domain::session::{Session, TurnHead};
use crate::services::encode::{payer, time};
use crate::sessions::OpenedTurn;

/// Encodes a session, without its transcript.
pub(super) fn session(session: &Session) -> v1::Session {
    let settings = &session.settings;
    let transcript = session.transcript.as_ref();
    let turns = transcript.map_or(0, |transcript| transcript.turn_count);
    v1::Session {
        name: session.name.to_string(),
        scope: session.scope.to_string(),
        display_name: settings.display_name.clone(),
        key: settings.target.key_text(),
        provider: settings.target.provider_text().to_owned(),
        model: settings.target.model_text().to_owned(),
        strict: settings.strict,
        transcript: match transcript {
            Some(_) => session::Transcript::Sealed,
            None => session::Transcript::None,
        }
        .into(),
        retention: prost_types::Duration::try_from(settings.retention).ok(),
        turn_count: i64::try_from(turns).unwrap_or(i64::MAX),
        creator: session.creator.clone(),
        create_time: Some(time(session.create_time)),
        update_time: Some(time(session.update_time)),
        last_use_time: Some(time(session.last_use_time)),
        expire_time: Some(time(session.expire_time())),
        etag: session.etag(),
    }
}

/// Encodes a turn.
pub(super) fn turn(session: &SessionName, turn: OpenedTurn) -> v1::Turn {
    let OpenedTurn { head, said } = turn;
    let TurnHead {
        number,
        provider,
        model,
        key_version,
        payer: paid_by,
        finish_reason,
        create_time,
        size: _,
    } = head;
    let name = TurnName {
        session: session.clone(),
        turn: number,
    };
    v1::Turn {
        name: name.to_string(),
        finish_reason: finish_reason.into(),
        provider: provider.to_string(),
        model,
        key_version: key_version.to_string(),
        payer: payer(paid_by).into(),
        create_time: Some(time(create_time)),
        ..said
    }
}
