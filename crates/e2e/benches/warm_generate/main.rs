//! The cost of a warm `Generate`, compared with a floor: a proxy with the same contract that only
//! moves the bytes, measured in the same run.
//!
//! ```text
//! cargo bench -p latchkey-e2e --bench warm_generate            # about 90 seconds
//! cargo bench -p latchkey-e2e --bench warm_generate -- --quick # about 20
//! ```
//!
//! This program starts itself again for each part: a mock provider, a vault, the router and the
//! floor. The two contestants share core 1 and take turns; everything else shares core 0. The
//! router has every feature on: callers' tokens, a lease from the vault, the journal, the ledger in
//! SQLite, spans and logs at `info`.
//!
//! CPU is the time of the contestant's process, in user and kernel, from the first call of a round
//! until the process is idle again, divided by the calls that it answered. The router's later writes
//! to its database are counted too. Each figure states its load, because an idle core pays for
//! wake-ups that a busy one avoids. A wrong answer fails the run; a figure never does.

#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark measures time, and ends its parts"
)]
#![expect(
    clippy::print_stdout,
    reason = "the figures are what this program is for"
)]

mod client;
mod direct;
mod floor;
mod held;
mod load;
mod mock;
mod pace;
mod part;
mod process;
mod report;
mod round;
mod run;
mod services;
mod transcript;

use std::process::ExitCode;

use latchkey_boot::exit::{Failure, report};

use part::Part;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    report(start(&arguments))
}

fn start(arguments: &[String]) -> Result<(), Failure> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["--part", part, rest @ ..] => Part::parse(part)?.play(rest),
        // Cargo passes this argument when it benches. Without it, the program only has to start.
        options if options.contains(&"--bench") => run::all(options.contains(&"--quick")),
        _ => {
            println!("run me with `cargo bench -p latchkey-e2e --bench warm_generate`");
            Ok(())
        }
    }
}
