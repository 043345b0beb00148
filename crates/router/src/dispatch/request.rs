//! What a request asks for, whatever it asks it of: who asks, for what scope, whom, and on which
//! conditions. Calls and explanations are made from the same.

use std::sync::Arc;

use latchkey_contract::names::{KeyName, Scope};
use latchkey_contract::router::v1;
use latchkey_contract::vault::v1::Capability;
use tokio::time::Instant;

use super::Request;
use super::conditions::Conditions;
use super::plan::ModelTarget;
use crate::domain::attempt::{Origin, Payer};
use crate::keys::KeyQuery;

/// Who asks, for what scope, and whom.
pub(super) struct DispatchRequest<'a> {
    pub(super) scope: &'a Scope,
    pub(super) requester: &'a Arc<str>,
    pub(super) origin: Origin,
    pub(super) deadline: Option<Instant>,
    pub(super) targets: Vec<ModelTarget>,
    /// Whether the workspace's own fallbacks come after the targets.
    pub(super) and_the_workspaces: bool,
    pub(super) conditions: Conditions,
}

impl<'a> DispatchRequest<'a> {
    /// One model and no other.
    pub(super) fn one(
        request: Request<'a>,
        target: ModelTarget,
        origin: v1::Origin,
        conditions: Conditions,
    ) -> Self {
        Self {
            scope: request.scope,
            requester: request.requester,
            origin: Origin::of(origin),
            deadline: request.deadline,
            targets: vec![target],
            and_the_workspaces: false,
            conditions,
        }
    }

    /// What the vault is asked for a target.
    pub(super) fn query(
        &self,
        target: &ModelTarget,
        capability: Capability,
        payer_state: PayerState,
        excluded: &[KeyName],
    ) -> KeyQuery {
        KeyQuery {
            scope: self.scope.clone(),
            caller: Arc::clone(self.requester),
            key: target.key.clone(),
            provider: target.provider.clone(),
            model: target.model.clone(),
            capability,
            excluded: excluded.to_vec(),
            payer: payer_state.payer,
            funding: self.conditions.funding,
            expectations: self.conditions.expectations.clone(),
            own_key_failed: payer_state.own_key_failed,
        }
    }
}

/// What has become of a request so far, as far as it decides who may pay from now on.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct PayerState {
    /// The platform, once a key of it had its turn; the owner, once a key failed that wants it so.
    payer: Option<Payer>,
    /// Whether an own key had its turn and failed.
    own_key_failed: bool,
}

impl PayerState {
    /// A key has its turn. What the platform has start to pay for it pays to the end.
    pub(super) fn turn_of(&mut self, payer: Payer) {
        if payer == Payer::Platform {
            self.payer = Some(Payer::Platform);
        }
    }

    /// The same for one model, where a key was passed over that has not failed: nobody else pays for that.
    pub(super) fn kept_to(self, payer: Option<Payer>) -> Self {
        Self {
            payer: self.payer.or(payer),
            ..self
        }
    }

    /// It failed, or is left alone because it failed a moment ago. An own key may keep the platform from
    /// ever following it; the policies of workspace, project and request are asked anew by the vault.
    pub(super) fn failure_of(&mut self, payer: Payer, platform_fallback_allowed: bool) {
        if payer == Payer::OwnKey {
            self.own_key_failed = true;
            if !platform_fallback_allowed {
                self.payer = Some(Payer::OwnKey);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platform_is_stayed_with_and_an_own_key_is_not() {
        let mut payer_state = PayerState::default();
        payer_state.turn_of(Payer::OwnKey);
        assert_eq!(payer_state, PayerState::default());
        payer_state.failure_of(Payer::OwnKey, true);
        payer_state.turn_of(Payer::Platform);
        payer_state.turn_of(Payer::OwnKey);
        assert_eq!(
            (payer_state.payer, payer_state.own_key_failed),
            (Some(Payer::Platform), true)
        );
    }

    #[test]
    fn a_failure_of_the_platforms_is_no_failure_of_an_own_key() {
        let mut payer_state = PayerState::default();
        payer_state.turn_of(Payer::Platform);
        payer_state.failure_of(Payer::Platform, false);
        assert!(!payer_state.own_key_failed);
    }

    #[test]
    fn a_key_that_failed_may_keep_the_platform_from_following() {
        let mut payer_state = PayerState::default();
        payer_state.turn_of(Payer::OwnKey);
        payer_state.failure_of(Payer::OwnKey, false);
        assert_eq!(payer_state.payer, Some(Payer::OwnKey));
    }
}
