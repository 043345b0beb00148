//! The keys that a request would try if each of its calls failed: the choice repeated without the
//! keys that were chosen before.

use latchkey_clock::Timestamp;

use super::exclusion::model;
use super::{
    Candidate, ExclusionRule, KeyQuery, Payer, ResolutionRefusal, ScopePolicies, judge, rank,
    refusal, usable, weight,
};

/// The simulated choices of a request.
#[derive(Clone, Debug)]
pub struct DryRun {
    /// Every candidate: those that would be tried first, in that order.
    pub candidates: Vec<CandidateReport>,
    /// The refusal, where no candidate would be tried.
    pub refusal: Option<ResolutionRefusal>,
}

/// The place of a candidate in a dry run.
#[derive(Clone, Debug)]
pub struct CandidateReport {
    /// The candidate.
    pub candidate: Candidate,
    /// The step at which it would be tried, from 1; 0 for never. Within a step, weights decide.
    pub step: u32,
    /// Its weight within its step.
    pub weight: u64,
    /// The rule that excludes it.
    pub rule: Option<ExclusionRule>,
    /// The model that would be called.
    pub model: String,
}

/// Simulates the choices of a request.
pub fn dry_run(
    candidates: Vec<Candidate>,
    policies: &ScopePolicies,
    query: &KeyQuery,
    now: Timestamp,
) -> DryRun {
    let first = judge(&candidates, policies, query, now);
    let mut steps = vec![0; candidates.len()];
    let (mut verdicts, mut later) = (first.clone(), query.clone());
    let mut step = 0;
    while let Some(best) = usable(&candidates, &verdicts).map(rank).min() {
        step += 1;
        for (index, candidate) in candidates.iter().enumerate() {
            if verdicts[index].is_none() && rank(candidate) == best {
                steps[index] = step;
                later.excluded.push(candidate.name.clone());
                // Once the platform has paid for an attempt, it keeps paying.
                if Payer::of(&candidate.name) == Payer::Platform {
                    later.payer = Some(Payer::Platform);
                }
            }
        }
        // A named key is never replaced.
        if query.named {
            break;
        }
        verdicts = judge(&candidates, policies, &later, now);
    }
    let refusal = (step == 0).then(|| refusal(&candidates, &first, policies, query));
    let reports = candidates.into_iter().zip(first).zip(steps);
    let mut reports: Vec<_> = reports
        .map(|((candidate, rule), step)| CandidateReport {
            step,
            weight: weight(&candidate),
            rule: rule.filter(|_| step == 0),
            model: model(&candidate, policies, query).to_owned(),
            candidate,
        })
        .collect();
    reports.sort_by_key(|report| (report.step == 0, report.step));
    DryRun {
        candidates: reports,
        refusal,
    }
}
