//! Traces and metrics over OTLP/gRPC.

use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{KeyValue, global};
use opentelemetry_otlp::{
    MetricExporter, SpanExporter, WithExportConfig as _, WithTonicConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::registry::LookupSpan;

use super::{TelemetryConfig, TelemetryError, filter};
use crate::tls::ClientTls;

/// How long the last export may take, for when the collector is unreachable.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// Crates that the exporter itself uses: exporting their spans would create new spans endlessly.
const EXPORTER_CRATES: &str =
    "h2=off,hyper=off,hyper_util=off,tonic=off,tower=off,opentelemetry=off";

const SCOPE: &str = "latchkey";

pub(super) struct Exporters {
    traces: SdkTracerProvider,
    metrics: SdkMeterProvider,
}

impl Exporters {
    /// `None` when no endpoint is configured.
    pub(super) fn build(
        service_name: &'static str,
        config: &TelemetryConfig,
    ) -> Result<Option<Self>, TelemetryError> {
        if !(0.0..=1.0).contains(&config.trace_sample_ratio) {
            return Err(TelemetryError::SampleRatio);
        }
        let Some(endpoint) = &config.otlp_endpoint else {
            return match &config.otlp_ca_file {
                Some(_) => Err(TelemetryError::AuthorityAndScheme),
                None => Ok(None),
            };
        };
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(TelemetryError::NoRuntime);
        }
        let resource = Resource::builder()
            .with_service_name(service_name)
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let refused = |source| TelemetryError::Exporter { source };

        let mut spans = SpanExporter::builder().with_tonic().with_endpoint(endpoint);
        let mut metrics = MetricExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint);
        if let Some(tls) = tls(endpoint, config)? {
            let tls = tls.load()?;
            spans = spans.with_tls_config(tls.clone());
            metrics = metrics.with_tls_config(tls);
        }
        let reader = PeriodicReader::builder(metrics.build().map_err(refused)?)
            .with_interval(config.metrics_interval)
            .build();
        Ok(Some(Self {
            traces: SdkTracerProvider::builder()
                .with_batch_exporter(spans.build().map_err(refused)?)
                .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(
                    config.trace_sample_ratio,
                ))))
                .with_resource(resource.clone())
                .build(),
            metrics: SdkMeterProvider::builder()
                .with_reader(reader)
                .with_resource(resource)
                .build(),
        }))
    }

    /// The layer that passes spans to the exporter.
    pub(super) fn traces<S>(&self) -> impl Layer<S> + use<S>
    where
        S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.traces.tracer(SCOPE))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
    }

    /// Installs these providers for the whole process.
    pub(super) fn install(&self) {
        global::set_tracer_provider(self.traces.clone());
        global::set_meter_provider(self.metrics.clone());
        global::set_text_map_propagator(TraceContextPropagator::new());
    }

    /// Blocks until everything is exported, or [`FLUSH_TIMEOUT`] has passed.
    pub(super) fn shutdown(&self) -> OTelSdkResult {
        let traces = self.traces.shutdown_with_timeout(FLUSH_TIMEOUT);
        let metrics = self.metrics.shutdown_with_timeout(FLUSH_TIMEOUT);
        traces.and(metrics)
    }
}

/// The configured directives, with the exporter's own crates off.
pub(super) fn trace_filter(directives: &str) -> Result<EnvFilter, TelemetryError> {
    filter("trace_filter", &format!("{directives},{EXPORTER_CRATES}"))
}

fn tls(endpoint: &str, config: &TelemetryConfig) -> Result<Option<ClientTls>, TelemetryError> {
    match (endpoint.starts_with("https://"), &config.otlp_ca_file) {
        (false, None) => Ok(None),
        (true, Some(ca_file)) => Ok(Some(ClientTls {
            ca_file: ca_file.clone(),
            cert_file: None,
            key_file: None,
            domain: None,
        })),
        _ => Err(TelemetryError::AuthorityAndScheme),
    }
}
