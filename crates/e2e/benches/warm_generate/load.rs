//! Load: a closed loop of workers that each wait for their answer, or an open one at a fixed beat.

use std::sync::Arc;
use std::time::{Duration, Instant};

use latchkey_boot::exit::Failure;
use tokio::task::JoinSet;

use crate::client::Client;
use crate::direct::Direct;
use crate::pace;

/// The requests.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) prompt_bytes: usize,
    pub(crate) streamed: bool,
}

/// How calls are started.
#[derive(Clone, Copy)]
pub(crate) enum Load {
    /// So many workers; each calls again as soon as it has its answer.
    Closed { workers: usize },
    /// So many calls a second, whether or not earlier ones are answered.
    Open { per_second: u32 },
}

/// The duration.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) warm_up: Duration,
    pub(crate) window: Duration,
}

/// The process under load, and how it is called.
pub(crate) enum Target {
    Grpc(Client),
    Direct(Direct),
}

/// The results.
pub(crate) struct Answers {
    /// The number of calls, warm-up included.
    pub(crate) all: usize,
    /// The latency of each call that ended within the window.
    pub(crate) latencies: Vec<Duration>,
}

impl Target {
    async fn call(&self, worker: usize) -> Result<(), Failure> {
        match self {
            Self::Grpc(client) => client.call(worker).await,
            Self::Direct(direct) => direct.call().await,
        }
    }
}

impl Load {
    /// Puts the load on the target.
    pub(crate) async fn put(self, target: &Arc<Target>, span: Span) -> Result<Answers, Failure> {
        let start = Instant::now();
        match self {
            Self::Closed { workers } => closed(target, workers, start, span).await,
            Self::Open { per_second } => open(target, per_second, start, span).await,
        }
    }
}

async fn closed(
    target: &Arc<Target>,
    workers: usize,
    start: Instant,
    span: Span,
) -> Result<Answers, Failure> {
    let mut working = JoinSet::new();
    for worker in 0..workers {
        let target = Arc::clone(target);
        working.spawn(async move {
            let mut answers = Answers {
                all: 0,
                latencies: Vec::with_capacity(16 * 1024),
            };
            loop {
                let called = Instant::now();
                if called >= start + span.warm_up + span.window {
                    return Ok::<_, Failure>(answers);
                }
                target.call(worker).await?;
                answers.add(called, start, span);
            }
        });
    }
    let mut sum = Answers {
        all: 0,
        latencies: Vec::new(),
    };
    while let Some(worked) = working.join_next().await {
        let answers = worked.map_err(Failure::run)??;
        sum.all += answers.all;
        sum.latencies.extend(answers.latencies);
    }
    Ok(sum)
}

async fn open(
    target: &Arc<Target>,
    per_second: u32,
    start: Instant,
    span: Span,
) -> Result<Answers, Failure> {
    let period = Duration::from_secs(1) / per_second;
    let mut pace = pace::every(period)?;
    let mut calls = JoinSet::new();
    let mut due = start;
    while due < start + span.warm_up + span.window {
        let beats = pace
            .recv()
            .await
            .ok_or_else(|| Failure::run("the beat stopped"))?;
        for _ in 0..beats {
            due += period;
            let (target, worker) = (Arc::clone(target), calls.len());
            calls.spawn(async move {
                target.call(worker).await?;
                Ok::<_, Failure>((due, Instant::now()))
            });
        }
    }
    let mut answers = Answers {
        all: 0,
        latencies: Vec::with_capacity(calls.len()),
    };
    while let Some(called) = calls.join_next().await {
        let (due, answered) = called.map_err(Failure::run)??;
        answers.add_answered(due, answered, start, span);
    }
    Ok(answers)
}

impl Answers {
    fn add(&mut self, called: Instant, start: Instant, span: Span) {
        self.add_answered(called, Instant::now(), start, span);
    }

    fn add_answered(&mut self, called: Instant, answered: Instant, start: Instant, span: Span) {
        let opens = start + span.warm_up;
        self.all += 1;
        if (opens..opens + span.window).contains(&answered) {
            self.latencies
                .push(answered.saturating_duration_since(called));
        }
    }
}
