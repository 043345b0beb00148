//! The identities behind the names of workspaces and projects. An answer is cached as a lease is: until
//! an invalidation of the workspace, or until the session's freshness lapses. A name without a workspace
//! or project is not cached: no invalidation would ever take that back.

use std::collections::HashMap;
use std::sync::Arc;

use latchkey_clock::Timestamp;
use latchkey_contract::names::Scope;
use latchkey_contract::uid::WorkspaceUid;
use latchkey_contract::vault::v1::{LookUpScopeRequest, LookUpScopeResponse};

use super::state::{Revision, decode_revision};
use super::{MAX_OVERTAKEN, RouterSession, VaultClient, in_time};
use crate::domain::scope_identity::ScopeIdentity;
use crate::error::RouterError;

/// Cached answers at most. Callers choose the names, but only names that exist are cached.
const MAX_SCOPES: usize = 16 * 1024;

/// The cached answers.
#[derive(Default)]
pub(super) struct Scopes {
    by_name: HashMap<Scope, CachedScope>,
}

struct CachedScope {
    scope: Arc<ScopeIdentity>,
    session: Arc<RouterSession>,
}

impl VaultClient {
    /// The workspace or project that has the name now.
    pub async fn scope(&self, name: &Scope) -> Result<Arc<ScopeIdentity>, RouterError> {
        if let Some(scope) = self.cached_scope(name) {
            return Ok(scope);
        }
        for _ in 0..MAX_OVERTAKEN {
            let session = self.session()?;
            let request = LookUpScopeRequest {
                router_session: session.id().to_owned(),
                scope: name.to_string(),
            };
            let mut client = self.rpc();
            let response = in_time(client.look_up_scope(request)).await?;
            let decoded = decode(name, &response).ok_or(RouterError::VaultUnavailable)?;
            if let Some(scope) = self.keep_scope(session, decoded) {
                return Ok(scope);
            }
        }
        Err(RouterError::VaultUnavailable)
    }

    fn cached_scope(&self, name: &Scope) -> Option<Arc<ScopeIdentity>> {
        let state = self.state.read();
        let cached = state.scopes.by_name.get(name)?;
        let is_fresh = cached.session.is_fresh(self.clock.boottime());
        is_fresh.then(|| Arc::clone(&cached.scope))
    }

    /// Caches an answer, unless an invalidation or the end of the session has overtaken it.
    fn keep_scope(
        &self,
        session: Arc<RouterSession>,
        (read_at, scope): (Revision, ScopeIdentity),
    ) -> Option<Arc<ScopeIdentity>> {
        // Locked while the answer is added: an invalidation comes wholly before or wholly after.
        let mut state = self.state.write();
        if !state.is_current(&session, &[read_at]) {
            return None;
        }
        let by_name = &mut state.scopes.by_name;
        if by_name.len() >= MAX_SCOPES {
            let now = self.clock.boottime();
            by_name.retain(|_, cached| cached.session.is_fresh(now));
        }
        if by_name.len() >= MAX_SCOPES {
            // A workspace with many projects evicts its own first.
            by_name.retain(|_, cached| cached.scope.workspace != scope.workspace);
        }
        if by_name.len() >= MAX_SCOPES {
            // A caller that needs one looks it up again.
            by_name.clear();
        }
        let scope = Arc::new(scope);
        let cached = CachedScope {
            scope: Arc::clone(&scope),
            session,
        };
        by_name.insert(scope.name.clone(), cached);
        Some(scope)
    }
}

impl Scopes {
    /// Drops the answers that an invalidation concerns.
    pub(super) fn forget(&mut self, workspace: WorkspaceUid) {
        self.by_name
            .retain(|_, cached| cached.scope.workspace != workspace);
    }

    pub(super) fn forget_all(&mut self) {
        self.by_name.clear();
    }
}

fn decode(name: &Scope, response: &LookUpScopeResponse) -> Option<(Revision, ScopeIdentity)> {
    let read_at = decode_revision(response.revision.as_ref()?)?;
    let project = match name {
        Scope::Workspace(_) => None,
        Scope::Project(_) => Some((
            response.project_uid.parse().ok()?,
            time(response.project_create_time.as_ref()?)?,
        )),
    };
    let scope = ScopeIdentity {
        name: name.clone(),
        workspace: read_at.0,
        workspace_create_time: time(response.workspace_create_time.as_ref()?)?,
        project,
    };
    Some((read_at, scope))
}

fn time(message: &prost_types::Timestamp) -> Option<Timestamp> {
    Timestamp::from_unix(message.seconds, u32::try_from(message.nanos).ok()?)
}
