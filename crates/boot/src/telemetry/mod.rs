//! Logs on stderr; traces and metrics to an OpenTelemetry collector, when there is one.
//!
//! It never records a body, a header's value or a token.

mod export;
pub mod propagation;
mod rpc_span;

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;
use tracing_subscriber::filter::{EnvFilter, ParseError};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer, Registry, fmt};

use crate::config::seconds;
use crate::tls::TlsError;
use export::Exporters;

pub use rpc_span::{RpcSpan, RpcSpanBody, RpcSpanLayer};

/// Logs, traces and metrics of a process.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// How log lines look. Default: `text`.
    pub log_format: LogFormat,
    /// What is logged: a level, or `target=level` directives separated by commas. Default: `info`.
    pub log_filter: String,
    /// The collector's OTLP/gRPC endpoint, `http://host:4317`. Default: none, nothing is exported.
    pub otlp_endpoint: Option<String>,
    /// The authorities that sign the collector's certificate, PEM; with an `https` endpoint only.
    pub otlp_ca_file: Option<PathBuf>,
    /// Which spans are exported, in the form of `log_filter`. Default: `info`.
    pub trace_filter: String,
    /// The share of traces that start here and are exported, 0 to 1. A trace that a caller started
    /// follows the caller's decision. Default: 1.
    pub trace_sample_ratio: f64,
    /// How often metrics are exported, in seconds. Default: 15.
    #[serde(
        rename = "metrics_interval_seconds",
        deserialize_with = "seconds::deserialize"
    )]
    pub metrics_interval: Duration,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            log_format: LogFormat::Text,
            log_filter: "info".to_owned(),
            otlp_endpoint: None,
            otlp_ca_file: None,
            trace_filter: "info".to_owned(),
            trace_sample_ratio: 1.0,
            metrics_interval: Duration::from_secs(15),
        }
    }
}

/// Starts logging, and exporting when there is a collector; the latter needs a Tokio runtime.
///
/// A process has one telemetry. When it has been started already, as by the first of two services
/// in one process, this changes nothing and returns a handle that has nothing to shut down.
pub fn init(
    service_name: &'static str,
    config: &TelemetryConfig,
) -> Result<Telemetry, TelemetryError> {
    let logs = logs(config)?;
    let trace_filter = export::trace_filter(&config.trace_filter)?;
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    if *started {
        tracing::debug!(service_name, "telemetry was started before");
        return Ok(Telemetry { exporters: None });
    }
    let exporters = Exporters::build(service_name, config)?;
    let traces = exporters
        .as_ref()
        .map(|exporters| exporters.traces().with_filter(trace_filter));
    let subscriber = Registry::default().with(logs).with(traces);
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        // Another subscriber, a test's for example, receives the spans. Metrics are exported all the
        // same.
        tracing::debug!(service_name, "another subscriber was installed before");
    }
    if let Some(exporters) = &exporters {
        exporters.install();
    }
    *started = true;
    Ok(Telemetry { exporters })
}

/// Whether the telemetry of the process has been started.
static STARTED: Mutex<bool> = Mutex::new(false);

fn logs<S>(config: &TelemetryConfig) -> Result<impl Layer<S>, TelemetryError>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(false);
    let lines = match config.log_format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
    };
    Ok(lines.with_filter(filter("log_filter", &config.log_filter)?))
}

fn filter(field: &'static str, directives: &str) -> Result<EnvFilter, TelemetryError> {
    EnvFilter::builder()
        .parse(directives)
        .map_err(|source| TelemetryError::Filter { field, source })
}

/// The running telemetry of a process.
#[must_use = "shut it down, or the last spans are lost"]
pub struct Telemetry {
    exporters: Option<Exporters>,
}

impl Telemetry {
    /// Exports the spans and metrics that are still buffered, for 5 seconds at most, and stops.
    pub async fn shutdown(self) {
        let Some(exporters) = self.exporters else {
            return;
        };
        // The exporter's thread needs the runtime to send, so it must not block the runtime.
        let flushed = tokio::task::spawn_blocking(move || exporters.shutdown()).await;
        match flushed {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "exporting the last telemetry failed"),
            Err(error) => tracing::warn!(%error, "exporting the last telemetry failed"),
        }
    }
}

/// Why telemetry cannot be started.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// A filter cannot be parsed.
    #[error("`{field}` is not a list of levels and `target=level` directives")]
    Filter {
        /// The field.
        field: &'static str,
        /// The parser's error.
        source: ParseError,
    },
    /// The sample ratio is out of range.
    #[error("`trace_sample_ratio` must be between 0 and 1")]
    SampleRatio,
    /// `otlp_ca_file` and the scheme of `otlp_endpoint` contradict each other.
    #[error("an https `otlp_endpoint` needs `otlp_ca_file`, and `otlp_ca_file` an https endpoint")]
    AuthorityAndScheme,
    /// The collector's authorities cannot be used.
    #[error("cannot set up TLS towards the collector")]
    Tls(#[from] TlsError),
    /// The exporter refused its configuration.
    #[error("`otlp_endpoint` cannot be used")]
    Exporter {
        /// The exporter's error.
        source: opentelemetry_otlp::ExporterBuildError,
    },
    /// Exporting is configured outside a Tokio runtime.
    #[error("exporting needs a Tokio runtime")]
    NoRuntime,
}

#[cfg(test)]
mod tests;
