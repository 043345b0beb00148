//! Sessions: conversations with a default key and model and, optionally, a transcript.
//!
//! [`Sessions::prepare`] expands a request in a session into one without a session.
//! [`Prepared::finish`] adds its answer to the transcript as the next turn. The database never holds a
//! turn in clear: each turn is sealed under a data key that the vault leases for this session alone.
//! Deleting a session first destroys that key in the vault.

mod claim;
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

pub use prepare::{FieldOffset, Prepared};
pub use retention::retain;
pub use transcript::OpenedTurn;

use crate::catalogue::Catalogues;
use crate::domain::scope_identity::ScopeIdentity;
use crate::domain::session::{Session, Settings, Transcript};
use crate::error::RouterError;
use crate::ledger::JournalError;
use crate::store::{FirstAnswer, Store};
use crate::vault_client::{DataKey, VaultClient};

/// The sessions of this deployment.
pub struct Sessions {
    /// The rows of sessions and turns.
    pub store: Store,
    /// The vault, which keeps the data keys.
    pub vault: Arc<VaultClient>,
    /// The catalogue of models.
    pub catalogue: Arc<Catalogues>,
    /// The clock of uses and expiries.
    pub clock: Arc<dyn Clock>,
    /// Randomness for identities and seals.
    pub rng: SystemRandom,
}

/// A session to create.
pub struct NewSession {
    /// The name; none for a random one.
    pub name: Option<SessionName>,
    /// The scope of the session's requests.
    pub scope: Arc<ScopeIdentity>,
    /// The settings, checked.
    pub settings: Settings,
    /// Whether the session has a transcript.
    pub keeps_transcript: bool,
    /// The identity that creates the session.
    pub creator: Arc<str>,
    /// The id of a repeatable request, and the request's digest.
    pub request: Option<(Uuid, Vec<u8>)>,
}

/// Attempts to insert a session. A session that takes the name may be deleted before the next attempt,
/// or be the result of the same request.
const MAX_INSERTS: usize = 3;
/// Attempts to update a session, each of which another change may overtake.
const MAX_UPDATES: usize = 8;

impl Sessions {
    /// Creates a session. `answer` encodes the answer, which is stored with the session and returned
    /// again when the request is repeated.
    pub async fn create(
        &self,
        new: NewSession,
        answer: impl Fn(&Session) -> v1::Session,
    ) -> Result<v1::Session, RouterError> {
        let uid = self.random_uid()?;
        let name = match &new.name {
            Some(name) => name.clone(),
            None => SessionName {
                workspace: new.scope.name.workspace().clone(),
                session: format!("s-{}", uid.simple())
                    .parse()
                    .expect("32 digits after a letter are an id"),
            },
        };
        // Before the request's id is looked for among the sessions of the workspace.
        self.store.adopt_sessions(&new.scope).await?;
        for _ in 0..MAX_INSERTS {
            if let Some(first) = self.first_answer(&new).await? {
                return Ok(first);
            }
            if let Some(other) = self.stored(&new.scope, &name).await? {
                if !other.is_expired(self.clock.now()) {
                    // The other session may be the result of the same request, sent twice at a time.
                    let first = self.first_answer(&new).await?;
                    return first.ok_or(RouterError::SessionExists);
                }
                self.shred(&other).await?;
            }
            let key = if new.keeps_transcript {
                Some(self.vault.create_data_key(&name.workspace).await?)
            } else {
                None
            };
            let session = self.new_session(&new, uid, name.clone(), key.as_deref());
            let message = answer(&session);
            let first_answer = new.request.clone().map(|(request_id, digest)| FirstAnswer {
                request_id,
                digest,
                answer: message.encode_to_vec(),
            });
            let inserted = self.store.insert_session(&session, first_answer).await;
            if matches!(inserted, Ok(true)) {
                return Ok(message);
            }
            if let Some(key) = key {
                // The key has sealed nothing. After an error it only takes space in the vault.
                let _ = self.vault.destroy_data_key(key.name()).await;
            }
            inserted?;
        }
        Err(RouterError::SessionExists)
    }

    /// Returns an unexpired session.
    pub async fn find(&self, name: &SessionName) -> Result<Session, RouterError> {
        let workspace = self.workspace(&name.workspace).await?;
        let stored = self.stored(&workspace, name).await?;
        let now = self.clock.now();
        stored
            .filter(|session| !session.is_expired(now))
            .ok_or(RouterError::SessionNotFound)
    }

    /// The workspace that has the name now.
    async fn workspace(&self, name: &WorkspaceName) -> Result<Arc<ScopeIdentity>, RouterError> {
        self.vault.scope(&Scope::Workspace(name.clone())).await
    }

    /// The session of that name in a workspace, expired or not.
    async fn stored(
        &self,
        scope: &ScopeIdentity,
        name: &SessionName,
    ) -> Result<Option<Session>, RouterError> {
        let stored = self.store.session(scope.workspace, &name.session).await?;
        if stored.is_none() && self.store.adopt_sessions(scope).await? {
            return Ok(self.store.session(scope.workspace, &name.session).await?);
        }
        Ok(stored)
    }

    /// The unexpired sessions of a workspace, by name, after the id `after`.
    pub async fn list(
        &self,
        workspace: &WorkspaceName,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<Session>, RouterError> {
        let workspace = self.workspace(workspace).await?;
        self.store.adopt_sessions(&workspace).await?;
        let (uid, now) = (workspace.workspace, self.clock.now());
        Ok(self.store.sessions(uid, now, after, limit).await?)
    }

    /// Changes the settings of a session. A non-empty `etag` must match.
    pub async fn update(
        &self,
        name: &SessionName,
        etag: &str,
        change: impl Fn(Settings) -> Result<Settings, RouterError>,
    ) -> Result<Session, RouterError> {
        for _ in 0..MAX_UPDATES {
            let mut session = self.find(name).await?;
            check_etag(&session, etag)?;
            session.settings = change(session.settings)?;
            session.revision += 1;
            session.update_time = self.clock.now();
            if self.store.update_session(&session).await? {
                return Ok(session);
            }
            // Another change came first, so the session is read again.
        }
        Err(RouterError::EtagMismatch)
    }

    /// Deletes a session: first its data key, then its rows.
    pub async fn delete(&self, name: &SessionName, etag: &str) -> Result<(), RouterError> {
        let session = self.find(name).await?;
        check_etag(&session, etag)?;
        if self.shred(&session).await? {
            Ok(())
        } else {
            // Another request deleted it first.
            Err(RouterError::SessionNotFound)
        }
    }

    /// Destroys a session's data key in the vault, and deletes its rows. Returns whether the session
    /// existed.
    async fn shred(&self, session: &Session) -> Result<bool, RouterError> {
        if let Some(transcript) = &session.transcript {
            match self.vault.destroy_data_key(&transcript.data_key).await {
                // A data key is destroyed with its workspace.
                Err(RouterError::Refused(refusal)) if is_gone(refusal.reason) => {}
                destroyed => destroyed?,
            }
        }
        Ok(self.store.delete_session(session.uid).await?)
    }

    /// The stored answer to the same request.
    async fn first_answer(&self, new: &NewSession) -> Result<Option<v1::Session>, RouterError> {
        let Some((id, digest)) = &new.request else {
            return Ok(None);
        };
        let stored = self
            .store
            .session_of_request(new.scope.workspace, &new.creator, *id)
            .await?;
        let Some((session, first)) = stored else {
            return Ok(None);
        };
        if session.is_expired(self.clock.now()) {
            self.shred(&session).await?;
            return Ok(None);
        }
        if first.digest != *digest {
            return Err(RouterError::RequestIdReused);
        }
        v1::Session::decode(&*first.answer).map(Some).map_err(|_| {
            let row = format!("sessions {}", session.uid);
            RouterError::Integrity(format!("the first answer of {row} can't be decoded"))
        })
    }

    fn new_session(
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
            scope: new.scope.name.clone(),
            workspace_uid: Some(new.scope.workspace),
            project_uid: new.scope.project_uid(),
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

/// Whether the vault refused a data key because it no longer exists.
fn is_gone(reason: Reason) -> bool {
    matches!(reason, Reason::DataKeyNotFound | Reason::WorkspaceNotFound)
}
