//! The rules of failover, as a table of events and steps.

use latchkey_contract::Reason;
use latchkey_providers::ErrorClass;
use latchkey_providers::ProviderError;
use latchkey_providers::encode::{EncodeError, EncodeErrorKind};

use super::*;
use crate::domain::refusal::VaultRefusal;

const OWN: &str = "workspaces/acme/keys/own";
const SECOND: &str = "workspaces/acme/keys/second";
const PLATFORM: &str = "platform/keys/main";

fn config() -> AttemptsConfig {
    AttemptsConfig::default()
}

fn key(name: &str) -> KeyName {
    name.parse().unwrap()
}

fn target(model: &str) -> ModelTarget {
    ModelTarget {
        provider: Some(ProviderId::OpenAi),
        model: model.parse().ok(),
        key: None,
    }
}

fn provider_error(class: ErrorClass) -> RouterError {
    ProviderError::new(class, "it failed").into()
}

fn refused(fallbacks: Vec<ModelTarget>) -> RouterError {
    RouterError::Refused(Box::new(VaultRefusal {
        reason: Reason::OwnKeyRequired,
        message: "no key".to_owned(),
        metadata: std::collections::HashMap::new(),
        violations: Vec::new(),
        fallbacks,
    }))
}

fn not_encodable() -> RouterError {
    EncodeError {
        kind: EncodeErrorKind::UnsupportedByProvider,
        field: "tools".into(),
        message: "is not supported".into(),
    }
    .into()
}

/// A request, the time, and the calls made so far.
struct Request {
    failover: Failover,
    now: Instant,
    attempts: usize,
}

impl Request {
    fn new(target: ModelTarget, fallbacks: Fallbacks) -> Self {
        let mut request = Self {
            failover: Failover::new(target, fallbacks, config(), None),
            now: Instant::now(),
            attempts: 0,
        };
        assert!(matches!(
            request.send(Event::Entered),
            Step::Lease { same: false }
        ));
        request
    }

    fn of_one_model() -> Self {
        Self::new(target("gpt-5.4"), Fallbacks::Given(Vec::new()))
    }

    fn send(&mut self, event: Event<'_>) -> Step {
        self.failover.next(event, self.now)
    }

    /// Leases a key.
    fn lease(&mut self, name: &str, others: &[&str]) {
        let (name, payer) = match name {
            PLATFORM => (key(PLATFORM), Payer::Platform),
            own => (key(own), Payer::OwnKey),
        };
        let others: Vec<_> = others.iter().copied().map(key).collect();
        let leased = LeasedKey {
            name: &name,
            provider: ProviderId::OpenAi,
            payer,
            platform_fallback_allowed: true,
            others: &others,
        };
        assert!(matches!(self.send(Event::Leased(leased)), Step::Check));
    }

    /// Leases a key and begins a call with it.
    fn call(&mut self, name: &str, others: &[&str]) {
        self.lease(name, others);
        assert!(matches!(self.send(Event::Admitted), Step::Call));
        self.attempts += 1;
    }

    fn fail(&mut self, error: RouterError) -> Step {
        let attempts = self.attempts;
        self.send(Event::Failed { error, attempts })
    }
}

#[track_caller]
fn leases_another_key(step: &Step) {
    assert!(matches!(step, Step::Lease { same: false }), "{step:?}");
}

#[track_caller]
fn fails_with(step: Step, reason: Reason) {
    match step {
        Step::Fail { error, .. } => assert_eq!(error.reason(), reason),
        step => panic!("{step:?}"),
    }
}

#[test]
fn a_refused_key_is_followed_by_the_next_one() {
    for class in [
        ErrorClass::Revoked,
        ErrorClass::NoCredit,
        ErrorClass::NoPermission,
    ] {
        let mut request = Request::of_one_model();
        request.call(OWN, &[SECOND]);
        leases_another_key(&request.fail(provider_error(class)));
        assert_eq!(request.failover.excluded(), [key(OWN)]);
    }
}

#[test]
fn an_overloaded_provider_is_called_again_with_the_same_key_after_a_pause() {
    let mut request = Request::of_one_model();
    request.call(OWN, &[SECOND]);
    let step = request.fail(provider_error(ErrorClass::Overloaded));
    let Step::Pause(pause) = step else {
        panic!("{step:?}");
    };
    let first = config().first_pause;
    assert!((first..=first * 2).contains(&pause), "{pause:?}");
    let step = request.send(Event::Resumed);
    assert!(matches!(step, Step::Lease { same: true }));
    // The second call in a row with one key is the last one.
    request.call(OWN, &[SECOND]);
    leases_another_key(&request.fail(provider_error(ErrorClass::Overloaded)));
}

#[test]
fn a_pause_is_at_least_what_the_provider_asks_for() {
    let mut request = Request::of_one_model();
    request.call(OWN, &[]);
    let error = ProviderError {
        retry_after: Some(Duration::from_secs(7)),
        ..ProviderError::new(ErrorClass::Overloaded, "busy")
    };
    let step = request.fail(error.into());
    assert!(matches!(step, Step::Pause(pause) if pause == Duration::from_secs(7)));
}

#[test]
fn the_last_key_is_waited_for_when_it_is_throttled() {
    let mut request = Request::of_one_model();
    request.call(OWN, &[SECOND]);
    leases_another_key(&request.fail(provider_error(ErrorClass::Throttled)));
    request.call(SECOND, &[]);
    let step = request.fail(provider_error(ErrorClass::Throttled));
    let pause = config().throttled_pause;
    assert!(
        matches!(step, Step::Pause(wait) if wait == pause),
        "{step:?}"
    );
    request.now += pause;
    leases_another_key(&request.send(Event::Resumed));
    assert!(request.failover.excluded().is_empty());
}

#[test]
fn a_wait_beyond_the_limit_ends_the_request() {
    let mut request = Request::of_one_model();
    request.call(OWN, &[]);
    let error = ProviderError {
        retry_after: Some(config().longest_wait + Duration::from_secs(1)),
        ..ProviderError::new(ErrorClass::Throttled, "slow down")
    };
    fails_with(request.fail(error.into()), Reason::ProviderThrottled);
}

#[test]
fn a_named_key_is_never_replaced() {
    let named = ModelTarget {
        key: "own".parse().ok(),
        ..target("gpt-5.4")
    };
    let mut request = Request::new(named, Fallbacks::Given(Vec::new()));
    request.call(OWN, &[SECOND]);
    let step = request.fail(provider_error(ErrorClass::Revoked));
    fails_with(step, Reason::ProviderRejectedKey);
}

#[test]
fn a_rejected_request_is_not_tried_again() {
    let fallbacks = Fallbacks::Given(vec![target("gpt-4.1")]);
    let mut request = Request::new(target("gpt-5.4"), fallbacks);
    request.call(OWN, &[SECOND]);
    let step = request.fail(provider_error(ErrorClass::RejectedRequest));
    fails_with(step, Reason::ProviderRejectedRequest);
}

#[test]
fn the_calls_to_one_model_are_bounded() {
    let mut request = Request::of_one_model();
    let keys = ["a", "b", "c", "d"].map(|id| format!("workspaces/acme/keys/{id}"));
    let others: Vec<_> = keys.iter().map(String::as_str).collect();
    for name in &keys[..2] {
        request.call(name, &others);
        leases_another_key(&request.fail(provider_error(ErrorClass::NoCredit)));
    }
    request.call(&keys[2], &others);
    let step = request.fail(provider_error(ErrorClass::NoCredit));
    fails_with(step, Reason::ProviderNoCredit);
}

#[test]
fn the_calls_of_one_request_are_bounded() {
    let fallbacks = Fallbacks::Given(vec![target("gpt-4.1")]);
    let mut request = Request::new(target("gpt-5.4"), fallbacks);
    request.call(OWN, &[SECOND]);
    request.attempts = config().most;
    let step = request.fail(provider_error(ErrorClass::NoCredit));
    fails_with(step, Reason::ProviderNoCredit);
}

#[test]
fn nothing_is_tried_after_the_deadline() {
    let deadline = Instant::now() + Duration::from_secs(1);
    let mut request = Request::of_one_model();
    request.failover.deadline = Some(deadline);
    request.call(OWN, &[SECOND]);
    request.now = deadline;
    let step = request.fail(provider_error(ErrorClass::NoCredit));
    fails_with(step, Reason::ProviderNoCredit);
}

#[test]
fn the_next_model_follows_after_the_last_key() {
    let fallbacks = Fallbacks::Given(vec![target("gpt-4.1")]);
    let mut request = Request::new(target("gpt-5.4"), fallbacks);
    request.call(OWN, &[]);
    let step = request.fail(provider_error(ErrorClass::NoCredit));
    assert!(matches!(step, Step::NextTarget { .. }));
    leases_another_key(&request.send(Event::Entered));
    assert_eq!(request.failover.target(), &target("gpt-4.1"));
    assert!(request.failover.is_fallback());
    assert!(request.failover.excluded().is_empty());
}

#[test]
fn a_fallback_without_a_key_does_not_hide_the_providers_error() {
    let fallbacks = Fallbacks::Given(vec![target("gpt-4.1")]);
    let mut request = Request::new(target("gpt-5.4"), fallbacks);
    request.call(OWN, &[]);
    request.fail(provider_error(ErrorClass::NoCredit));
    request.send(Event::Entered);
    let step = request.send(Event::NoKey(refused(Vec::new())));
    fails_with(step, Reason::ProviderNoCredit);
}

#[test]
fn a_fallback_that_cannot_take_the_request_does_not_stop_those_after_it() {
    let fallbacks = Fallbacks::Given(vec![target("gpt-4.1"), target("o3")]);
    let mut request = Request::new(target("gpt-5.4"), fallbacks);
    request.call(OWN, &[]);
    request.fail(provider_error(ErrorClass::NoCredit));
    request.send(Event::Entered);
    request.call(OWN, &[]);
    assert!(matches!(
        request.fail(not_encodable()),
        Step::NextTarget { .. }
    ));
}

#[test]
fn the_workspaces_fallbacks_come_with_a_key_or_with_the_refusal() {
    let known = [target("gpt-4.1")];
    let mut request = Request::new(target("gpt-5.4"), Fallbacks::OfTheWorkspace);
    request.failover.learn_workspace_fallbacks(&known);
    request.call(OWN, &[]);
    let step = request.fail(provider_error(ErrorClass::NoCredit));
    assert!(matches!(step, Step::NextTarget { .. }));

    let mut request = Request::new(target("gpt-5.4"), Fallbacks::OfTheWorkspace);
    let step = request.send(Event::NoKey(refused(known.to_vec())));
    assert!(matches!(step, Step::NextTarget { .. }));
}

#[test]
fn the_platform_keeps_paying_once_it_has_paid() {
    let mut request = Request::of_one_model();
    request.call(OWN, &[SECOND, PLATFORM]);
    leases_another_key(&request.fail(provider_error(ErrorClass::Revoked)));
    assert!(request.failover.payer_state().own_key_failed);
    request.call(PLATFORM, &[]);
    // The remaining own key must not be used.
    let step = request.fail(provider_error(ErrorClass::Revoked));
    fails_with(step, Reason::ProviderRejectedKey);
    assert_eq!(request.failover.payer_state().payer, Some(Payer::Platform));
}

#[test]
fn an_expensive_key_has_not_failed_and_its_owner_stays_the_payer() {
    let any_model = ModelTarget {
        model: None,
        ..target("gpt-5.4")
    };
    let mut request = Request::new(any_model, Fallbacks::Given(Vec::new()));
    request.lease(OWN, &[SECOND, PLATFORM]);
    let too_expensive = || RouterError::CostLimitExceeded {
        highest_nanos: Some(1),
    };
    leases_another_key(&request.send(Event::TooExpensive(too_expensive())));
    let state = request.failover.payer_state();
    assert_eq!(
        (state.payer, state.own_key_failed),
        (Some(Payer::OwnKey), false)
    );

    // Every key has the same price for the model that the request names.
    let mut request = Request::of_one_model();
    request.lease(OWN, &[SECOND]);
    let step = request.send(Event::TooExpensive(too_expensive()));
    fails_with(step, Reason::ExpectationUnmet);
}

#[test]
fn a_key_that_cools_down_counts_as_failed() {
    let mut request = Request::of_one_model();
    request.lease(OWN, &[PLATFORM]);
    let cooling_down = provider_error(ErrorClass::NoCredit);
    leases_another_key(&request.send(Event::Unavailable(cooling_down)));
    assert!(request.failover.payer_state().own_key_failed);
}

#[test]
fn a_withdrawn_lease_is_replaced_once() {
    let mut request = Request::of_one_model();
    request.call(OWN, &[]);
    let step = request.fail(RouterError::VaultUnavailable);
    assert!(matches!(step, Step::Lease { same: true }));
    request.call(OWN, &[]);
    let step = request.fail(RouterError::VaultUnavailable);
    fails_with(step, Reason::VaultUnavailable);
}

#[test]
fn a_request_for_any_provider_goes_to_another_one_where_the_first_cannot_take_it() {
    let mut request = Request::new(ModelTarget::default(), Fallbacks::Given(Vec::new()));
    request.call(OWN, &[SECOND]);
    // The first key determines the provider that the request is made for.
    assert!(request.failover.is_first_choice(ProviderId::OpenAi));
    fails_with(request.fail(not_encodable()), Reason::UnsupportedByProvider);

    let mut request = Request::new(ModelTarget::default(), Fallbacks::Given(Vec::new()));
    request.failover.first_choice = Some(ProviderId::Anthropic);
    request.call(OWN, &[SECOND]);
    leases_another_key(&request.fail(not_encodable()));
}

#[test]
fn an_expensive_key_does_not_hide_why_the_key_before_it_failed() {
    let any_model = ModelTarget {
        model: None,
        ..target("gpt-5.4")
    };
    let mut request = Request::new(any_model, Fallbacks::Given(Vec::new()));
    request.lease(OWN, &[SECOND]);
    let breaker_open = RouterError::BreakerOpen(Duration::from_mins(1));
    leases_another_key(&request.send(Event::Unavailable(breaker_open)));
    request.lease(SECOND, &[]);
    let too_expensive = RouterError::CostLimitExceeded {
        highest_nanos: Some(1),
    };
    let step = request.send(Event::TooExpensive(too_expensive));
    fails_with(step, Reason::ProviderUnavailable);
}
