//! A request as dispatch works on it, whatever the operation: who calls, for which scope, which models,
//! on which conditions. Calls and dry runs are made from the same value.

use std::sync::Arc;

use latchkey_contract::names::{KeyName, Scope};
use latchkey_contract::router::v1;
use tokio::time::Instant;

use super::conditions::Conditions;
use super::payer_state::PayerState;
use crate::domain::attempt::Origin;
use crate::domain::capability::Capability;
use crate::domain::key_query::KeyQuery;
use crate::domain::model_target::ModelTarget;

/// The caller, the scope of its request, and its deadline.
#[derive(Clone, Copy)]
pub struct CallContext<'a> {
    /// The scope.
    pub scope: &'a Scope,
    /// The caller's identity.
    pub requester: &'a Arc<str>,
    /// The caller's deadline.
    pub deadline: Option<Instant>,
}

/// A request to dispatch.
pub(super) struct DispatchRequest<'a> {
    pub(super) context: CallContext<'a>,
    pub(super) origin: Origin,
    /// The model that the request names.
    pub(super) target: ModelTarget,
    /// The models that follow when it fails.
    pub(super) fallbacks: Fallbacks,
    pub(super) conditions: Conditions,
}

/// The fallbacks of a request.
#[derive(Debug)]
pub(super) enum Fallbacks {
    /// These, possibly none.
    Given(Vec<ModelTarget>),
    /// The workspace's own, which the vault returns with a key.
    OfTheWorkspace,
}

impl<'a> DispatchRequest<'a> {
    /// A request for one model without fallbacks.
    pub(super) fn new(
        context: CallContext<'a>,
        target: ModelTarget,
        origin: v1::Origin,
        conditions: Conditions,
    ) -> Self {
        Self {
            context,
            origin: Origin::of(origin),
            target,
            fallbacks: Fallbacks::Given(Vec::new()),
            conditions,
        }
    }

    /// The selection criteria for a key that serves a target.
    pub(super) fn key_query(
        &self,
        target: &ModelTarget,
        capability: Capability,
        payer_state: PayerState,
        excluded: &[KeyName],
    ) -> KeyQuery {
        KeyQuery {
            scope: self.context.scope.clone(),
            caller: Arc::clone(self.context.requester),
            key: target.key.clone(),
            provider: target.provider,
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
