//! Sessions: conversations that keep a key and a model and, if they say so, what was said.
//!
//! A request in a session becomes one without by [`Sessions::prepare`]; what it was answered becomes the
//! next turn of the transcript by [`Prepared::finish`]. What is said is never in clear in the database:
//! each turn is sealed under a data key that the vault leases for the session alone, and a
//! session is deleted by having the vault destroy that key.

mod fields;
mod prepare;
mod retention;
mod transcript;

use std::sync::Arc;

use latchkey_clock::Clock;
use latchkey_contract::Reason;
use latchkey_contract::names::{Scope, SessionName, WorkspaceName};
use latchkey_contract::router::v1;
use prost::Message as _;
use ring::rand::{SecureRandom as _, SystemRandom};
use uuid::{Builder, Uuid};

pub use prepare::{Placing, Prepared};
pub use retention::retain;
pub use transcript::OpenedTurn;

use crate::catalogue::Catalogues;
use crate::domain::session::{Session, Settings, Transcript};
use crate::error::RouterError;
use crate::ledger::JournalError;
use crate::store::{FirstAnswer, Store};
use crate::vault_client::{DataKey, VaultClient};

/// The sessions of this deployment.
pub struct Sessions {
    /// Their rows.
    pub store: Store,
    /// The way to the vault.
    pub vault: Arc<VaultClient>,
    /// What is known of models.
    pub catalogue: Arc<Catalogues>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for identities and seals.
    pub rng: SystemRandom,
}

/// A session that is asked for.
pub struct NewSession {
    /// The workspace that it belongs to.
    pub workspace: WorkspaceName,
    /// Its name; none when one is to be chosen.
    pub name: Option<SessionName>,
    /// The scope of its requests.
    pub scope: Scope,
    /// Its settings, checked.
    pub settings: Settings,
    /// Whether what is said is kept.
    pub keeps_transcript: bool,
    /// Who asks.
    pub creator: Arc<str>,
    /// The caller's id of the request, and what tells it from another one.
    pub request: Option<(Uuid, Vec<u8>)>,
}

/// Whoever is in the way may be gone at the next look, or be the same request.
const LOOKS: usize = 3;
/// Changes of the same session that came first, before a change without an etag is given up.
const MAX_OVERTAKEN: usize = 8;

impl Sessions {
    /// Creates a session. `answer` is what its caller is told, now and when it asks again.
    pub async fn create(
        &self,
        new: NewSession,
        answer: impl Fn(&Session) -> v1::Session,
    ) -> Result<v1::Session, RouterError> {
        let uid = self.random_uid()?;
        let name = match &new.name {
            Some(name) => name.clone(),
            None => SessionName {
                workspace: new.workspace.clone(),
                session: format!("s-{}", uid.simple())
                    .parse()
                    .expect("32 digits after a letter are an id"),
            },
        };
        for _ in 0..LOOKS {
            if let Some(first) = self.answered(&new).await? {
                return Ok(first);
            }
            if let Some(other) = self.store.session(&name).await? {
                if !other.is_expired(self.clock.now()) {
                    // What is in the way may be the same request, sent twice and done meanwhile.
                    let first = self.answered(&new).await?;
                    return first.ok_or(RouterError::SessionExists);
                }
                self.shred(&other).await?;
            }
            let key = if new.keeps_transcript {
                Some(self.vault.create_data_key(&new.workspace).await?)
            } else {
                None
            };
            let session = self.founded(&new, uid, name.clone(), key.as_deref());
            let said = answer(&session);
            let first_answer = new.request.clone().map(|(request_id, digest)| FirstAnswer {
                request_id,
                digest,
                answer: said.encode_to_vec(),
            });
            let inserted = self.store.insert_session(&session, first_answer).await;
            if matches!(inserted, Ok(true)) {
                return Ok(said);
            }
            if let Some(key) = key {
                // Nothing was sealed under it. If it stays, nothing is lost but its place.
                let _ = self.vault.destroy_data_key(key.name()).await;
            }
            inserted?;
        }
        Err(RouterError::SessionExists)
    }

    /// A session that is not expired.
    pub async fn find(&self, name: &SessionName) -> Result<Session, RouterError> {
        let found = self.store.session(name).await?;
        let now = self.clock.now();
        found
            .filter(|session| !session.is_expired(now))
            .ok_or(RouterError::SessionNotFound)
    }

    /// Sessions of a workspace that are not expired, by name, after the id `after`.
    pub async fn list(
        &self,
        workspace: &WorkspaceName,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<Session>, RouterError> {
        let now = self.clock.now();
        Ok(self.store.sessions(workspace, now, after, limit).await?)
    }

    /// Changes the settings of a session whose etag is that one, if one is named.
    pub async fn update(
        &self,
        name: &SessionName,
        etag: &str,
        change: impl Fn(Settings) -> Result<Settings, RouterError>,
    ) -> Result<Session, RouterError> {
        for _ in 0..MAX_OVERTAKEN {
            let mut session = self.find(name).await?;
            check_etag(&session, etag)?;
            session.settings = change(session.settings)?;
            session.revision += 1;
            session.update_time = self.clock.now();
            if self.store.update_session(&session).await? {
                return Ok(session);
            }
            // Somebody else was first: looked at again.
        }
        Err(RouterError::EtagMismatch)
    }

    /// Deletes a session: first what its transcript could be read with, then its rows.
    pub async fn delete(&self, name: &SessionName, etag: &str) -> Result<(), RouterError> {
        let session = self.find(name).await?;
        check_etag(&session, etag)?;
        if self.shred(&session).await? {
            Ok(())
        } else {
            // Somebody else was first.
            Err(RouterError::SessionNotFound)
        }
    }

    /// Has the vault destroy a session's data key, and deletes its rows. Returns whether they were
    /// there.
    async fn shred(&self, session: &Session) -> Result<bool, RouterError> {
        if let Some(transcript) = &session.transcript {
            let destroyed = self.vault.destroy_data_key(&transcript.data_key).await;
            match destroyed {
                // The keys of a workspace go with it.
                Err(RouterError::Refused(refusal)) if is_gone(refusal.reason) => {}
                destroyed => destroyed?,
            }
        }
        Ok(self.store.delete_session(session.uid).await?)
    }

    /// What was answered to the same request before.
    async fn answered(&self, new: &NewSession) -> Result<Option<v1::Session>, RouterError> {
        let Some((id, digest)) = &new.request else {
            return Ok(None);
        };
        let found = self.store.session_of_request(&new.creator, *id).await?;
        let Some((session, first)) = found else {
            return Ok(None);
        };
        if session.is_expired(self.clock.now()) {
            self.shred(&session).await?;
            return Ok(None);
        }
        if first.digest != *digest {
            return Err(RouterError::RequestIdReused);
        }
        let answer = v1::Session::decode(&*first.answer);
        let answer = answer.map_err(|_| RouterError::Integrity("a session's first answer"))?;
        Ok(Some(answer))
    }

    fn founded(
        &self,
        new: &NewSession,
        uid: Uuid,
        name: SessionName,
        key: Option<&DataKey>,
    ) -> Session {
        let now = self.clock.now();
        Session {
            uid,
            name,
            scope: new.scope.clone(),
            settings: new.settings.clone(),
            transcript: key.map(|key| Transcript::new(key.name().clone())),
            creator: new.creator.to_string(),
            create_time: now,
            update_time: now,
            last_use_time: now,
            revision: 1,
        }
    }

    fn random_uid(&self) -> Result<Uuid, RouterError> {
        let mut bytes = [0; 16];
        let filled = self.rng.fill(&mut bytes);
        filled.map_err(|_| JournalError::Randomness)?;
        Ok(Builder::from_random_bytes(bytes).into_uuid())
    }
}

fn check_etag(session: &Session, etag: &str) -> Result<(), RouterError> {
    if etag.is_empty() || etag == session.etag() {
        Ok(())
    } else {
        Err(RouterError::EtagMismatch)
    }
}

/// Whether a refusal of the vault says that a data key can't be leased to anybody any more.
fn is_gone(reason: Reason) -> bool {
    matches!(reason, Reason::DataKeyNotFound | Reason::WorkspaceNotFound)
}
