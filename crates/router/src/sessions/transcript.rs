//! Opens and appends the turns of transcripts.

use std::sync::Arc;

use latchkey_contract::router::v1::{FinishReason, Message, Turn};
use latchkey_envelope::{TranscriptKey, TurnContext};
use prost::Message as _;

use super::{Sessions, is_gone};
use crate::domain::session::{Session, Transcript, TurnHead, repeated};
use crate::error::RouterError;
use crate::ledger::JournalError;
use crate::store::{Appended, SealedTurn, TurnRange};
use crate::vault_client::DataKey;

/// An opened turn.
pub struct OpenedTurn {
    /// The metadata.
    pub head: TurnHead,
    /// The sealed content: the messages, the answer, and the losses.
    pub said: Turn,
}

impl Sessions {
    /// The size in bytes of each turn after the turn `after`, from the oldest on.
    pub async fn turn_sizes(
        &self,
        session: &Session,
        after: u64,
        limit: u64,
    ) -> Result<Vec<u64>, RouterError> {
        let Some(transcript) = &session.transcript else {
            return Ok(Vec::new());
        };
        let last = transcript.turn_count;
        let range = TurnRange { after, last };
        Ok(self.store.turn_sizes(session.uid, range, limit).await?)
    }

    /// The `count` turns after the turn `after`, from the oldest on.
    pub async fn turns(
        &self,
        session: &Session,
        after: u64,
        count: u64,
    ) -> Result<Vec<OpenedTurn>, RouterError> {
        match &session.transcript {
            Some(transcript) if count > 0 => {
                let key = self.key_of(transcript).await?;
                let last = after.saturating_add(count);
                self.open(session, &key, TurnRange { after, last }).await
            }
            _ => Ok(Vec::new()),
        }
    }

    /// The data key of a transcript.
    pub(super) async fn key_of(
        &self,
        transcript: &Transcript,
    ) -> Result<Arc<DataKey>, RouterError> {
        match self.vault.data_key(&transcript.data_key).await {
            // Destroying the key deletes the session, even while its rows still exist.
            Err(RouterError::Refused(refusal)) if is_gone(refusal.reason) => {
                Err(RouterError::SessionNotFound)
            }
            answer => answer,
        }
    }

    /// All turns of a transcript.
    pub(super) async fn opened(
        &self,
        session: &Session,
        transcript: &Transcript,
        key: &DataKey,
    ) -> Result<Vec<OpenedTurn>, RouterError> {
        let last = transcript.turn_count;
        if last == 0 {
            return Ok(Vec::new());
        }
        self.open(session, key, TurnRange { after: 0, last }).await
    }

    /// The turns of a range, all of which must exist.
    async fn open(
        &self,
        session: &Session,
        key: &DataKey,
        range: TurnRange,
    ) -> Result<Vec<OpenedTurn>, RouterError> {
        let count = range.last.saturating_sub(range.after);
        let rows = self.store.turns(session.uid, range, count).await?;
        let numbers = rows.iter().map(|row| row.head.number);
        if !numbers.eq(range.after + 1..=range.last) {
            // Without the session's row, the session was deleted; with it, a turn was removed.
            self.find(&session.name).await?;
            let TurnRange { after, last } = range;
            let found = rows.len();
            return Err(RouterError::Integrity(format!(
                "turns {} has {found} rows from {} to {last}",
                session.uid,
                after + 1,
            )));
        }
        let place = Place::new(session, key);
        let transcript_key = TranscriptKey::from_bytes(key.expose());
        let opened = rows.into_iter().map(|SealedTurn { head, sealed }| {
            let broken = |problem| {
                let (uid, number) = (session.uid, head.number);
                RouterError::Integrity(format!("turns {uid}/{number} {problem}"))
            };
            let turn = transcript_key
                .open_turn(&sealed, &place.of(head.number))
                .map_err(|_| broken("can't be opened with the key of the session"))?;
            let said = Turn::decode(turn.expose()).map_err(|_| broken("holds no valid message"))?;
            Ok(OpenedTurn { head, said })
        });
        opened.collect()
    }

    /// Appends a turn after those that the session had when it was read. Returns its number; number and
    /// size in `head` are replaced.
    pub(super) async fn append(
        &self,
        session: &Session,
        key: &DataKey,
        head: TurnHead,
        said: &Turn,
    ) -> Result<u64, RouterError> {
        let text = said.encode_to_vec();
        let seen = session.transcript.as_ref();
        let seen = seen.ok_or(RouterError::SessionNotFound)?;
        seen.check_room(text.len() as u64)?;
        let number = seen.turn_count + 1;
        let place = Place::new(session, key);
        let sealed = TranscriptKey::from_bytes(key.expose())
            .seal_turn(&self.rng, &text, &place.of(number))
            .map_err(|_| JournalError::Randomness)?;
        let now = head.create_time;
        let head = TurnHead {
            number,
            size: text.len() as u64,
            ..head
        };
        let turn = SealedTurn { head, sealed };
        match self.store.append_turn(session.uid, now, turn).await? {
            Appended::Added => Ok(number),
            Appended::Gone => Err(RouterError::SessionNotFound),
            Appended::Continued => Err(RouterError::SessionContinued),
        }
    }
}

/// The names that every turn of a session is bound to.
struct Place {
    data_key: String,
    session: String,
}

impl Place {
    fn new(session: &Session, key: &DataKey) -> Self {
        Self {
            data_key: key.name().to_string(),
            session: session.name.to_string(),
        }
    }

    fn of(&self, turn: u64) -> TurnContext<'_> {
        TurnContext {
            data_key: &self.data_key,
            session: &self.session,
            turn,
        }
    }
}

/// The messages of a transcript in the form of a request.
pub(super) fn messages(turns: Vec<OpenedTurn>) -> Vec<Message> {
    turns
        .into_iter()
        .flat_map(|turn| {
            let answer = turn.said.answer.and_then(repeated);
            turn.said.messages.into_iter().chain(answer)
        })
        .collect()
}

/// Whether the last answer is paused. A request may then continue it without a message of its own.
pub(super) fn is_paused(turns: &[OpenedTurn]) -> bool {
    let last = turns.last();
    last.is_some_and(|turn| turn.head.finish_reason == FinishReason::Paused)
}
