//! Simulates a call for Explain: the steps of [`Failover`] over the keys that a dry run of `Resolve`
//! returns. Nothing is leased, called or cached. Each call is assumed to fail, so that every key that
//! might be tried is listed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use latchkey_clock::Timestamp;
use latchkey_contract::names::{KeyName, KeyVersionName};
use latchkey_contract::router::v1::{
    EmbedRequest, GenerateImagesRequest, GenerateRequest, PriceEstimate,
};
use latchkey_contract::uid::KeyVersionUid;
use latchkey_contract::{ExclusionRule, ProviderId};
use tokio::time::Instant;

use super::cost::{Offer, Size, check_cost};
use super::failover::{Event, Failover, LeasedKey, Step};
use super::operations::{Embed, Generate, GenerateImages, Operation};
use super::request::{CallContext, DispatchRequest, Fallbacks};
use super::{AttemptsConfig, Dispatcher, in_time};
use crate::domain::attempt::Payer;
use crate::domain::capability::Capability;
use crate::domain::model_id::ModelId;
use crate::error::RouterError;
use crate::health::Unavailable;
use crate::vault_client::{Candidate, DryRun};

/// A request to explain.
#[derive(Clone, Copy)]
pub enum ExplainedRequest<'a> {
    /// For embeddings.
    Embed(&'a EmbedRequest),
    /// For an answer.
    Generate(&'a GenerateRequest),
    /// For images.
    GenerateImages(&'a GenerateImagesRequest),
}

/// One model that the request may be sent to.
pub struct TargetReport {
    /// The provider; none where the key determines it.
    pub provider: Option<ProviderId>,
    /// The model that the request or the fallback names.
    pub model: Option<ModelId>,
    /// Whether it is tried only after those before it have failed.
    pub fallback: bool,
    /// First the keys that would be tried, in that order.
    pub keys: Vec<CandidateReport>,
    /// Why no key would be tried: the error that a call would end with.
    pub refusal: Option<Arc<RouterError>>,
}

/// A key that matches the request.
pub struct CandidateReport {
    /// The version in use.
    pub key_version: KeyVersionName,
    /// Its identity.
    pub key_version_uid: KeyVersionUid,
    /// The last four characters of its material.
    pub material_tail: String,
    /// Its provider.
    pub provider: ProviderId,
    /// The party that would pay.
    pub payer: Payer,
    /// The model that would be called.
    pub model: Option<ModelId>,
    /// Its location, such as a Vertex region; empty where it has none.
    pub location: String,
    /// When it would be tried, from 1; 0 for never.
    pub step: i32,
    /// Its weight among the keys of its step.
    pub weight: i32,
    /// The rule that excludes it; empty where it would be tried.
    pub rule: String,
    /// The provider's message where it refused the key.
    pub detail: String,
    /// When the rule ends, where that is known.
    pub until: Option<Timestamp>,
    /// The estimated price of a call.
    pub price: PriceEstimate,
}

impl Dispatcher {
    /// Explains which keys and models a request would be tried with now.
    pub async fn explain(
        &self,
        context: CallContext<'_>,
        request: ExplainedRequest<'_>,
    ) -> Result<Vec<TargetReport>, RouterError> {
        match request {
            ExplainedRequest::Embed(message) => {
                let request = self.read(context, message)?;
                self.dry_run(request, &Embed(message)).await
            }
            ExplainedRequest::Generate(message) => {
                let request = self.read_generate(context, message)?;
                self.dry_run(request, &Generate(message)).await
            }
            ExplainedRequest::GenerateImages(message) => {
                let request = self.read(context, message)?;
                self.dry_run(request, &GenerateImages(message)).await
            }
        }
    }

    async fn dry_run<O: Operation>(
        &self,
        mut request: DispatchRequest<'_>,
        operation: &O,
    ) -> Result<Vec<TargetReport>, RouterError> {
        let fallbacks = std::mem::replace(&mut request.fallbacks, Fallbacks::Given(Vec::new()));
        let target = std::mem::take(&mut request.target);
        let simulation = Simulation {
            dispatcher: self,
            request,
            capability: O::CAPABILITY,
            size: operation.size(),
            failover: Failover::new(target, fallbacks, every_key(self.attempts), None),
        };
        simulation.run().await
    }
}

/// Limits under which every key has one call, and no call waits.
fn every_key(config: AttemptsConfig) -> AttemptsConfig {
    AttemptsConfig {
        most: usize::MAX,
        per_model: usize::MAX,
        per_key: 1,
        longest_wait: Duration::ZERO,
        ..config
    }
}

struct Simulation<'a> {
    dispatcher: &'a Dispatcher,
    request: DispatchRequest<'a>,
    capability: Capability,
    size: Option<Size>,
    failover: Failover,
}

impl Simulation<'_> {
    async fn run(mut self) -> Result<Vec<TargetReport>, RouterError> {
        let mut reports = Vec::new();
        loop {
            self.failover.next(Event::Entered, Instant::now());
            let dry_run = self.candidates().await?;
            let (report, goes_on) = self.report(dry_run)?;
            reports.push(report);
            if !goes_on {
                return Ok(reports);
            }
        }
    }

    /// The candidates for the target: the vault's choice for its first call, and for those after it.
    async fn candidates(&self) -> Result<DryRun, RouterError> {
        let payer_state = self.failover.payer_state();
        let target = self.failover.target();
        let query = self
            .request
            .key_query(target, self.capability, payer_state, &[]);
        let vault = self.dispatcher.leases.vault();
        match in_time(self.request.context.deadline, vault.dry_run(&query)).await {
            // As in a call, a fallback that can't be called at all does not stop the others.
            Err(RouterError::Refused(refusal))
                if self.failover.is_fallback() || refusal.concerns_the_keys() =>
            {
                Ok(DryRun {
                    candidates: Vec::new(),
                    fallbacks: refusal.fallbacks.clone(),
                    refusal: Some(*refusal),
                })
            }
            outcome => outcome,
        }
    }

    /// Simulates the calls to the target. Returns whether another target follows.
    fn report(&mut self, dry_run: DryRun) -> Result<(TargetReport, bool), RouterError> {
        self.failover.learn_workspace_fallbacks(&dry_run.fallbacks);
        let mut others: Vec<KeyName> = dry_run
            .candidates
            .iter()
            .filter(|candidate| candidate.step > 0)
            .map(|candidate| candidate.key_version.key.clone())
            .collect();
        if others.is_empty() && dry_run.refusal.is_none() {
            // A dry run has a key or a reason, so an empty one is malformed.
            return Err(RouterError::VaultUnavailable);
        }
        let mut keys = Vec::with_capacity(dry_run.candidates.len());
        let mut end = None;
        for candidate in dry_run.candidates {
            others.retain(|other| *other != candidate.key_version.key);
            keys.push(if candidate.step > 0 {
                self.simulate(candidate, &others, &mut end)
            } else {
                self.unchecked(candidate)
            });
        }
        close_up(&mut keys);
        let end = match (end, dry_run.refusal) {
            (Some(end), _) => end,
            (None, refusal) => {
                let error = refusal.map_or(ASSUMED_FAILURE, |refusal| {
                    RouterError::Refused(Box::new(refusal))
                });
                self.failover.next(Event::NoKey(error), Instant::now())
            }
        };
        let (ended_by, goes_on) = match end {
            Step::NextTarget { ended_by } => (ended_by, true),
            Step::Fail { ended_by, .. } => (ended_by, false),
            _ => return Err(RouterError::VaultUnavailable),
        };
        let is_tried = keys.iter().any(|key| key.step > 0);
        let report = TargetReport {
            provider: self.failover.target().provider,
            model: self.failover.target().model.clone(),
            fallback: self.failover.is_fallback(),
            keys,
            refusal: (!is_tried).then_some(ended_by),
        };
        Ok((report, goes_on))
    }

    /// Simulates a call with a candidate, unless the target has ended.
    fn simulate(
        &mut self,
        candidate: Candidate,
        others: &[KeyName],
        end: &mut Option<Step>,
    ) -> CandidateReport {
        let platform_fallback_allowed = candidate.platform_fallback_allowed;
        let payer = self.failover.payer_state().payer;
        if payer.is_some_and(|payer| payer != candidate.payer) {
            let mut key = self.unchecked(candidate);
            key.exclude(ExclusionRule::PayerDiffers);
            return key;
        }
        if end.is_none() {
            let leased = LeasedKey {
                name: &candidate.key_version.key,
                provider: candidate.provider,
                payer: candidate.payer,
                platform_fallback_allowed,
                others,
            };
            self.failover.next(Event::Leased(leased), Instant::now());
        }
        let mut key = self.unchecked(candidate);
        let event = self.check(&mut key);
        if end.is_none() {
            let mut step = self.failover.next(event, Instant::now());
            if matches!(step, Step::Call) {
                let failed = Event::Failed {
                    error: ASSUMED_FAILURE,
                    attempts: 0,
                };
                step = self.failover.next(failed, Instant::now());
            }
            if matches!(step, Step::NextTarget { .. } | Step::Fail { .. }) {
                *end = Some(step);
            }
        }
        key
    }

    /// Checks cost and availability, in the order of a call.
    fn check(&self, key: &mut CandidateReport) -> Event<'static> {
        let max_cost_nanos = self.request.conditions.max_cost_nanos;
        let checked = max_cost_nanos.map(|max_cost_nanos| check_cost(&key.price, max_cost_nanos));
        if let Some(Err(error)) = checked {
            key.exclude(ExclusionRule::CostExpectation);
            return Event::TooExpensive(error);
        }
        let clock = &self.dispatcher.clock;
        let model = key.model.as_ref().map_or("", ModelId::as_str);
        let health = &self.dispatcher.health;
        let Err(unavailable) = health.preview(key.key_version_uid, model, clock.boottime()) else {
            return Event::Admitted;
        };
        key.until = clock.now().checked_add(unavailable.wait());
        match &unavailable {
            Unavailable::BreakerOpen { .. } => key.exclude(ExclusionRule::BreakerOpen),
            Unavailable::CoolingDown { error, .. } => {
                key.exclude(ExclusionRule::CoolingDown);
                key.detail.clone_from(&error.message);
            }
        }
        Event::Unavailable(unavailable.into())
    }

    /// A candidate as the vault returned it, with the estimated price of a call.
    fn unchecked(&self, candidate: Candidate) -> CandidateReport {
        CandidateReport {
            price: self.price(&candidate),
            key_version: candidate.key_version,
            key_version_uid: candidate.key_version_uid,
            material_tail: candidate.material_tail,
            provider: candidate.provider,
            payer: candidate.payer,
            model: candidate.model,
            location: candidate.location,
            step: candidate.step,
            weight: candidate.weight,
            rule: candidate.rule,
            detail: candidate.detail,
            until: None,
        }
    }

    fn price(&self, candidate: &Candidate) -> PriceEstimate {
        let offer = Offer {
            catalogue: &self.dispatcher.catalogue.current(),
            provider: candidate.provider,
            model: candidate.model.as_ref().map_or("", ModelId::as_str),
            start: self.dispatcher.clock.now().into(),
            first_choice: self.failover.is_first_choice(candidate.provider),
        };
        let price = self.size.as_ref().map(|size| size.price(&offer));
        price.unwrap_or_default()
    }
}

/// The failure that each call is assumed to end with: another key may succeed.
const ASSUMED_FAILURE: RouterError = RouterError::Unreachable("the call is assumed to fail");

impl CandidateReport {
    fn exclude(&mut self, rule: ExclusionRule) {
        self.step = 0;
        rule.as_str().clone_into(&mut self.rule);
    }
}

/// Numbers the remaining steps from 1, and sorts the keys by them.
fn close_up(keys: &mut [CandidateReport]) {
    let steps: BTreeSet<i32> = keys.iter().map(|key| key.step).filter(|s| *s > 0).collect();
    for key in keys.iter_mut() {
        let place = steps.iter().zip(1..).find(|(step, _)| **step == key.step);
        key.step = place.map_or(0, |(_, place)| place);
    }
    keys.sort_by_key(|key| (key.step == 0, key.step));
}
