//! The choice against a naive reference that is written straight from the rules, and the promises that
//! follow from them, over random policies, keys and requests.
//!
//! The reference looks at one level at a time: a level is the whole policy that holds there, as if it
//! were the only one; a key may be used if every level alone would let it be used.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::domain::funding::{FundingFallback, Selection};
use crate::domain::settings::Retention;

/// Everything that a choice depends on.
#[derive(Clone, Debug)]
struct World {
    candidates: Vec<Candidate>,
    policies: ScopePolicies,
    query: KeyQuery,
}

const CALLER: &str = "token:caller";

/// The policies of the levels that have a say about a key: the workspace's, then each narrower one with
/// what it leaves unsaid taken from the one before.
fn levels(world: &World, key: Option<&Key>) -> Vec<Funding> {
    let project = world
        .policies
        .project
        .as_ref()
        .map(|(narrowing, _)| *narrowing);
    let key = key.map(|key| key.settings.funding);
    let mut levels = vec![world.policies.funding];
    for said in [project, key, Some(world.query.funding)]
        .into_iter()
        .flatten()
    {
        let above = levels[levels.len() - 1];
        levels.push(Funding {
            selection: said.selection.unwrap_or(above.selection),
            when_missing: said.when_missing.unwrap_or(above.when_missing),
            when_failed: said.when_failed.unwrap_or(above.when_failed),
            when_switched_off: said.when_switched_off.unwrap_or(above.when_switched_off),
        });
    }
    levels
}

fn is_own(candidate: &Candidate) -> bool {
    candidate.name.to_string().starts_with("workspaces/")
}

fn matches(list: &[String], text: &str) -> bool {
    list.iter().any(|entry| entry == text || entry == "*")
}

fn lists_allow(allowed: &[String], denied: &[String], text: &str) -> bool {
    (allowed.is_empty() || matches(allowed, text)) && !matches(denied, text)
}

fn model_of(world: &World, candidate: &Candidate) -> String {
    let key = candidate.key.settings.default_model.clone();
    let access = world.policies.access[&candidate.key.provider]
        .default_model
        .clone();
    let named = [world.query.model.clone(), key, access];
    named
        .into_iter()
        .find(|model| !model.is_empty())
        .unwrap_or_default()
}

/// Whether nothing but who pays stands in the way of a key, and if not, what is unavailable.
fn fit(world: &World, candidate: &Candidate) -> Result<(), &'static str> {
    let World {
        policies, query, ..
    } = world;
    let (key, settings) = (&candidate.key, &candidate.key.settings);
    let model = model_of(world, candidate);
    let access = &policies.access[&key.provider];
    let mut rules = vec![&policies.rules];
    rules.extend(policies.project.as_ref().map(|(_, rules)| rules));
    for rules in &rules {
        let may = rules.capabilities.is_empty() || rules.capabilities.contains(&query.capability);
        let model_is_fine =
            model.is_empty() || lists_allow(&rules.allowed_models, &rules.denied_models, &model);
        if !may || !model_is_fine {
            return Err("missing");
        }
    }
    let feature = match query.capability {
        Capability::Embed => access.embeddings,
        Capability::GenerateImages => access.images,
        _ => access.chat,
    };
    let available =
        model.is_empty() || lists_allow(&access.allowed_models, &access.denied_models, &model);
    if !feature || !available {
        return Err("missing");
    }
    if is_own(candidate) && !access.own_keys {
        return Err("switched off");
    }
    if rules.iter().any(|rules| rules.zero_retention) && settings.retention != Retention::Zero {
        return Err("missing");
    }
    if key.state == KeyState::Disabled {
        return Err("missing");
    }
    let expired = settings.expire_time.is_some_and(|time| time <= NOW);
    let tried = query.excluded.contains(&candidate.name);
    if key.state == KeyState::Quarantined || expired || tried {
        return Err("failed");
    }
    let callers = &settings.allowed_callers;
    let for_caller = callers.is_empty() || matches(callers, &query.caller);
    let serves = lists_allow(&settings.allowed_models, &settings.denied_models, &model);
    if !for_caller || model.is_empty() || !serves {
        return Err("missing");
    }
    Ok(())
}

/// Whether a request that names no key may use an own key, by one level alone.
fn own_by_level(level: Funding) -> bool {
    level.selection == Selection::Automatic
}

/// Whether it may use a platform key, by one level alone. `keys` are the own keys that come into
/// question.
fn platform_by_level(world: &World, level: Funding, keys: &[&Candidate], failed: bool) -> bool {
    if failed && level.when_failed == FundingFallback::Refuse {
        return false;
    }
    if world.policies.funding.selection == Selection::WhenNamed {
        return level.when_missing == FundingFallback::Platform;
    }
    let lacks: Vec<_> = keys.iter().map(|key| fit(world, key)).collect();
    if lacks.contains(&Ok(())) {
        return false;
    }
    let fallback = if lacks.contains(&Err("failed")) {
        level.when_failed
    } else if lacks.contains(&Err("switched off")) {
        level.when_switched_off
    } else {
        level.when_missing
    };
    fallback == FundingFallback::Platform
}

/// Whether a key may be used, by the rules.
fn may_be_used(world: &World, candidate: &Candidate) -> bool {
    let World {
        candidates, query, ..
    } = world;
    if query.named
        && query
            .provider
            .is_some_and(|provider| provider != candidate.key.provider)
    {
        return false;
    }
    if fit(world, candidate).is_err() {
        return false;
    }
    let payer = if is_own(candidate) {
        Payer::OwnKey
    } else {
        Payer::Platform
    };
    if query.payer.is_some_and(|wanted| wanted != payer) {
        return false;
    }
    let expected = &query.expectations;
    let as_expected = expected
        .provider
        .is_none_or(|wanted| wanted == candidate.key.provider)
        && expected.payer.is_none_or(|wanted| wanted == payer)
        && expected
            .location
            .as_ref()
            .is_none_or(|wanted| *wanted == candidate.location);
    if !as_expected {
        return false;
    }
    if is_own(candidate) {
        let levels = levels(world, Some(&candidate.key));
        return query.named || levels.into_iter().all(own_by_level);
    }
    let own: Vec<_> = candidates.iter().filter(|key| is_own(key)).collect();
    let failed = query.own_key_failed
        || query
            .excluded
            .iter()
            .any(|name| name.to_string().starts_with("workspaces/"));
    let general = levels(world, None);
    let general = general
        .into_iter()
        .all(|level| platform_by_level(world, level, &own, failed));
    if !general || world.policies.funding.selection == Selection::WhenNamed {
        return general;
    }
    // Each own key that is unavailable has a say about its own reason, where that is the one that counts.
    let lacks: Vec<_> = own.iter().map(|key| fit(world, key)).collect();
    let counts = ["failed", "switched off", "missing"];
    let counts = counts
        .into_iter()
        .find(|reason| lacks.contains(&Err(*reason)));
    own.iter().zip(&lacks).all(|(key, reason)| {
        let says = key.key.settings.funding;
        let refuses = match reason {
            Err("failed") => says.when_failed,
            Err("switched off") => says.when_switched_off,
            _ => says.when_missing,
        } == Some(FundingFallback::Refuse);
        reason.err() != counts || !refuses
    })
}

/// The keys that a request may be given, by the rules: the best ranked of those that may be used.
fn reference(world: &World) -> Vec<KeyName> {
    let usable = world
        .candidates
        .iter()
        .filter(|key| may_be_used(world, key));
    let rank = |key: &&Candidate| {
        let name = key.name.to_string();
        let owner = ["workspaces/w/projects/", "workspaces/w/keys/", "platform/"];
        let owner = owner.iter().position(|owner| name.starts_with(owner));
        (owner, key.key.settings.priority)
    };
    let best = usable.clone().map(|key| rank(&key)).min();
    usable
        .filter(|key| Some(rank(key)) == best)
        .map(|key| key.name.clone())
        .collect()
}

fn funding_fallback() -> impl Strategy<Value = FundingFallback> {
    select(vec![FundingFallback::Platform, FundingFallback::Refuse])
}

fn selection() -> impl Strategy<Value = Selection> {
    select(vec![
        Selection::Automatic,
        Selection::Automatic,
        Selection::WhenNamed,
    ])
}

fn seldom<T: Clone + std::fmt::Debug + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Option<T>> {
    prop::option::weighted(0.2, value)
}

prop_compose! {
    fn narrowing()(
        selection in seldom(selection()),
        when_missing in seldom(funding_fallback()),
        when_failed in seldom(funding_fallback()),
        when_switched_off in seldom(funding_fallback()),
    ) -> Narrowing {
        Narrowing { selection, when_missing, when_failed, when_switched_off }
    }
}

prop_compose! {
    fn funding()(
        selection in selection(),
        when_missing in funding_fallback(),
        when_failed in funding_fallback(),
        when_switched_off in funding_fallback(),
    ) -> Funding {
        Funding { selection, when_missing, when_failed, when_switched_off }
    }
}

const MODELS: [&str; 3] = ["a", "b", "*"];

fn models() -> impl Strategy<Value = Vec<String>> {
    let some = proptest::collection::vec(select(MODELS.map(str::to_owned).to_vec()), 1..3);
    prop::option::weighted(0.1, some).prop_map(Option::unwrap_or_default)
}

fn capability() -> impl Strategy<Value = Capability> {
    use Capability::{Embed, Generate, GenerateImages};
    select(vec![Generate, Generate, Generate, Embed, GenerateImages])
}

prop_compose! {
    fn rules()(
        capabilities in prop::option::weighted(0.1, proptest::collection::vec(capability(), 1..3)),
        allowed_models in models(),
        denied_models in models(),
        zero_retention in prop::bool::weighted(0.1),
    ) -> UsageRules {
        let capabilities = capabilities.unwrap_or_default();
        UsageRules { capabilities, allowed_models, denied_models, zero_retention }
    }
}

prop_compose! {
    fn access()(
        own_keys in prop::bool::weighted(0.7),
        chat in prop::bool::weighted(0.95),
        embeddings in prop::bool::weighted(0.95),
        images in prop::bool::weighted(0.95),
        allowed_models in models(),
        denied_models in models(),
        default_model in select(vec!["", "a", "b"]),
    ) -> Availability {
        let default_model = default_model.to_owned();
        Availability { own_keys, chat, embeddings, images, allowed_models, denied_models, default_model }
    }
}

const PROVIDERS: [ProviderId; 2] = [ProviderId::OpenAi, ProviderId::Vertex];
const OWNERS: [&str; 3] = ["workspaces/w/projects/x", "workspaces/w", "platform"];

prop_compose! {
    fn key(index: usize)(
        owner in select(OWNERS.to_vec()),
        provider in select(PROVIDERS.to_vec()),
        state in select(vec![
            KeyState::Active, KeyState::Active, KeyState::Active,
            KeyState::Disabled, KeyState::Quarantined,
        ]),
        expired in prop::bool::weighted(0.1),
        (allowed_models, denied_models) in (models(), models()),
        default_model in select(vec!["", "a"]),
        (priority, weight) in (0..2_u32, 0..3_u32),
        funding in narrowing(),
        caller in prop::option::weighted(0.1, select(vec![CALLER, "token:other"])),
        zero in any::<bool>(),
        location in select(vec!["", "eu"]),
    ) -> Candidate {
        let location = location.to_owned();
        let candidate = with(&format!("{owner}/keys/k{index}"), |key| {
            key.provider = provider;
            key.state = state;
            key.settings = KeySettings {
                expire_time: expired.then_some(NOW),
                allowed_models,
                denied_models,
                default_model: default_model.to_owned(),
                priority,
                weight,
                // No other party pays in place of the platform.
                funding: if owner == "platform" { Narrowing::default() } else { funding },
                allowed_callers: caller.iter().map(ToString::to_string).collect(),
                retention: if zero { Retention::Zero } else { Retention::Default },
                ..KeySettings::default()
            };
        });
        Candidate { location, ..candidate }
    }
}

fn keys() -> impl Strategy<Value = Vec<Candidate>> {
    (0..6_usize).prop_flat_map(|count| (0..count).map(key).collect::<Vec<_>>())
}

prop_compose! {
    fn world()(
        candidates in keys(),
        funding in funding(),
        rules in rules(),
        project in prop::option::of((narrowing(), rules())),
        access in (access(), access()),
        provider in prop::option::weighted(0.8, select(PROVIDERS.to_vec())),
        model in select(vec!["", "a", "b"]),
        capability in capability(),
        (named, tried) in (prop::bool::weighted(0.2), proptest::collection::vec(0..6_usize, 0..2)),
        payer in seldom(select(vec![Payer::OwnKey, Payer::Platform])),
        said in narrowing(),
        expected in (
            seldom(select(PROVIDERS.to_vec())),
            seldom(select(vec![Payer::OwnKey, Payer::Platform])),
            prop::option::weighted(0.1, Just("eu".to_owned())),
        ),
        own_key_failed in prop::bool::weighted(0.1),
        caller in select(vec![CALLER, ""]),
    ) -> World {
        let mut candidates = candidates;
        if named {
            // The vault offers the named key alone, and the platform's can't be named.
            candidates.retain(is_own);
            candidates.truncate(1);
        } else if let Some(provider) = provider {
            candidates.retain(|candidate| candidate.key.provider == provider);
        }
        let excluded = tried.iter().filter_map(|index| candidates.get(*index));
        let query = KeyQuery {
            provider,
            model: model.to_owned(),
            capability,
            named: named && !candidates.is_empty(),
            excluded: excluded.map(|candidate| candidate.name.clone()).collect(),
            payer,
            caller: caller.to_owned(),
            funding: said,
            expectations: Expectations {
                provider: expected.0,
                payer: expected.1,
                location: expected.2,
                ..Expectations::default()
            },
            own_key_failed,
            preferred: None,
        };
        let access = PROVIDERS.into_iter().zip([access.0, access.1]).collect();
        World { candidates, policies: ScopePolicies { funding, rules, project, access }, query }
    }
}

fn chosen(world: &World, draw: u64) -> Result<Choice, ResolutionRefusal> {
    choose(&world.candidates, &world.policies, &world.query, NOW, draw)
}

/// What may be given first: every key that some draw chooses.
fn reachable(world: &World) -> Vec<KeyName> {
    let mut names: Vec<_> = (0..6)
        .filter_map(|draw| chosen(world, draw).ok())
        .map(|choice| choice.chosen.name)
        .collect();
    names.sort();
    names.dedup();
    names
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn the_choice_is_that_of_the_naive_reference(world in world(), draw: u64) {
        let expected = reference(&world);
        match chosen(&world, draw) {
            Ok(choice) => {
                prop_assert!(expected.contains(&choice.chosen.name), "{:?}", choice.chosen.name);
                // Everything else is accounted for, once.
                let mut told: Vec<_> = choice.exclusions.into_iter().map(|left| left.key).collect();
                told.push(choice.chosen.name);
                told.sort();
                let mut all: Vec<_> =
                    world.candidates.iter().map(|key| key.name.clone()).collect();
                all.sort();
                prop_assert_eq!(told, all);
            }
            Err(refusal) => prop_assert!(expected.is_empty(), "{refusal:?} but {expected:?}"),
        }
    }

    #[test]
    fn a_dry_run_predicts_the_choices(world in world()) {
        let World { candidates, policies, query } = &world;
        let dry_run = dry_run(candidates.clone(), policies, query, NOW);
        let refused = chosen(&world, 0).err();
        prop_assert_eq!(&dry_run.refusal, &refused);
        // Every call fails, and each time the next key is asked for.
        let mut world = world.clone();
        let mut last = 0;
        let mut tried = 0;
        while let Ok(choice) = chosen(&world, u64::from(last) + 7) {
            let name = &choice.chosen.name;
            let told = dry_run.candidates.iter().find(|told| told.candidate.name == *name);
            let step = told.unwrap().step;
            prop_assert!(step == last || step == last + 1, "{step} after {last}");
            last = step;
            tried += 1;
            if world.query.named {
                break;
            }
            if Payer::of(name) == Payer::Platform {
                world.query.payer = Some(Payer::Platform);
            }
            world.query.excluded.push(name.clone());
        }
        let reports = dry_run.candidates.iter().filter(|told| told.step > 0).count();
        prop_assert_eq!(reports, tried);
    }

    #[test]
    fn the_payer_is_always_allowed_to_pay(world in world(), draw: u64) {
        let Ok(Choice { chosen, .. }) = chosen(&world, draw) else { return Ok(()) };
        let World { policies, query, .. } = &world;
        let mut refuses = vec![(policies.funding.when_missing, policies.funding.when_failed)];
        let levels = policies.project.iter().map(|(said, _)| said).chain([&query.funding]);
        refuses.extend(levels.map(|said| (
            said.when_missing.unwrap_or(FundingFallback::Platform),
            said.when_failed.unwrap_or(FundingFallback::Platform),
        )));
        match Payer::of(&chosen.name) {
            Payer::OwnKey => {
                let by_name = query.named || (policies.funding.selection == Selection::Automatic
                    && chosen.key.settings.funding.selection != Some(Selection::WhenNamed));
                prop_assert!(by_name);
                prop_assert!(policies.access[&chosen.key.provider].own_keys);
            }
            Payer::Platform => {
                prop_assert!(!query.named);
                let none = !world.candidates.iter().any(is_own);
                if none || policies.funding.selection == Selection::WhenNamed {
                    let refused = refuses.iter().any(|said| said.0 == FundingFallback::Refuse);
                    prop_assert!(!refused);
                }
                if query.own_key_failed {
                    let refused = refuses.iter().any(|said| said.1 == FundingFallback::Refuse);
                    prop_assert!(!refused);
                }
            }
        }
    }

    #[test]
    fn a_narrower_level_never_allows_more_keys(
        world in world(),
        said in narrowing(),
        level in 0..3_usize,
    ) {
        let mut wider = world;
        match level {
            0 => wider.query.funding = Narrowing::default(),
            1 => wider.policies.project = None,
            _ => for candidate in &mut wider.candidates {
                candidate.key.settings.funding = Narrowing::default();
            },
        }
        let mut narrower = wider.clone();
        match level {
            0 => narrower.query.funding = said,
            1 => narrower.policies.project = Some((said, UsageRules::default())),
            _ => for candidate in &mut narrower.candidates {
                if is_own(candidate) {
                    candidate.key.settings.funding = said;
                }
            },
        }
        let payers = |world: &World| {
            let names = reachable(world);
            [Payer::OwnKey, Payer::Platform]
                .map(|payer| names.iter().any(|name| Payer::of(name) == payer))
        };
        let ([own, platform], [own_before, platform_before]) = (payers(&narrower), payers(&wider));
        prop_assert!(!own || own_before, "an own key is reached that was not");
        prop_assert!(!platform || platform_before, "the platform pays where it did not");
    }
}
