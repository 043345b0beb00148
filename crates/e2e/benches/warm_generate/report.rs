//! Prints the figures as a table.

use std::time::Duration;

use crate::held::Weight;
use crate::round::Figures;
use crate::run::Scenario;

/// KiB of a MiB.
const MIB: u64 = 1024;

/// The head of the table.
pub(crate) fn head(rounds: usize, window: Duration) {
    println!(
        "{rounds} rounds of {} ms each, in turns; times in µs",
        window.as_millis()
    );
    println!(
        "{:<26}{:<9}{:>9}{:>9}{:>9}{:>7}{:>9}{:>16}{:>8}{:>8}",
        "scenario", "", "calls/s", "p50", "p99", "busy", "CPU", "(rounds)", "x floor", "at most"
    );
}

/// The rows of a scenario.
pub(crate) fn scenario(
    scenario: &Scenario,
    direct: Option<&Figures>,
    floor: &Figures,
    router: &Figures,
) {
    if let Some(direct) = direct {
        line(scenario.name, "direct", direct, false);
        println!();
    }
    line(scenario.name, "floor", floor, true);
    println!();
    line(scenario.name, "router", router, true);
    ratio(router.cpu / floor.cpu, scenario.most);
    if let Some(events) = u32::try_from(scenario.events)
        .ok()
        .filter(|events| *events > 0)
    {
        let each = |figures: &Figures| figures.cpu / f64::from(events);
        println!(
            "{:<26}CPU for each event: floor {:.2}, router {:.2}",
            scenario.name,
            each(floor),
            each(router)
        );
    }
    if let Some(direct) = direct {
        let added = |figures: &Figures| (figures.p50 - direct.p50, figures.p99 - direct.p99);
        let ((floor_p50, floor_p99), (router_p50, router_p99)) = (added(floor), added(router));
        println!(
            "{:<26}added to direct: floor p50 {floor_p50:.0}, p99 {floor_p99:.0}; router p50 \
             {router_p50:.0} (at most 200), p99 {router_p99:.0} (at most 1,000)",
            scenario.name
        );
    }
}

/// Memory of streams that are open at the same time, in KiB.
pub(crate) fn streams(floor: &Weight, router: &Weight) {
    println!(
        "{} streams open at once, KiB for each: floor {:.1}, router {:.1} (at most 40); resident \
         before, with and after them, MiB: floor {} {} {}, router {} {} {}",
        router.streams,
        floor.each(),
        router.each(),
        floor.before / MIB,
        floor.after / MIB,
        floor.closed / MIB,
        router.before / MIB,
        router.after / MIB,
        router.closed / MIB
    );
}

/// Resident memory, in KiB: now and at its highest.
pub(crate) fn memory(floor: [u64; 2], router: [u64; 2]) {
    println!(
        "resident at the end and at the highest, MiB: floor {} and {}, router {} and {} (at most 40)",
        floor[0] / MIB,
        floor[1] / MIB,
        router[0] / MIB,
        router[1] / MIB
    );
}

fn line(scenario: &str, contestant: &str, figures: &Figures, with_cpu: bool) {
    let Figures {
        per_second,
        p50,
        p99,
        cpu,
        cheapest,
        most_expensive,
        busy,
    } = figures;
    print!("{scenario:<26}{contestant:<9}{per_second:>9.0}{p50:>9.0}{p99:>9.0}");
    if with_cpu {
        let rounds = format!("({cheapest:.1} to {most_expensive:.1})");
        print!("{:>6.0}%{cpu:>9.1}{rounds:>16}", busy * 100.0);
    }
}

fn ratio(ratio: f64, most: Option<f64>) {
    print!("{ratio:>8.2}");
    if let Some(most) = most {
        print!("{most:>8.1}");
    }
    println!();
}
