//! The process of the router.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use latchkey_boot::drain::Drain;
use latchkey_boot::exit::{Failure, report};
use latchkey_boot::{config, telemetry};
use latchkey_router::config::{ENVIRONMENT_PREFIX, RouterConfig};

/// Calls LLM providers with keys leased from the vault, and records usage and cost.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The configuration file (TOML); variables `LATCHKEY_ROUTER_…` override it.
    #[arg(long)]
    config: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    report(run(Arguments::parse()).await)
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let environment = config::environment(ENVIRONMENT_PREFIX)?;
    let config: RouterConfig =
        config::load(arguments.config.as_deref(), ENVIRONMENT_PREFIX, environment)?;
    let telemetry = telemetry::init("latchkey-router", &config.telemetry)?;
    let drain = Drain::on_signals()?;
    let app = config.build(drain).await?;
    tracing::info!(address = %app.local_addr(), "router ready");
    let served = app.serve().await;
    telemetry.shutdown().await;
    served
}
