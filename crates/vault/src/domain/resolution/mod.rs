//! The choice of a key for a request, and the reasons against the other keys. Pure.
//!
//! A named key is chosen or refused, never replaced. Otherwise a project's keys come before the
//! workspace's. Within one owner the lowest priority number comes first; among equals a random number
//! decides by weight. The platform's keys come last, and only where the funding policies of all levels
//! allow it to pay (`payer.rs`).
//!
//! The exclusion rules judge each candidate in a fixed order (`exclusion.rs`). The first rule that
//! excludes a candidate is reported.

mod dry_run;
mod exclusion;
mod payer;

use std::collections::BTreeMap;

use latchkey_clock::Timestamp;
use latchkey_contract::ExclusionRule;
use latchkey_contract::ProviderId;
use latchkey_contract::names::{KeyName, KeyParent, KeyVersionName, Scope};

pub use dry_run::{CandidateReport, DryRun, dry_run};
pub use payer::Payer;

use super::availability::Availability;
use super::capability::Capability;
use super::funding::{Funding, Narrowing};
use super::key::Key;
use super::usage_rules::UsageRules;

/// A key that may be chosen.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its full name.
    pub name: KeyName,
    /// The key.
    pub key: Key,
    /// Its region, where the query expects one; else empty.
    pub location: String,
}

impl Candidate {
    /// The name of the key's current version.
    pub fn version_name(&self) -> KeyVersionName {
        KeyVersionName {
            key: self.name.clone(),
            version: self.key.current_version,
        }
    }
}

/// The selection criteria of a request.
#[derive(Clone, Debug, Default)]
pub struct KeyQuery {
    /// The provider; `None` where the request names a key alone, or takes any default model.
    pub provider: Option<ProviderId>,
    /// The model; empty for the key's default.
    pub model: String,
    /// The capability.
    pub capability: Capability,
    /// Whether the caller named the one candidate.
    pub named: bool,
    /// Keys that the request has tried already.
    pub excluded: Vec<KeyName>,
    /// The only payer that is allowed; `None` for either.
    pub payer: Option<Payer>,
    /// The caller's identity; empty where it is not known.
    pub caller: String,
    /// The funding policy of the request.
    pub funding: Narrowing,
    /// What the caller expects of the key.
    pub expectations: Expectations,
    /// Whether an own key failed for the same request, be it another provider's.
    pub own_key_failed: bool,
    /// The preferred key among those of equal rank; `None` leaves the choice to the weights.
    pub preferred: Option<KeyName>,
}

/// The expectations of a caller. `None` where it has none.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Expectations {
    /// The provider.
    pub provider: Option<ProviderId>,
    /// The current version.
    pub key_version: Option<KeyVersionName>,
    /// The payer.
    pub payer: Option<Payer>,
    /// The region.
    pub location: Option<String>,
}

/// The policies that hold for the scope of a request.
#[derive(Clone, Debug, Default)]
pub struct ScopePolicies {
    /// The funding policy of the workspace.
    pub funding: Funding,
    /// The usage rules of the workspace.
    pub rules: UsageRules,
    /// The same of the project, where the request is a project's.
    pub project: Option<(Narrowing, UsageRules)>,
    /// What the operator makes available of each provider.
    pub access: BTreeMap<ProviderId, Availability>,
}

impl ScopePolicies {
    /// The model of a request that names none: the key's default, else the provider's; empty for none.
    pub fn default_model<'a>(&'a self, key: &'a Key) -> &'a str {
        match key.settings.default_model.as_str() {
            "" => {
                let access = self.access.get(&key.provider);
                access.map_or("", |access| &access.default_model)
            }
            model => model,
        }
    }

    /// The lists of allowed and of denied models that hold for every key of a provider.
    pub fn model_lists(
        &self,
        provider: ProviderId,
    ) -> impl Iterator<Item = (&[String], &[String])> {
        let project = self.project.iter().map(|(_, rules)| rules);
        let rules = project.chain([&self.rules]);
        let rules = rules.map(|rules| (&*rules.allowed_models, &*rules.denied_models));
        let access = self.access.get(&provider).into_iter();
        rules.chain(access.map(|access| (&*access.allowed_models, &*access.denied_models)))
    }
}

/// A key that was not chosen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Exclusion {
    /// Its full name.
    pub key: KeyName,
    /// The rule that excluded it.
    pub rule: ExclusionRule,
}

/// The outcome of a choice.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The key to lease.
    pub chosen: Candidate,
    /// The keys that share the calls with it, itself among them, and their weights.
    pub weighted_keys: Vec<(KeyName, u64)>,
    /// The other candidates, each with its rule.
    pub exclusions: Vec<Exclusion>,
}

/// No key could be chosen.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ResolutionRefusal {
    /// The named key is another provider's.
    #[error("the named key belongs to {actual}, not to {expected}")]
    ProviderMismatch {
        /// The provider of the request.
        expected: ProviderId,
        /// The provider of the key.
        actual: ProviderId,
    },
    /// The named key can't be used now.
    #[error("the named key can't be used: {}", rule.as_str())]
    NamedUnusable {
        /// The rule that excludes it.
        rule: ExclusionRule,
        /// The reason of the key's state, such as the provider's message in a quarantine.
        detail: String,
    },
    /// No usable key meets the expectations.
    #[error("no usable key meets the expectations of the request")]
    ExpectationUnmet {
        /// Each candidate with the rule that excludes it.
        exclusions: Vec<Exclusion>,
    },
    /// Neither the customer nor the platform has a usable key.
    #[error("no key can be used for this provider and model")]
    NoneUsable {
        /// Each candidate with the rule that excludes it.
        exclusions: Vec<Exclusion>,
    },
    /// A policy forbids the request, whatever the keys.
    #[error("a policy forbids the request: {}", rule.as_str())]
    PolicyForbids {
        /// The rule.
        rule: ExclusionRule,
    },
}

/// Chooses among `candidates`. `draw` is a random number, used where weights decide.
pub fn choose(
    candidates: &[Candidate],
    policies: &ScopePolicies,
    query: &KeyQuery,
    now: Timestamp,
    draw: u64,
) -> Result<Choice, ResolutionRefusal> {
    let verdicts = judge(candidates, policies, query, now);
    let Some(best) = usable(candidates, &verdicts).map(rank).min() else {
        return Err(refusal(candidates, &verdicts, policies, query));
    };
    let among: Vec<_> = usable(candidates, &verdicts)
        .filter(|candidate| rank(candidate) == best)
        .collect();
    let preferred = query
        .preferred
        .as_ref()
        .and_then(|name| among.iter().find(|candidate| candidate.name == *name));
    let chosen = Candidate::clone(preferred.unwrap_or(&among[weighted_index(&among, draw)]));
    let weighted = |candidate: &&Candidate| (candidate.name.clone(), weight(candidate));
    let weighted_keys = among.iter().map(weighted).collect();
    let after_failure = after_failure(candidates, &verdicts, policies, query, now);
    let rule = |(candidate, verdict): (&Candidate, &Option<ExclusionRule>)| match verdict {
        Some(ExclusionRule::OwnKeyFirst) if after_failure.contains(&candidate.name) => {
            ExclusionRule::AfterFailure
        }
        Some(rule) => *rule,
        None if rank(candidate) == best => ExclusionRule::NotSelected,
        None => ExclusionRule::Outranked,
    };
    let exclusions = candidates
        .iter()
        .zip(&verdicts)
        .filter(|(candidate, _)| candidate.name != chosen.name)
        .map(|judged| Exclusion {
            key: judged.0.name.clone(),
            rule: rule(judged),
        })
        .collect();
    Ok(Choice {
        chosen,
        weighted_keys,
        exclusions,
    })
}

/// The rule that excludes each candidate, if one does.
fn judge(
    candidates: &[Candidate],
    policies: &ScopePolicies,
    query: &KeyQuery,
    now: Timestamp,
) -> Vec<Option<ExclusionRule>> {
    let mut verdicts: Vec<_> = candidates
        .iter()
        .map(|candidate| exclusion::of_the_key(candidate, policies, query, now))
        .collect();
    let own_keys = payer::OwnKeys::survey(candidates, &verdicts, query);
    for (candidate, verdict) in candidates.iter().zip(&mut verdicts) {
        if verdict.is_none() && Payer::of(&candidate.name) == Payer::Platform {
            *verdict = own_keys.rule_for_the_platform(policies, query);
        }
        if verdict.is_none() && !exclusion::is_as_expected(candidate, &query.expectations) {
            *verdict = Some(ExclusionRule::Expectation);
        }
    }
    verdicts
}

fn usable<'a>(
    candidates: &'a [Candidate],
    verdicts: &'a [Option<ExclusionRule>],
) -> impl Iterator<Item = &'a Candidate> {
    let judged = candidates.iter().zip(verdicts);
    judged.filter_map(|(candidate, verdict)| verdict.is_none().then_some(candidate))
}

/// The platform's keys that would be usable if every own key that is usable failed.
fn after_failure(
    candidates: &[Candidate],
    verdicts: &[Option<ExclusionRule>],
    policies: &ScopePolicies,
    query: &KeyQuery,
    now: Timestamp,
) -> Vec<KeyName> {
    if !verdicts.contains(&Some(ExclusionRule::OwnKeyFirst)) {
        return Vec::new();
    }
    let tried = usable(candidates, verdicts).map(|candidate| candidate.name.clone());
    let mut later = query.clone();
    later.excluded.extend(tried);
    let verdicts = judge(candidates, policies, &later, now);
    usable(candidates, &verdicts)
        .map(|candidate| candidate.name.clone())
        .collect()
}

/// The reason for which no candidate can be used.
fn refusal(
    candidates: &[Candidate],
    verdicts: &[Option<ExclusionRule>],
    policies: &ScopePolicies,
    query: &KeyQuery,
) -> ResolutionRefusal {
    let mut judged = candidates.iter().zip(verdicts);
    let exclusions = || {
        let excluded = candidates.iter().zip(verdicts);
        let excluded = excluded.filter_map(|(candidate, verdict)| {
            let key = candidate.name.clone();
            verdict.map(|rule| Exclusion { key, rule })
        });
        excluded.collect::<Vec<_>>()
    };
    if verdicts.contains(&Some(ExclusionRule::Expectation)) {
        let exclusions = exclusions();
        return ResolutionRefusal::ExpectationUnmet { exclusions };
    }
    let first = verdicts.iter().flatten().next().copied();
    let forbidden = match first {
        Some(rule) if verdicts.iter().flatten().all(|rule| rule.is_policy()) => Some(rule),
        Some(_) => None,
        None => query
            .provider
            .and_then(|provider| exclusion::of_the_scope(provider, &query.model, policies, query)),
    };
    if let Some(rule) = forbidden {
        return ResolutionRefusal::PolicyForbids { rule };
    }
    match judged.next() {
        Some((candidate, Some(ExclusionRule::ProviderMismatch))) if query.named => {
            ResolutionRefusal::ProviderMismatch {
                expected: query.provider.unwrap_or(candidate.key.provider),
                actual: candidate.key.provider,
            }
        }
        Some((candidate, Some(rule))) if query.named => ResolutionRefusal::NamedUnusable {
            rule: *rule,
            detail: candidate.key.state_detail.clone(),
        },
        _ => {
            let exclusions = exclusions();
            ResolutionRefusal::NoneUsable { exclusions }
        }
    }
}

/// Nearer owners first, then lower numbers.
fn rank(candidate: &Candidate) -> (u8, u32) {
    let owner = match candidate.name.parent {
        KeyParent::Scope(Scope::Project(_)) => 0,
        KeyParent::Scope(Scope::Workspace(_)) => 1,
        KeyParent::Platform => 2,
    };
    (owner, candidate.key.settings.priority)
}

/// The index that `draw` falls on, where each candidate takes as much room as its weight.
fn weighted_index(equals: &[&Candidate], draw: u64) -> usize {
    let total: u64 = equals.iter().map(|candidate| weight(candidate)).sum();
    let mut left = draw % total.max(1);
    for (index, candidate) in equals.iter().enumerate() {
        match left.checked_sub(weight(candidate)) {
            None => return index,
            Some(rest) => left = rest,
        }
    }
    0
}

fn weight(candidate: &Candidate) -> u64 {
    candidate.key.settings.weight.max(1).into()
}

#[cfg(test)]
mod tests;
