//! `latchkey dev`: both services in one process, on loopback, over SQLite. It creates everything they
//! need, and demonstrates the real path: it stores a key, sends a prompt and records an attempt.

mod demonstration;
mod folder;
mod sandbox;
mod services;

use std::time::Duration;

use latchkey_boot::drain::Drain;
use latchkey_boot::exit::Failure;
use latchkey_boot::telemetry::{self, TelemetryConfig};

use crate::arguments::Dev;
use crate::platform_keys;
use folder::Folder;
use services::Clients;

pub(crate) async fn run(options: Dev) -> Result<(), Failure> {
    let config = TelemetryConfig {
        log_filter: options.log.clone(),
        ..TelemetryConfig::default()
    };
    let telemetry = telemetry::init("latchkey-dev", &config)?;
    let folder = Folder::open(&options.folder)?;
    let signals = Drain::on_signals()?;
    let sandbox = sandbox::start(options.sandbox_port, &signals).await?;
    let running = services::start(&options, &folder).await?;
    let clients = running.clients(&folder)?;

    let shown = tokio::select! {
        shown = demonstration::run(&clients, sandbox) => shown,
        () = signals.started() => Ok(()),
    };
    if shown.is_ok() && !options.once && !signals.is_started() {
        import_platform_keys(&clients).await;
        demonstration::print_commands(&running, &folder);
        tokio::select! {
            () = signals.started() => {}
            () = running.failed() => {}
        }
    }
    signals.start();
    let stopped = running.stop().await;
    telemetry.shutdown().await;
    shown.and(stopped)
}

/// Imports the keys in the environment, and logs the outcome for each. A refused key is skipped.
async fn import_platform_keys(clients: &Clients) {
    // No wait: the demonstration has shown that the router can verify keys.
    for imported in platform_keys::import(clients.vault.clone(), Duration::ZERO).await {
        let variable = imported.variable;
        match imported.outcome {
            Ok(key) => {
                let (name, tail) = (key.name, key.material_tail);
                tracing::info!(name, tail, "{variable} was imported as a platform key");
            }
            Err(problem) => {
                let problem = &problem as &dyn std::error::Error;
                tracing::error!(error = problem, "{variable} was not imported");
            }
        }
    }
}
