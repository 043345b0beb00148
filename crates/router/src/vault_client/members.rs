//! Memberships, as the vault returns them. An answer is cached as a lease is: until an invalidation of
//! the workspace, or until the session's freshness lapses. That an identity is no member is cached too,
//! except for a workspace that doesn't exist: no invalidation would ever take that back.

use std::collections::HashMap;
use std::sync::Arc;

use latchkey_clock::Clock;
use latchkey_contract::Reason;
use latchkey_contract::names::WorkspaceName;
use latchkey_contract::uid::WorkspaceUid;
use latchkey_contract::vault::v1::{LookUpMemberRequest, LookUpMemberResponse, member};

use super::state::decode_revision;
use super::{MAX_OVERTAKEN, RouterSession, VAULT_TIMEOUT, VaultClient, status};
use crate::domain::member::MemberRole;
use crate::error::RouterError;

/// Cached answers of all workspaces. Callers choose the pairs, so they are bounded.
pub(super) const MAX_MEMBERS: usize = 16 * 1024;

/// A workspace, and the identity whose role in it is wanted.
pub(super) type MemberQuery = (WorkspaceName, Arc<str>);

/// The cached answers.
#[derive(Default)]
pub(super) struct Members {
    by_workspace: HashMap<WorkspaceName, HashMap<Arc<str>, CachedRole>>,
}

/// A role, or that the identity has none.
#[derive(Clone, Copy)]
pub(super) struct KnownRole(Option<MemberRole>);

struct CachedRole {
    role: KnownRole,
    /// The workspace that had the name.
    workspace: WorkspaceUid,
    session: Arc<RouterSession>,
}

impl VaultClient {
    /// The role that a workspace gives to an identity; none in a workspace that doesn't exist.
    pub async fn member_role(
        &self,
        workspace: &WorkspaceName,
        identity: &Arc<str>,
    ) -> Result<Option<MemberRole>, RouterError> {
        if let Some(KnownRole(role)) = self.cached_role(workspace, identity) {
            return Ok(role);
        }
        let lookup = self.look_up_once(workspace, identity);
        let answered = tokio::time::timeout(VAULT_TIMEOUT, lookup).await;
        answered.unwrap_or(Err(RouterError::VaultUnavailable))
    }

    fn cached_role(&self, workspace: &WorkspaceName, identity: &str) -> Option<KnownRole> {
        let state = self.state.read();
        state.members.get(workspace, identity, &*self.clock)
    }

    /// Looks a member up, unless a caller before this one has just done so.
    async fn look_up_once(
        &self,
        workspace: &WorkspaceName,
        identity: &Arc<str>,
    ) -> Result<Option<MemberRole>, RouterError> {
        let query = (workspace.clone(), Arc::clone(identity));
        let flight = self.member_flights.join(&query);
        let _first = flight.lock().await;
        match self.cached_role(workspace, identity) {
            Some(KnownRole(role)) => Ok(role),
            None => self.look_up(workspace, identity).await,
        }
    }

    async fn look_up(
        &self,
        workspace: &WorkspaceName,
        identity: &Arc<str>,
    ) -> Result<Option<MemberRole>, RouterError> {
        for _ in 0..MAX_OVERTAKEN {
            let session = self.session()?;
            let request = LookUpMemberRequest {
                router_session: session.id().to_owned(),
                workspace: workspace.to_string(),
                identity: identity.to_string(),
            };
            let response = match self.rpc().look_up_member(request).await {
                Ok(response) => response.into_inner(),
                Err(status) => match status::error(&status) {
                    RouterError::Refused(refusal)
                        if refusal.reason == Reason::WorkspaceNotFound =>
                    {
                        return Ok(None);
                    }
                    error => return Err(error),
                },
            };
            if let Some(KnownRole(role)) =
                self.keep_member(workspace, identity, session, &response)?
            {
                return Ok(role);
            }
        }
        Err(RouterError::VaultUnavailable)
    }

    /// Caches an answer, unless an invalidation or the end of the session has overtaken it.
    pub(super) fn keep_member(
        &self,
        workspace: &WorkspaceName,
        identity: &Arc<str>,
        session: Arc<RouterSession>,
        response: &LookUpMemberResponse,
    ) -> Result<Option<KnownRole>, RouterError> {
        // No invalidation could take back an answer without a revision.
        let read_at = response
            .revision
            .as_ref()
            .and_then(decode_revision)
            .ok_or(RouterError::VaultUnavailable)?;
        // Locked while the answer is added: an invalidation comes wholly before or wholly after.
        let mut state = self.state.write();
        if !state.is_current(&session, &[read_at]) {
            return Ok(None);
        }
        let role = KnownRole(decode_role(response));
        let cached = CachedRole {
            role,
            workspace: read_at.0,
            session,
        };
        state
            .members
            .add(workspace, Arc::clone(identity), cached, &*self.clock);
        Ok(Some(role))
    }
}

impl Members {
    fn get(
        &self,
        workspace: &WorkspaceName,
        identity: &str,
        clock: &dyn Clock,
    ) -> Option<KnownRole> {
        let cached = self.by_workspace.get(workspace)?.get(identity)?;
        let is_fresh = cached.session.is_fresh(clock.boottime());
        is_fresh.then_some(cached.role)
    }

    fn add(
        &mut self,
        workspace: &WorkspaceName,
        identity: Arc<str>,
        cached: CachedRole,
        clock: &dyn Clock,
    ) {
        self.make_room(clock);
        let members = self.by_workspace.entry(workspace.clone()).or_default();
        members.insert(identity, cached);
    }

    /// Drops the answers of a workspace.
    pub(super) fn forget(&mut self, workspace: WorkspaceUid) {
        self.retain(|cached| cached.workspace != workspace);
    }

    pub(super) fn forget_all(&mut self) {
        self.by_workspace.clear();
    }

    /// Identities without a role go before members: there may be any number of them.
    fn make_room(&mut self, clock: &dyn Clock) {
        let now = clock.boottime();
        let steps: [&dyn Fn(&CachedRole) -> bool; 3] = [
            &|cached| cached.session.is_fresh(now),
            &|cached| cached.role.0.is_some(),
            // A caller that needs one looks it up again.
            &|_| false,
        ];
        for keep in steps {
            if self.len() < MAX_MEMBERS {
                return;
            }
            self.retain(keep);
        }
    }

    fn retain(&mut self, keep: impl Fn(&CachedRole) -> bool) {
        self.by_workspace.retain(|_, members| {
            members.retain(|_, cached| keep(cached));
            !members.is_empty()
        });
    }

    fn len(&self) -> usize {
        self.by_workspace.values().map(HashMap::len).sum()
    }
}

/// The role of a response. A role of a later contract allows nothing that this router knows.
fn decode_role(response: &LookUpMemberResponse) -> Option<MemberRole> {
    match member::Role::try_from(response.role) {
        Ok(member::Role::Owner) => Some(MemberRole::Owner),
        Ok(member::Role::Member) => Some(MemberRole::Member),
        Ok(member::Role::Caller) => Some(MemberRole::Caller),
        Ok(member::Role::Unspecified) | Err(_) => None,
    }
}
