//! Carrying a trace across processes in headers (W3C Trace Context: `traceparent`, `tracestate`).
//!
//! Nothing else travels: no baggage.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

const TRACEPARENT: &str = "traceparent";

/// Puts the current span into the headers of an outgoing request; nothing when nothing is traced.
///
/// The headers of a tonic request are `request.metadata_mut().as_mut()`.
pub fn inject(headers: &mut HeaderMap) {
    TraceContextPropagator::new()
        .inject_context(&Span::current().context(), &mut Outgoing(headers));
}

/// Makes the caller's span, if the headers of its request name one, the parent of `span`, which
/// must not have been entered yet.
pub fn adopt_parent(span: &Span, headers: &HeaderMap) {
    if headers.contains_key(TRACEPARENT) {
        let caller =
            TraceContextPropagator::new().extract_with_context(&Context::new(), &Incoming(headers));
        // An error says that nothing listens to traces, so there is nothing to be the parent of.
        let _ = span.set_parent(caller);
    }
}

struct Outgoing<'a>(&'a mut HeaderMap);

impl Injector for Outgoing<'_> {
    fn set(&mut self, key: &str, value: String) {
        let name = HeaderName::from_bytes(key.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

struct Incoming<'a>(&'a HeaderMap);

impl Extractor for Incoming<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}
