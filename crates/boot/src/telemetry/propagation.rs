//! Carrying a trace across processes in headers (W3C Trace Context: `traceparent`, `tracestate`).
//!
//! Nothing else travels: no baggage.

use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

const TRACEPARENT: &str = "traceparent";

/// Puts the current span into the headers of an outgoing request; nothing when nothing is traced.
///
/// The headers of a tonic request are `request.metadata_mut().as_mut()`.
pub fn inject(headers: &mut HeaderMap) {
    TraceContextPropagator::new()
        .inject_context(&Span::current().context(), &mut HeaderInjector(headers));
}

/// Makes the caller's span, if the headers of its request name one, the parent of `span`, which
/// must not have been entered yet.
pub fn adopt_parent(span: &Span, headers: &HeaderMap) {
    if headers.contains_key(TRACEPARENT) {
        let caller = TraceContextPropagator::new()
            .extract_with_context(&Context::new(), &HeaderExtractor(headers));
        // It fails when no layer exports traces. Then there is no trace to join.
        let _ = span.set_parent(caller);
    }
}
