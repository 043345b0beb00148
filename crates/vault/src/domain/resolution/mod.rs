//! Which key a request gets, and why not another. Pure: the candidates come in, a choice comes out.
//!
//! A named key is taken or refused, never replaced. Else a project's keys come before the
//! workspace's; within one owner the lowest priority number comes first, and among equals the weights
//! decide by a drawn number. The platform's keys come last, and only where the funding policies of all
//! levels let it pay (`payer.rs`).
//!
//! Each candidate is judged by the rules in a fixed order (`rules.rs`); the first that excludes it is
//! the one that is told.

mod dry_run;
mod payer;
mod rules;

use std::collections::BTreeMap;

use latchkey_clock::Timestamp;
use latchkey_contract::ExclusionRule;
use latchkey_contract::ProviderId;
use latchkey_contract::names::{KeyName, KeyParent, KeyVersionName, Scope};

pub use dry_run::{CandidateReport, DryRun, dry_run};
pub use payer::Payer;

use super::access::Access;
use super::capability::Capability;
use super::funding::{Funding, Narrowing};
use super::key::Key;
use super::rules::Rules;

/// A key that may be chosen.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its full name.
    pub name: KeyName,
    /// What is known of it.
    pub key: Key,
    /// Its region, as far as it matters to the query; else empty.
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

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct KeyQuery {
    /// Whose key; nothing when a key is named without one, and when any default model will do.
    pub provider: Option<ProviderId>,
    /// The model; empty when the key's default will do.
    pub model: String,
    /// What the request does.
    pub capability: Capability,
    /// Whether the caller named the one candidate.
    pub named: bool,
    /// Keys that are passed over because they were tried.
    pub excluded: Vec<KeyName>,
    /// Who must pay; nothing when either may.
    pub payer: Option<Payer>,
    /// Who asks; empty when nobody says.
    pub caller: String,
    /// What the request says of who may pay.
    pub funding: Narrowing,
    /// What the caller expects of the key.
    pub expectations: Expectations,
    /// Whether an own key failed for the same request, be it another provider's.
    pub own_key_failed: bool,
    /// Whose turn it is of the keys that share the calls; nothing when that is to be drawn.
    pub drawn: Option<KeyName>,
}

/// What a caller expects. Nothing where it expects nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Expectations {
    /// Whose key it is.
    pub provider: Option<ProviderId>,
    /// The version in use.
    pub key_version: Option<KeyVersionName>,
    /// Who pays.
    pub payer: Option<Payer>,
    /// The region.
    pub location: Option<String>,
}

/// What holds for the scope of a request.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Who may pay, by the workspace.
    pub funding: Funding,
    /// What may be done, by the workspace.
    pub rules: Rules,
    /// The same by the project, where the request is one's.
    pub project: Option<(Narrowing, Rules)>,
    /// What the operator allows of each provider.
    pub access: BTreeMap<ProviderId, Access>,
}

impl Terms {
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

    /// The lists of models that hold for every key of a provider: those allowed, those denied.
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

/// A key that was passed over.
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
    /// The others, and why.
    pub exclusions: Vec<Exclusion>,
}

/// No key could be chosen.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ResolutionRefusal {
    /// The named key is another provider's.
    #[error("the named key belongs to {actual}, not to {expected}")]
    ProviderMismatch {
        /// Whose was asked for.
        expected: ProviderId,
        /// Whose it is.
        actual: ProviderId,
    },
    /// The named key can't be used now.
    #[error("the named key cannot be used: {}", rule.as_str())]
    NamedUnusable {
        /// Why.
        rule: ExclusionRule,
        /// The state's words, such as the provider's in a quarantine.
        detail: String,
    },
    /// Keys that could be used are not as the caller expects.
    #[error("no usable key is as the request expects")]
    ExpectationUnmet {
        /// Each candidate and why it was skipped.
        exclusions: Vec<Exclusion>,
    },
    /// Neither the customer nor the platform has a usable key.
    #[error("no usable key for this provider and model")]
    NoneUsable {
        /// Each candidate and why it was skipped.
        exclusions: Vec<Exclusion>,
    },
    /// It may not be done, whatever keys there are.
    #[error("not allowed here: {}", rule.as_str())]
    PolicyForbids {
        /// By which rule.
        rule: ExclusionRule,
    },
}

/// Chooses among `candidates`. `draw` is a random number, used where weights decide.
pub fn choose(
    candidates: &[Candidate],
    terms: &Terms,
    query: &KeyQuery,
    now: Timestamp,
    draw: u64,
) -> Result<Choice, ResolutionRefusal> {
    let verdicts = judge(candidates, terms, query, now);
    let Some(best) = usable(candidates, &verdicts).map(rank).min() else {
        return Err(refusal(candidates, &verdicts, terms, query));
    };
    let among: Vec<_> = usable(candidates, &verdicts)
        .filter(|candidate| rank(candidate) == best)
        .collect();
    let wanted = query.drawn.as_ref();
    let wanted = wanted.and_then(|name| among.iter().find(|candidate| candidate.name == *name));
    let chosen = Candidate::clone(wanted.unwrap_or(&among[drawn(&among, draw)]));
    let share = |candidate: &&Candidate| (candidate.name.clone(), weight(candidate));
    let weighted_keys = among.iter().map(share).collect();
    let follow = after_failure(candidates, &verdicts, terms, query, now);
    let rule = |(candidate, verdict): (&Candidate, &Option<ExclusionRule>)| match verdict {
        Some(ExclusionRule::OwnKeyFirst) if follow.contains(&candidate.name) => {
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
    terms: &Terms,
    query: &KeyQuery,
    now: Timestamp,
) -> Vec<Option<ExclusionRule>> {
    let mut verdicts: Vec<_> = candidates
        .iter()
        .map(|candidate| rules::of_the_key(candidate, terms, query, now))
        .collect();
    let own_keys = payer::OwnKeys::survey(candidates, &verdicts, query);
    for (candidate, verdict) in candidates.iter().zip(&mut verdicts) {
        if verdict.is_none() && Payer::of(&candidate.name) == Payer::Platform {
            *verdict = own_keys.rule_for_the_platform(terms, query);
        }
        if verdict.is_none() && !rules::is_as_expected(candidate, &query.expectations) {
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
    terms: &Terms,
    query: &KeyQuery,
    now: Timestamp,
) -> Vec<KeyName> {
    if !verdicts.contains(&Some(ExclusionRule::OwnKeyFirst)) {
        return Vec::new();
    }
    let tried = usable(candidates, verdicts).map(|candidate| candidate.name.clone());
    let mut later = query.clone();
    later.excluded.extend(tried);
    let verdicts = judge(candidates, terms, &later, now);
    usable(candidates, &verdicts)
        .map(|candidate| candidate.name.clone())
        .collect()
}

/// Why none of the candidates can be used.
fn refusal(
    candidates: &[Candidate],
    verdicts: &[Option<ExclusionRule>],
    terms: &Terms,
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
            .and_then(|provider| rules::of_the_scope(provider, &query.model, terms, query)),
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

/// The index that `draw` falls on when each candidate takes as much room as its weight.
fn drawn(equals: &[&Candidate], draw: u64) -> usize {
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
