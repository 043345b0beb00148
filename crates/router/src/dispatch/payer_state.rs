//! The payers of a request's calls so far, as far as they restrict the next payer.

use crate::domain::attempt::Payer;

/// The state of a request.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct PayerState {
    /// The only party that may pay from now on: the platform, once one of its keys was used; the
    /// owner, once a key failed whose policy forbids the platform to follow.
    pub(super) payer: Option<Payer>,
    /// Whether a customer's own key was used and failed.
    pub(super) own_key_failed: bool,
}

impl PayerState {
    /// Records that a key is used. Once the platform has paid for an attempt, it keeps paying.
    pub(super) fn use_key(&mut self, payer: Payer) {
        if payer == Payer::Platform {
            self.payer = Some(Payer::Platform);
        }
    }

    /// The state for one model, where a key was skipped although it had not failed: its payer stays.
    pub(super) fn kept_to(self, payer: Option<Payer>) -> Self {
        Self {
            payer: self.payer.or(payer),
            ..self
        }
    }

    /// Records that a key failed, or is unavailable because it failed a moment ago. A customer's key
    /// may forbid the platform to ever follow it; the policies of workspace, project and request are
    /// evaluated by the vault again.
    pub(super) fn fail_key(&mut self, payer: Payer, platform_fallback_allowed: bool) {
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
    fn the_platform_keeps_paying_once_it_has_paid() {
        let mut state = PayerState::default();
        state.use_key(Payer::OwnKey);
        assert_eq!(state, PayerState::default());
        state.fail_key(Payer::OwnKey, true);
        state.use_key(Payer::Platform);
        state.use_key(Payer::OwnKey);
        assert_eq!(
            (state.payer, state.own_key_failed),
            (Some(Payer::Platform), true)
        );
    }

    #[test]
    fn a_failed_platform_key_does_not_count_as_an_own_key() {
        let mut state = PayerState::default();
        state.use_key(Payer::Platform);
        state.fail_key(Payer::Platform, false);
        assert!(!state.own_key_failed);
    }

    #[test]
    fn a_failed_key_may_forbid_the_platform_to_follow() {
        let mut state = PayerState::default();
        state.use_key(Payer::OwnKey);
        state.fail_key(Payer::OwnKey, false);
        assert_eq!(state.payer, Some(Payer::OwnKey));
    }
}
