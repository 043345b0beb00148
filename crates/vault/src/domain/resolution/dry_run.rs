//! What a request would try if each of its calls failed: the choice made again and again, without the
//! keys that were chosen before.

use latchkey_clock::Timestamp;

use super::rules::model;
use super::{
    Candidate, ExclusionRule, KeyQuery, Payer, ResolutionRefusal, Terms, judge, rank, refusal,
    usable, weight,
};

/// What a request would meet.
#[derive(Clone, Debug)]
pub struct DryRun {
    /// Every candidate: those that would be tried first, in that order.
    pub candidates: Vec<CandidateReport>,
    /// Why none would be tried.
    pub refusal: Option<ResolutionRefusal>,
}

/// What would become of a candidate.
#[derive(Clone, Debug)]
pub struct CandidateReport {
    /// The candidate.
    pub candidate: Candidate,
    /// When it would be tried, from 1; 0 for never. Those of one step are drawn by weight.
    pub step: u32,
    /// Its share among those of its step.
    pub weight: u64,
    /// The rule that excludes it.
    pub rule: Option<ExclusionRule>,
    /// The model that would be asked for.
    pub model: String,
}

/// Foresees the choices of a request.
pub fn dry_run(
    candidates: Vec<Candidate>,
    terms: &Terms,
    query: &KeyQuery,
    now: Timestamp,
) -> DryRun {
    let first = judge(&candidates, terms, query, now);
    let mut steps = vec![0; candidates.len()];
    let (mut verdicts, mut later) = (first.clone(), query.clone());
    let mut step = 0;
    while let Some(best) = usable(&candidates, &verdicts).map(rank).min() {
        step += 1;
        for (index, candidate) in candidates.iter().enumerate() {
            if verdicts[index].is_none() && rank(candidate) == best {
                steps[index] = step;
                later.excluded.push(candidate.name.clone());
                // Whose bill the platform has begun stays with it.
                if Payer::of(&candidate.name) == Payer::Platform {
                    later.payer = Some(Payer::Platform);
                }
            }
        }
        // A named key is never replaced.
        if query.named {
            break;
        }
        verdicts = judge(&candidates, terms, &later, now);
    }
    let refusal = (step == 0).then(|| refusal(&candidates, &first, terms, query));
    let reports = candidates.into_iter().zip(first).zip(steps);
    let mut reports: Vec<_> = reports
        .map(|((candidate, rule), step)| CandidateReport {
            step,
            weight: weight(&candidate),
            rule: rule.filter(|_| step == 0),
            model: model(&candidate, terms, query).to_owned(),
            candidate,
        })
        .collect();
    reports.sort_by_key(|reports| (reports.step == 0, reports.step));
    DryRun {
        candidates: reports,
        refusal,
    }
}
