//! Rounds of one contestant in one scenario, and their figures.

use std::time::Duration;

/// One round.
pub(crate) struct Round {
    /// The number of answered calls, warm-up included.
    pub(crate) calls: usize,
    /// The latency of each call that ended within the window.
    pub(crate) latencies: Vec<Duration>,
    /// The window.
    pub(crate) window: Duration,
    /// The contestant's CPU time for all calls, work after the last one included.
    pub(crate) cpu: Duration,
    /// The share of its core that it used under load, 0 to 1.
    pub(crate) busy: f64,
}

/// Figures over several rounds.
pub(crate) struct Figures {
    pub(crate) per_second: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Microseconds of CPU per call: over all rounds, in the cheapest and in the most expensive.
    pub(crate) cpu: f64,
    pub(crate) cheapest: f64,
    pub(crate) most_expensive: f64,
    pub(crate) busy: f64,
}

impl Figures {
    /// The figures of rounds of the same kind; there is at least one.
    pub(crate) fn of(rounds: &[Round]) -> Self {
        let mut latencies: Vec<_> = rounds.iter().flat_map(|round| &round.latencies).collect();
        latencies.sort_unstable();
        let rank = |share: usize| {
            let place = (latencies.len() * share / 100).min(latencies.len().saturating_sub(1));
            latencies
                .get(place)
                .map_or(f64::NAN, |latency| micros(**latency))
        };
        let window: Duration = rounds.iter().map(|round| round.window).sum();
        let each: Vec<f64> = rounds
            .iter()
            .map(|round| micros(round.cpu) / number(round.calls))
            .collect();
        let calls: usize = rounds.iter().map(|round| round.calls).sum();
        let cpu: Duration = rounds.iter().map(|round| round.cpu).sum();
        Self {
            per_second: number(latencies.len()) / window.as_secs_f64(),
            p50: rank(50),
            p99: rank(99),
            cpu: micros(cpu) / number(calls),
            cheapest: each.iter().copied().fold(f64::INFINITY, f64::min),
            most_expensive: each.iter().copied().fold(0.0, f64::max),
            busy: rounds.iter().map(|round| round.busy).sum::<f64>() / number(rounds.len()),
        }
    }
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// Counts here are far below the 2^52 that a float holds exactly.
fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
