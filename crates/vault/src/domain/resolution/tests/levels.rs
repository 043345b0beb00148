//! Who may pay, level by level.

use super::*;
use crate::domain::funding::{FundingFallback, Selection};

const OWN: &str = "workspaces/w/keys/own";
const PLATFORM: &str = "platform/keys/p";

fn both(change: impl FnOnce(&mut Key)) -> Vec<Candidate> {
    vec![with(OWN, change), candidate(PLATFORM)]
}

fn funded(funding: Funding) -> ScopePolicies {
    ScopePolicies {
        funding,
        ..ScopePolicies::default()
    }
}

fn outcome(
    candidates: &[Candidate],
    policies: &ScopePolicies,
    query: &KeyQuery,
) -> Result<String, ExclusionRule> {
    match choose(candidates, policies, query, NOW, 0) {
        Ok(choice) => Ok(choice.chosen.name.to_string()),
        Err(ResolutionRefusal::NoneUsable { exclusions }) => Err(exclusions.last().unwrap().rule),
        Err(refusal) => panic!("{refusal}"),
    }
}

const REFUSE: Option<FundingFallback> = Some(FundingFallback::Refuse);

#[test]
fn each_unavailable_reason_has_its_own_fallback() {
    let quarantined = |key: &mut Key| key.state = KeyState::Quarantined;
    let expired = |key: &mut Key| key.settings.expire_time = Some(NOW);
    let disabled = |key: &mut Key| key.state = KeyState::Disabled;
    let denied = |key: &mut Key| key.settings.denied_models = vec!["*".to_owned()];
    for (when_failed, when_missing, of_the_failed, of_the_missing) in [
        (
            FundingFallback::Refuse,
            FundingFallback::Platform,
            Err(ExclusionRule::PlatformNotAllowed),
            Ok(()),
        ),
        (
            FundingFallback::Platform,
            FundingFallback::Refuse,
            Ok(()),
            Err(ExclusionRule::PlatformNotAllowed),
        ),
    ] {
        let policies = funded(Funding {
            when_missing,
            when_failed,
            ..Funding::default()
        });
        let expected = |outcome: Result<(), ExclusionRule>| outcome.map(|()| PLATFORM.to_owned());
        assert_eq!(
            outcome(&both(quarantined), &policies, &query()),
            expected(of_the_failed)
        );
        assert_eq!(
            outcome(&both(expired), &policies, &query()),
            expected(of_the_failed)
        );
        assert_eq!(
            outcome(&both(disabled), &policies, &query()),
            expected(of_the_missing)
        );
        assert_eq!(
            outcome(&both(denied), &policies, &query()),
            expected(of_the_missing)
        );
        let none = vec![candidate(PLATFORM)];
        assert_eq!(
            outcome(&none, &policies, &query()),
            expected(of_the_missing)
        );
    }
}

#[test]
fn switched_off_keys_follow_the_fallback_of_the_policy() {
    let off = Availability {
        own_keys: false,
        ..Availability::default()
    };
    for (fallback, expected) in [
        (FundingFallback::Platform, Ok(PLATFORM.to_owned())),
        (
            FundingFallback::Refuse,
            Err(ExclusionRule::PlatformNotAllowed),
        ),
    ] {
        let policies = ScopePolicies {
            access: BTreeMap::from([(ProviderId::OpenAi, off.clone())]),
            ..funded(Funding {
                when_switched_off: fallback,
                ..Funding::default()
            })
        };
        assert_eq!(outcome(&both(|_| {}), &policies, &query()), expected);
    }
}

#[test]
fn an_own_key_that_can_be_used_keeps_the_platform_from_paying() {
    let choice = choose(&both(|_| {}), &ScopePolicies::default(), &query(), NOW, 0).unwrap();
    assert_eq!(choice.chosen.name.to_string(), OWN);
    assert_eq!(choice.exclusions[0].rule, ExclusionRule::OwnKeyFirst);
    let follows = funded(Funding {
        when_failed: FundingFallback::Platform,
        ..Funding::default()
    });
    let choice = choose(&both(|_| {}), &follows, &query(), NOW, 0).unwrap();
    assert_eq!(choice.exclusions[0].rule, ExclusionRule::AfterFailure);
    let narrowed = both(|key| key.settings.funding.when_failed = REFUSE);
    let choice = choose(&narrowed, &follows, &query(), NOW, 0).unwrap();
    assert_eq!(choice.exclusions[0].rule, ExclusionRule::OwnKeyFirst);
}

#[test]
fn every_level_may_narrow_and_none_may_widen() {
    let refusing = Narrowing {
        when_missing: REFUSE,
        ..Narrowing::default()
    };
    let allowing = Narrowing {
        when_missing: Some(FundingFallback::Platform),
        ..Narrowing::default()
    };
    let none = || vec![candidate(PLATFORM)];
    let project = |narrowing| ScopePolicies {
        project: Some((narrowing, UsageRules::default())),
        ..ScopePolicies::default()
    };
    let request = |funding| KeyQuery { funding, ..query() };
    let refused = Err(ExclusionRule::PlatformNotAllowed);
    assert!(outcome(&none(), &project(allowing), &request(allowing)).is_ok());
    assert_eq!(
        outcome(&none(), &project(refusing), &request(allowing)),
        refused
    );
    assert_eq!(
        outcome(&none(), &project(allowing), &request(refusing)),
        refused
    );
    let strict = ScopePolicies {
        project: Some((allowing, UsageRules::default())),
        ..funded(Funding {
            when_missing: FundingFallback::Refuse,
            ..Funding::default()
        })
    };
    assert_eq!(outcome(&none(), &strict, &request(allowing)), refused);
}

#[test]
fn a_request_that_reserves_own_keys_for_names_does_not_make_the_platform_pay() {
    let query = KeyQuery {
        funding: Narrowing {
            selection: Some(Selection::WhenNamed),
            ..Narrowing::default()
        },
        ..query()
    };
    let refused = outcome(&both(|_| {}), &ScopePolicies::default(), &query);
    assert_eq!(refused, Err(ExclusionRule::OwnKeyFirst));
    let workspace = funded(Funding {
        selection: Selection::WhenNamed,
        ..Funding::default()
    });
    assert_eq!(
        outcome(&both(|_| {}), &workspace, &query).as_deref(),
        Ok(PLATFORM)
    );
}

#[test]
fn a_failure_at_another_provider_counts() {
    let query = KeyQuery {
        own_key_failed: true,
        ..query()
    };
    let none = || vec![candidate(PLATFORM)];
    let refused = outcome(&none(), &ScopePolicies::default(), &query);
    assert_eq!(refused, Err(ExclusionRule::PlatformNotAllowed));
    let follows = funded(Funding {
        when_failed: FundingFallback::Platform,
        ..Funding::default()
    });
    assert!(outcome(&none(), &follows, &query).is_ok());
}

#[test]
fn once_the_platform_has_paid_own_keys_are_excluded() {
    let query = KeyQuery {
        payer: Some(Payer::Platform),
        ..query()
    };
    let refused = outcome(&both(|_| {}), &ScopePolicies::default(), &query);
    assert_eq!(refused, Err(ExclusionRule::OwnKeyFirst));
}

#[test]
fn a_forbidden_request_is_refused_as_forbidden() {
    let policies = ScopePolicies {
        rules: UsageRules {
            denied_models: vec!["gpt-5*".to_owned()],
            ..UsageRules::default()
        },
        ..ScopePolicies::default()
    };
    for candidates in [Vec::new(), both(|_| {})] {
        let refusal = choose(&candidates, &policies, &query(), NOW, 0).unwrap_err();
        let rule = ExclusionRule::WorkspaceForbids;
        assert_eq!(refusal, ResolutionRefusal::PolicyForbids { rule });
    }
}

#[test]
fn a_key_that_is_not_as_expected_is_not_replaced_by_the_platforms() {
    let query = KeyQuery {
        expectations: Expectations {
            payer: Some(Payer::Platform),
            ..Expectations::default()
        },
        ..query()
    };
    let refusal = choose(&both(|_| {}), &ScopePolicies::default(), &query, NOW, 0).unwrap_err();
    let ResolutionRefusal::ExpectationUnmet { exclusions } = refusal else {
        panic!("{refusal}")
    };
    let rules: Vec<_> = exclusions.iter().map(|exclusion| exclusion.rule).collect();
    assert_eq!(
        rules,
        [ExclusionRule::Expectation, ExclusionRule::OwnKeyFirst]
    );
}

#[test]
fn callers_and_retention_are_filters_of_the_key() {
    let other = both(|key| key.settings.allowed_callers = vec!["token:web*".to_owned()]);
    let choice = |candidates: &[Candidate], caller: &str, zero_retention| {
        let query = KeyQuery {
            caller: caller.to_owned(),
            ..query()
        };
        let policies = ScopePolicies {
            rules: UsageRules {
                zero_retention,
                ..UsageRules::default()
            },
            ..ScopePolicies::default()
        };
        outcome(candidates, &policies, &query)
    };
    assert_eq!(choice(&other, "token:web-1", false).as_deref(), Ok(OWN));
    assert_eq!(choice(&other, "token:job", false).as_deref(), Ok(PLATFORM));
    assert_eq!(choice(&other, "", false).as_deref(), Ok(PLATFORM));
    let zero = both(|key| key.settings.retention = crate::domain::settings::Retention::Zero);
    assert_eq!(choice(&zero, "", true).as_deref(), Ok(OWN));
    assert_eq!(
        choice(&other, "token:web-1", true),
        Err(ExclusionRule::Retention)
    );
}

#[test]
fn a_dry_run_returns_the_order_of_keys() {
    let candidates = || {
        vec![
            with("workspaces/w/keys/a", |key| key.settings.weight = 3),
            candidate("workspaces/w/keys/b"),
            with("workspaces/w/keys/c", |key| key.settings.priority = 1),
            with("workspaces/w/keys/d", |key| key.state = KeyState::Disabled),
            candidate(PLATFORM),
        ]
    };
    let steps = |funding| {
        let dry_run = dry_run(candidates(), &funded(funding), &query(), NOW);
        assert_eq!(dry_run.refusal, None);
        let told = dry_run.candidates.into_iter();
        told.map(|told| (told.candidate.name.key.to_string(), told.step, told.rule))
            .collect::<Vec<_>>()
    };
    let told = |key: &str, step, rule| (key.to_owned(), step, rule);
    let own = [told("a", 1, None), told("b", 1, None), told("c", 2, None)];
    let disabled = told("d", 0, Some(ExclusionRule::KeyDisabled));
    let expected = [
        &own[..],
        &[
            disabled.clone(),
            told("p", 0, Some(ExclusionRule::OwnKeyFirst)),
        ],
    ];
    assert_eq!(steps(Funding::default()), expected.concat());
    let follows = Funding {
        when_failed: FundingFallback::Platform,
        ..Funding::default()
    };
    let expected = [&own[..], &[told("p", 3, None), disabled]];
    assert_eq!(steps(follows), expected.concat());
}
