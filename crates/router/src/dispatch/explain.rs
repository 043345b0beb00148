//! What would become of a request: whom it would be put to, with which keys, who would pay. It goes the
//! way of a call from its plan to the vault's choice, and no further: nothing is leased, called or kept.

use std::collections::{BTreeSet, VecDeque};

use latchkey_clock::Timestamp;
use latchkey_contract::ProviderId;
use latchkey_contract::names::KeyVersionName;
use latchkey_contract::router::v1::{
    EmbedRequest, GenerateImagesRequest, GenerateRequest, PriceEstimate,
};
use latchkey_contract::vault::v1::Capability;

use super::embed::Embed;
use super::estimate::{Offer, Size, check_cost};
use super::failure::{self, Next};
use super::generate::Generate;
use super::images::GenerateImages;
use super::operation::Operation;
use super::plan::{self, ModelTarget};
use super::request::{DispatchRequest, PayerState};
use super::{Dispatcher, Request, Unavailable, in_time};
use crate::domain::attempt::Payer;
use crate::error::RouterError;
use crate::keys::{Candidate, DryRun, system_time};

/// The request in question.
#[derive(Clone, Copy)]
pub enum Question<'a> {
    /// For vectors.
    Embed(&'a EmbedRequest),
    /// For an answer.
    Generate(&'a GenerateRequest),
    /// For pictures.
    GenerateImages(&'a GenerateImagesRequest),
}

/// One model that the request may be put to.
pub struct TargetReport {
    /// A provider id; empty when the key tells.
    pub provider: String,
    /// The model that the request or the fallback names, or empty.
    pub model: String,
    /// Whether it is asked only when those before it have failed.
    pub fallback: bool,
    /// First the keys that would be tried, in that order.
    pub keys: Vec<CandidateReport>,
    /// Why none would be.
    pub refusal: Option<RouterError>,
}

/// A key that comes into question.
pub struct CandidateReport {
    /// The version in use.
    pub key_version: KeyVersionName,
    /// The last four characters.
    pub material_tail: String,
    /// Whose key it is.
    pub provider: ProviderId,
    /// Who would pay.
    pub payer: Payer,
    /// The model that would be asked for.
    pub model: String,
    /// Where its provider serves it.
    pub location: String,
    /// When it would be tried, from 1; 0 for never.
    pub step: i32,
    /// Its share among the keys of its step.
    pub weight: i32,
    /// The rule that excludes it; empty when it would be tried.
    pub rule: String,
    /// The provider's words where it refused the key.
    pub detail: String,
    /// Until when the rule holds, where that is known.
    pub until: Option<Timestamp>,
    /// What a call with it may cost.
    pub price: PriceEstimate,
}

impl Dispatcher {
    /// Tells what would become of a request now.
    pub async fn explain(
        &self,
        request: Request<'_>,
        question: Question<'_>,
    ) -> Result<Vec<TargetReport>, RouterError> {
        match question {
            Question::Embed(wanted) => {
                let asked = self.asked_for_vectors(request, wanted)?;
                self.dry_run(asked, &Embed(wanted)).await
            }
            Question::Generate(wanted) => {
                let asked = self.asked(request, wanted)?;
                self.dry_run(asked, &Generate(wanted)).await
            }
            Question::GenerateImages(wanted) => {
                let asked = self.asked_for_pictures(request, wanted)?;
                self.dry_run(asked, &GenerateImages(wanted)).await
            }
        }
    }

    async fn dry_run<O: Operation>(
        &self,
        asked: DispatchRequest<'_>,
        operation: &O,
    ) -> Result<Vec<TargetReport>, RouterError> {
        let first = asked.targets.first().map(|target| target.provider.parse());
        let looking = Looking {
            dispatcher: self,
            asked,
            capability: O::CAPABILITY,
            size: operation.size(),
            payer_state: PayerState::default(),
            first_choice: first.and_then(Result::ok),
        };
        looking.run().await
    }
}

struct Looking<'a> {
    dispatcher: &'a Dispatcher,
    asked: DispatchRequest<'a>,
    capability: Capability,
    size: Option<Size>,
    /// As it will be if what comes before fails.
    payer_state: PayerState,
    /// Whom the request is made for; not known before there is a key when it names no provider.
    first_choice: Option<ProviderId>,
}

impl Looking<'_> {
    async fn run(mut self) -> Result<Vec<TargetReport>, RouterError> {
        let mut targets = VecDeque::from(std::mem::take(&mut self.asked.targets));
        let mut reports: Vec<TargetReport> = Vec::new();
        while let Some(target) = targets.pop_front() {
            let fallback = !reports.is_empty();
            let dry_run = self.dry_run(&target, fallback).await?;
            if std::mem::take(&mut self.asked.and_the_workspaces) {
                targets.extend(plan::of_the_workspace(&dry_run.fallbacks));
            }
            let report = self.report(target, fallback, dry_run)?;
            // Such a refusal ends a request before any fallback.
            let ends = |error: &RouterError| failure::next(error) == Next::GiveUp;
            let is_over = !fallback && report.refusal.as_ref().is_some_and(ends);
            reports.push(report);
            if is_over {
                break;
            }
        }
        Ok(reports)
    }

    /// The vault's choice: what the first call for this target would be given.
    async fn dry_run(&self, target: &ModelTarget, fallback: bool) -> Result<DryRun, RouterError> {
        let query = self
            .asked
            .query(target, self.capability, self.payer_state, &[]);
        let asked = self.dispatcher.keys.dry_run(&query);
        match in_time(self.asked.deadline, asked).await {
            // That a fallback can't be asked at all is no reason to stop, as in a call.
            Err(RouterError::Refused(refusal)) if fallback || refusal.is_of_the_choice() => {
                Ok(DryRun {
                    candidates: Vec::new(),
                    fallbacks: refusal.fallbacks.clone(),
                    refusal: Some(*refusal),
                })
            }
            asked => asked,
        }
    }

    fn report(
        &mut self,
        target: ModelTarget,
        fallback: bool,
        dry_run: DryRun,
    ) -> Result<TargetReport, RouterError> {
        let mut keys = Vec::with_capacity(dry_run.candidates.len());
        let mut refusal = None;
        let mut kept_to_its_owner = false;
        for candidate in dry_run.candidates {
            if candidate.step > 0 && !fallback {
                self.first_choice.get_or_insert(candidate.provider);
            }
            if kept_to_its_owner && candidate.payer == Payer::Platform && candidate.step > 0 {
                let mut key = self.untried(candidate);
                key.exclude(PAYER_DIFFERS);
                keys.push(key);
                continue;
            }
            let (key, excluded) = self.key(candidate);
            let exceeds_cost_limit = excluded.as_ref().is_some_and(failure::is_of_the_request);
            kept_to_its_owner |= exceeds_cost_limit && key.payer == Payer::OwnKey;
            // What a call would end with, which meets them in this order.
            refusal = excluded.or(refusal);
            keys.push(key);
        }
        close_up(&mut keys);
        let is_tried = keys.iter().any(|key| key.step > 0);
        let refusal = match dry_run.refusal {
            _ if is_tried => None,
            Some(said) => Some(RouterError::Refused(Box::new(said))),
            // Neither a key nor a reason makes no sense.
            None => Some(refusal.ok_or(RouterError::VaultUnavailable)?),
        };
        Ok(TargetReport {
            provider: target.provider,
            model: target.model,
            fallback,
            keys,
            refusal,
        })
    }

    /// A candidate of the vault's, with what this router knows of it, and why it would not be tried if
    /// that is the router's doing.
    fn key(&mut self, candidate: Candidate) -> (CandidateReport, Option<RouterError>) {
        let platform_fallback_allowed = candidate.platform_fallback_allowed;
        let mut key = self.untried(candidate);
        if key.step == 0 {
            return (key, None);
        }
        let most = self.asked.conditions.max_cost_nanos;
        if let Some(Err(error)) = most.map(|most| check_cost(&key.price, most)) {
            key.exclude(COST_EXPECTATION);
            return (key, Some(error));
        }
        self.payer_state.turn_of(key.payer);
        self.payer_state
            .failure_of(key.payer, platform_fallback_allowed);
        let (health, clock) = (&self.dispatcher.health, &self.dispatcher.clock);
        let Err(unavailable) = health.preview(&key.key_version, &key.model, clock.boottime())
        else {
            return (key, None);
        };
        key.until = clock.now().checked_add(unavailable.wait());
        match &unavailable {
            Unavailable::BreakerOpen { .. } => key.exclude(BREAKER_OPEN),
            Unavailable::CoolingDown { error, .. } => {
                key.exclude(COOLING_DOWN);
                key.detail.clone_from(&error.message);
            }
        }
        (key, Some(unavailable.into()))
    }

    /// A candidate as the vault tells of it, and what a call may cost.
    fn untried(&self, candidate: Candidate) -> CandidateReport {
        CandidateReport {
            price: self.price(&candidate),
            key_version: candidate.key_version,
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
        let catalogue = self.dispatcher.catalogue.current();
        let offer = Offer {
            catalogue: &catalogue,
            provider: candidate.provider,
            model: &candidate.model,
            start: system_time(self.dispatcher.clock.now()),
            first_choice: self.first_choice == Some(candidate.provider),
        };
        let price = self.size.as_ref().map(|size| size.price(&offer));
        price.unwrap_or_default()
    }
}

impl CandidateReport {
    fn exclude(&mut self, rule: &str) {
        self.step = 0;
        rule.clone_into(&mut self.rule);
    }
}

/// Numbers the steps that are left from 1, and puts the keys in their order.
fn close_up(keys: &mut [CandidateReport]) {
    let steps: BTreeSet<i32> = keys.iter().map(|key| key.step).filter(|s| *s > 0).collect();
    for key in keys.iter_mut() {
        let place = steps.iter().zip(1..).find(|(step, _)| **step == key.step);
        key.step = place.map_or(0, |(_, place)| place);
    }
    keys.sort_by_key(|key| (key.step == 0, key.step));
}

/// The vault's, for the platform's keys where an own one is passed over that has not failed.
const PAYER_DIFFERS: &str = "PAYER_DIFFERS";
/// This router's own rules.
const BREAKER_OPEN: &str = "BREAKER_OPEN";
const COST_EXPECTATION: &str = "COST_EXPECTATION";
const COOLING_DOWN: &str = "COOLING_DOWN";
