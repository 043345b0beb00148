//! Who is a member of a workspace, as the vault says. An answer is kept as a lease is: until the vault
//! tells that something in the workspace has changed, or the session's freshness lapses. So is the
//! answer that somebody is none, but for a workspace that does not exist: nothing would ever take
//! that back.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use latchkey_clock::Clock;
use latchkey_contract::Reason;
use latchkey_contract::names::{RevisionScope, WorkspaceName};
use latchkey_contract::vault::v1::{LookUpMemberRequest, LookUpMemberResponse, member};

use super::session::Session;
use super::{Keys, MAX_OVERTAKEN, VAULT_TIMEOUT, refusal};
use crate::domain::member::MemberRole;
use crate::error::RouterError;

/// There is an end of workspaces and of identities, but not of their pairs.
pub(super) const MAX_MEMBERS: usize = 16 * 1024;

/// A question for the vault.
pub(super) type MemberQuery = (WorkspaceName, Arc<str>);

/// What the vault said, while it holds.
#[derive(Default)]
pub(super) struct Members {
    by_workspace: HashMap<WorkspaceName, HashMap<Arc<str>, Kept>>,
}

/// What is known of somebody: the role, or that there is none.
#[derive(Clone, Copy)]
pub(super) struct Known(Option<MemberRole>);

/// One answer.
struct Kept {
    known: Known,
    session: Arc<Session>,
}

impl Keys {
    /// The role that a workspace gives to an identity: told before and still good, or asked for now.
    /// None in a workspace that does not exist.
    pub async fn member_role(
        &self,
        workspace: &WorkspaceName,
        identity: &Arc<str>,
    ) -> Result<Option<MemberRole>, RouterError> {
        if let Some(Known(role)) = self.known_member(workspace, identity) {
            return Ok(role);
        }
        let asked = self.ask_in_turn(workspace, identity);
        let answered = tokio::time::timeout(VAULT_TIMEOUT, asked).await;
        answered.unwrap_or(Err(RouterError::VaultUnavailable))
    }

    fn known_member(&self, workspace: &WorkspaceName, identity: &str) -> Option<Known> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.members.get(workspace, identity, &*self.clock)
    }

    /// One question at a time for the same pair: who waited finds the answer.
    async fn ask_in_turn(
        &self,
        workspace: &WorkspaceName,
        identity: &Arc<str>,
    ) -> Result<Option<MemberRole>, RouterError> {
        let asked = (workspace.clone(), Arc::clone(identity));
        let turn = self.member_turns.of(&asked);
        let _turn = turn.lock().await;
        match self.known_member(workspace, identity) {
            Some(Known(role)) => Ok(role),
            None => self.ask_anew(workspace, identity).await,
        }
    }

    async fn ask_anew(
        &self,
        workspace: &WorkspaceName,
        identity: &Arc<str>,
    ) -> Result<Option<MemberRole>, RouterError> {
        for _ in 0..MAX_OVERTAKEN {
            let session = self.session().ok_or(RouterError::VaultUnavailable)?;
            let request = LookUpMemberRequest {
                router_session: session.id.clone(),
                workspace: workspace.to_string(),
                identity: identity.to_string(),
            };
            let answer = match self.client.clone().look_up_member(request).await {
                Ok(answer) => answer.into_inner(),
                Err(status) => match refusal::read(&status) {
                    Some(refusal) if refusal.reason == Reason::WorkspaceNotFound => {
                        return Ok(None);
                    }
                    Some(refusal) => return Err(RouterError::Refused(Box::new(refusal))),
                    None => return Err(RouterError::VaultUnavailable),
                },
            };
            if let Some(Known(role)) = self.keep_member(workspace, identity, session, &answer)? {
                return Ok(role);
            }
        }
        Err(RouterError::VaultUnavailable)
    }

    /// Keeps an answer, unless it was overtaken by an invalidation or by the session's end.
    pub(super) fn keep_member(
        &self,
        workspace: &WorkspaceName,
        identity: &Arc<str>,
        session: Arc<Session>,
        answer: &LookUpMemberResponse,
    ) -> Result<Option<Known>, RouterError> {
        let scope = RevisionScope::Workspace(workspace.clone());
        let read_at = answer.revision.as_ref();
        let read_at = read_at.filter(|read_at| read_at.scope.parse().ok().as_ref() == Some(&scope));
        // Nothing could ever take back what was read at no revision.
        let read_at = read_at.ok_or(RouterError::VaultUnavailable)?;
        // Held while the answer is added: an invalidation comes wholly before or wholly after.
        let mut held = self.write();
        let current = held.session.as_ref();
        if current.is_none_or(|current| !Arc::ptr_eq(current, &session)) {
            return Ok(None);
        }
        let known = held.heads.get(&scope);
        if known.is_some_and(|known| *known > read_at.revision) {
            return Ok(None);
        }
        let known = Known(read_role(answer));
        let kept = Kept { known, session };
        held.members
            .add(workspace, Arc::clone(identity), kept, &*self.clock);
        Ok(Some(known))
    }
}

impl Members {
    fn get(&self, workspace: &WorkspaceName, identity: &str, clock: &dyn Clock) -> Option<Known> {
        let kept = self.by_workspace.get(workspace)?.get(identity)?;
        kept.session
            .is_fresh(clock.boottime())
            .then_some(kept.known)
    }

    fn add(
        &mut self,
        workspace: &WorkspaceName,
        identity: Arc<str>,
        kept: Kept,
        clock: &dyn Clock,
    ) {
        self.make_room(clock);
        let members = self.by_workspace.entry(workspace.clone()).or_default();
        members.insert(identity, kept);
    }

    /// Forgets what was said of a scope.
    pub(super) fn forget(&mut self, scope: &RevisionScope) {
        if let RevisionScope::Workspace(workspace) = scope {
            self.by_workspace.remove(workspace);
        }
    }

    pub(super) fn forget_all(&mut self) {
        self.by_workspace.clear();
    }

    /// Strangers go before members: there may be any number of them.
    fn make_room(&mut self, clock: &dyn Clock) {
        let now = clock.boottime();
        let steps: [&dyn Fn(&Kept) -> bool; 3] = [
            &|kept| kept.session.is_fresh(now),
            &|kept| kept.known.0.is_some(),
            // Who still needs one asks again.
            &|_| false,
        ];
        for keep in steps {
            if self.len() < MAX_MEMBERS {
                return;
            }
            self.by_workspace.retain(|_, members| {
                members.retain(|_, kept| keep(kept));
                !members.is_empty()
            });
        }
    }

    fn len(&self) -> usize {
        self.by_workspace.values().map(HashMap::len).sum()
    }
}

/// A role of a later contract is none that is known to allow anything.
fn read_role(answer: &LookUpMemberResponse) -> Option<MemberRole> {
    match member::Role::try_from(answer.role) {
        Ok(member::Role::Owner) => Some(MemberRole::Owner),
        Ok(member::Role::Member) => Some(MemberRole::Member),
        Ok(member::Role::Caller) => Some(MemberRole::Caller),
        Ok(member::Role::Unspecified) | Err(_) => None,
    }
}
