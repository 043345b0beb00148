//! The run: starts the parts, then measures the contestants in turn, for each scenario.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use latchkey_boot::exit::Failure;

use crate::client::{CONNECTIONS, Client, Expected};
use crate::direct::Direct;
use crate::held;
use crate::load::{Load, Shape, Span, Target};
use crate::part::{Part, Process, step_aside};
use crate::process::{cpu_time, resident, settled};
use crate::report;
use crate::round::{Figures, Round};
use crate::{services, transcript};

/// One scenario.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    shape: Shape,
    load: Load,
    /// The design's limit for the router's CPU, as a multiple of the floor's.
    pub(crate) most: Option<f64>,
    /// Events of a streamed answer; 0 for a whole one.
    pub(crate) events: usize,
    /// Whether the mock is called directly too, to show the added latency.
    direct: bool,
}

const SCENARIOS: [Scenario; 4] = [
    Scenario {
        name: "unary, 1 KB, 16 callers",
        shape: Shape {
            prompt_bytes: 1_000,
            streamed: false,
        },
        load: Load::Closed { workers: 16 },
        most: Some(1.6),
        events: 0,
        direct: false,
    },
    Scenario {
        name: "unary, 100 KB, 16 callers",
        shape: Shape {
            prompt_bytes: 100_000,
            streamed: false,
        },
        load: Load::Closed { workers: 16 },
        most: Some(1.3),
        events: 0,
        direct: false,
    },
    Scenario {
        name: "stream, 1 KB, 16 callers",
        shape: Shape {
            prompt_bytes: 1_000,
            streamed: true,
        },
        load: Load::Closed { workers: 16 },
        most: Some(1.2),
        events: transcript::EVENTS,
        direct: false,
    },
    Scenario {
        name: "unary, 1 KB, 1,000/s",
        shape: Shape {
            prompt_bytes: 1_000,
            streamed: false,
        },
        load: Load::Open { per_second: 1_000 },
        most: None,
        events: 0,
        direct: true,
    },
];

/// The parts while they run. Fields end in this order.
struct Parts {
    router: Process,
    floor: Process,
    vault: Process,
    mock: Process,
}

/// The contestant under measurement.
#[derive(Clone, Copy, PartialEq)]
enum Contestant {
    Direct,
    Floor,
    Router,
}

/// Measures everything and prints it.
pub(crate) fn all(quick: bool) -> Result<(), Failure> {
    step_aside()?;
    let folder = tempfile::tempdir().map_err(Failure::run)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::run)?;
    let measured = runtime.block_on(measure(folder.path(), quick));
    measured.map_err(|failure| {
        let logs = folder.keep();
        Failure::run(format!("{failure}; the logs are in {}", logs.display()))
    })
}

async fn measure(folder: &Path, quick: bool) -> Result<(), Failure> {
    let parts = start(folder)?;
    services::store_key(parts.vault.address).await?;
    let (rounds, span) = if quick { (1, QUICK) } else { (2, FULL) };
    report::head(rounds, span.window);
    for scenario in &SCENARIOS {
        compare(&parts, scenario, rounds, span).await?;
    }
    streams(&parts).await?;
    report::memory(resident(parts.floor.id())?, resident(parts.router.id())?);
    Ok(())
}

const FULL: Span = Span {
    warm_up: Duration::from_millis(500),
    window: Duration::from_millis(3_500),
};
const QUICK: Span = Span {
    warm_up: Duration::from_millis(300),
    window: Duration::from_secs(1),
};

fn start(folder: &Path) -> Result<Parts, Failure> {
    let path = folder.display().to_string();
    let mock = Part::Mock.start(folder, &[])?;
    let vault = Part::Vault.start(folder, &[&path])?;
    let [at_mock, at_vault] = [&mock, &vault].map(|part| part.address.to_string());
    let floor = Part::Floor.start(folder, &[&at_mock])?;
    let router = Part::Router.start(folder, &[&path, &at_mock, &at_vault])?;
    Ok(Parts {
        router,
        floor,
        vault,
        mock,
    })
}

async fn compare(
    parts: &Parts,
    scenario: &Scenario,
    rounds: usize,
    span: Span,
) -> Result<(), Failure> {
    let mut turns = vec![];
    for contestant in [Contestant::Direct, Contestant::Floor, Contestant::Router] {
        if scenario.direct || contestant != Contestant::Direct {
            let (target, process) = parts.target(contestant, scenario.shape).await?;
            turns.push((Arc::new(target), process, Vec::with_capacity(rounds)));
        }
    }
    for _ in 0..rounds {
        for (target, process, measured) in &mut turns {
            measured.push(round(target, *process, scenario.load, span).await?);
        }
    }
    let mut figures = turns.iter().map(|(_, _, rounds)| Figures::of(rounds));
    let direct = if scenario.direct {
        figures.next()
    } else {
        None
    };
    if let (Some(floor), Some(router)) = (figures.next(), figures.next()) {
        report::scenario(scenario, direct.as_ref(), &floor, &router);
    }
    Ok(())
}

/// Opens thousands of streams on each contestant, and measures its memory.
async fn streams(parts: &Parts) -> Result<(), Failure> {
    /// Streams on one connection.
    const SHARED: usize = 100;
    let shape = Shape {
        prompt_bytes: 1_000,
        streamed: true,
    };
    held::hold(parts.mock.address, true).await?;
    let mut weights = Vec::new();
    for contestant in [Contestant::Floor, Contestant::Router] {
        let connections = held::STREAMS.div_ceil(SHARED);
        let (client, process) = parts.client(contestant, connections, shape).await?;
        weights.push(held::weigh(&Arc::new(client), process).await?);
    }
    held::hold(parts.mock.address, false).await?;
    if let [floor, router] = &weights[..] {
        report::streams(floor, router);
    }
    Ok(())
}

async fn round(
    target: &Arc<Target>,
    process: u32,
    load: Load,
    span: Span,
) -> Result<Round, Failure> {
    let before = settled(process).await?;
    let start = Instant::now();
    let answers = load.put(target, span).await?;
    let during = cpu_time(process)?.saturating_sub(before);
    let took = start.elapsed();
    let cpu = settled(process).await?.saturating_sub(before);
    Ok(Round {
        calls: answers.all,
        latencies: answers.latencies,
        window: span.window,
        cpu,
        busy: during.as_secs_f64() / took.as_secs_f64(),
    })
}

impl Parts {
    /// The address for calls, and the id of the process.
    async fn target(&self, contestant: Contestant, shape: Shape) -> Result<(Target, u32), Failure> {
        if contestant == Contestant::Direct {
            let direct = Direct::new(self.mock.address, shape)?;
            return Ok((Target::Direct(direct), self.mock.id()));
        }
        let (client, process) = self.client(contestant, CONNECTIONS, shape).await?;
        Ok((Target::Grpc(client), process))
    }

    /// A caller of the floor or the router.
    async fn client(
        &self,
        contestant: Contestant,
        connections: usize,
        shape: Shape,
    ) -> Result<(Client, u32), Failure> {
        let answer = if shape.streamed {
            transcript::streamed()
        } else {
            transcript::whole()
        };
        let (process, expected) = match contestant {
            Contestant::Direct | Contestant::Floor => (
                &self.floor,
                Expected {
                    text: answer.body(),
                    completed: false,
                },
            ),
            Contestant::Router => (
                &self.router,
                Expected {
                    text: answer.text,
                    completed: true,
                },
            ),
        };
        let client = Client::connect(process.address, connections, shape, expected).await?;
        Ok((client, process.id()))
    }
}
