//! The vault's process.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use latchkey_boot::drain::Drain;
use latchkey_boot::exit::{Failure, report};
use latchkey_boot::{config, telemetry};
use latchkey_vault::config::{ENVIRONMENT_PREFIX, VaultConfig};

/// Keeps customers' provider keys sealed and leases them to routers.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The configuration file (TOML); variables `LATCHKEY_VAULT_…` override it.
    #[arg(long)]
    config: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    report(run(Arguments::parse()).await)
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let environment = config::environment(ENVIRONMENT_PREFIX)?;
    let config: VaultConfig =
        config::load(arguments.config.as_deref(), ENVIRONMENT_PREFIX, environment)?;
    let telemetry = telemetry::init("latchkey-vault", &config.telemetry)?;
    let drain = Drain::on_signals()?;
    let app = config.build(drain).await?;
    tracing::info!(address = %app.local_addr(), "the vault is ready");
    let served = app.serve().await;
    telemetry.shutdown().await;
    served
}
