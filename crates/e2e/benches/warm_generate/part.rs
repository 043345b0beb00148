//! The parts of the benchmark, each in a process of its own.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use latchkey_boot::exit::Failure;

use crate::{floor, mock, services};

/// The part of a process.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    Floor,
    Mock,
    Router,
    Vault,
}

/// The core of the contestants.
const CONTESTANTS: &str = "1";
/// The core of everything else.
const OTHERS: &str = "0";

impl Part {
    pub(crate) fn parse(name: &str) -> Result<Self, Failure> {
        let all = [Self::Floor, Self::Mock, Self::Router, Self::Vault];
        let found = all.into_iter().find(|part| part.name() == name);
        found.ok_or_else(|| Failure::config(format!("there is no part {name}")))
    }

    /// Runs the part until the process that started it ends.
    pub(crate) fn play(self, arguments: &[&str]) -> Result<(), Failure> {
        end_with_the_starter();
        match (self, arguments) {
            (Self::Floor, [mock]) => floor::serve(address(mock)?),
            (Self::Mock, []) => mock::serve(),
            (Self::Router, [folder, mock, vault]) => {
                services::router(folder.as_ref(), address(mock)?, address(vault)?)
            }
            (Self::Vault, [folder]) => services::vault(folder.as_ref()),
            _ => Err(Failure::config(format!(
                "{} takes other arguments",
                self.name()
            ))),
        }
    }

    /// Starts a process that runs the part, and waits until it listens.
    /// Its log goes to `folder`.
    pub(crate) fn start(self, folder: &Path, arguments: &[&str]) -> Result<Process, Failure> {
        let core = match self {
            Self::Floor | Self::Router => CONTESTANTS,
            Self::Mock | Self::Vault => OTHERS,
        };
        let log =
            File::create(folder.join(format!("{}.log", self.name()))).map_err(Failure::run)?;
        let program = std::env::current_exe().map_err(Failure::run)?;
        let mut command = Command::new("taskset");
        command
            .args(["--cpu-list", core])
            .arg(program)
            .args(["--part", self.name()]);
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log);
        let mut child = command.spawn().map_err(Failure::run)?;
        let stdout = child.stdout.take().ok_or_else(|| Failure::run("no pipe"))?;
        let mut line = String::new();
        BufReader::new(stdout)
            .read_line(&mut line)
            .map_err(Failure::run)?;
        let listening = line.trim().parse();
        let address =
            listening.map_err(|_| Failure::run(format!("the {} did not start", self.name())))?;
        Ok(Process { child, address })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Mock => "mock",
            Self::Router => "router",
            Self::Vault => "vault",
        }
    }
}

/// Moves this process to the core that the contestants do not use.
pub(crate) fn step_aside() -> Result<(), Failure> {
    let own = std::process::id().to_string();
    let mut command = Command::new("taskset");
    command
        .args(["--all-tasks", "--cpu-list", "--pid", OTHERS, &own])
        .stdout(Stdio::null());
    let moved = command.status().map_err(Failure::run)?;
    if moved.success() {
        Ok(())
    } else {
        Err(Failure::run("taskset failed: are there two cores?"))
    }
}

/// Prints the address of a part, for the process that started it.
pub(crate) fn announce(address: SocketAddr) -> Result<(), Failure> {
    writeln!(io::stdout(), "{address}").map_err(Failure::run)
}

fn address(text: &str) -> Result<SocketAddr, Failure> {
    text.parse().map_err(Failure::config)
}

/// The pipe from the starter closes when the starter ends, for whatever reason.
fn end_with_the_starter() {
    std::thread::spawn(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
}

/// A running part. Dropping the value ends it.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Process {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
