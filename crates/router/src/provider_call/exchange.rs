//! One exchange with a provider: a request goes out, its answer comes back. Every request of this
//! router to a provider or a token issuer is sent here, in a client span of its own.
//!
//! The attributes of the span follow OpenTelemetry's semantic conventions for generative AI. Prompts
//! and answers are never recorded.

use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use http::response::Parts;
use latchkey_clock::Clock;
use latchkey_contract::ProviderId;
use latchkey_providers::decode::Reply;
use latchkey_providers::encode::WireRequest;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use super::body::{BodyError, UpstreamBody, chunks, collect};
use super::{AddressSource, PoolKey, Upstream, UpstreamError};

/// The parties and settings of an exchange.
#[derive(Clone, Copy)]
pub struct Exchange<'a> {
    /// The connections to providers.
    pub upstream: &'a Upstream,
    /// The clock that dates in headers are compared with.
    pub clock: &'a dyn Clock,
    /// The owner of the connections; none for a connection of its own, which is closed afterwards.
    pub owner: Option<&'a PoolKey>,
    /// The party that supplied the address.
    pub address_source: AddressSource,
    /// The secret in the request. It is redacted from the provider's messages.
    pub secret: &'a str,
    /// The purpose, for the span.
    pub purpose: Purpose<'a>,
}

/// The purpose of a request, as the span records it.
#[derive(Clone, Copy)]
pub struct Purpose<'a> {
    /// `gen_ai.operation.name`, such as `chat`.
    pub operation: &'static str,
    /// The provider.
    pub provider: ProviderId,
    /// The model, where the request is for one.
    pub model: Option<&'a str>,
}

/// An exchange without a whole answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ExchangeError {
    /// The request failed before the head of an answer.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// The body of the answer could not be read to its end.
    #[error(transparent)]
    Body(#[from] BodyError),
}

impl Exchange<'_> {
    /// Sends a request and waits for the head of the answer, no longer than `until`.
    pub async fn send(&self, request: WireRequest, until: Instant) -> Result<Head, ExchangeError> {
        let span = self.span(&request);
        let outcome = self
            .upstream
            .send(request, self.address_source, self.owner, until)
            .instrument(span.clone())
            .await;
        match &outcome {
            Ok(response) => {
                span.record("http.response.status_code", response.status().as_u16());
            }
            Err(error) => {
                span.record("error.type", error_type(*error));
            }
        }
        let (parts, body) = outcome?.into_parts();
        Ok(Head { parts, body })
    }

    /// Sends a request and reads the whole answer, no longer than `until`.
    pub async fn request(
        &self,
        request: WireRequest,
        until: Instant,
    ) -> Result<WholeAnswer, ExchangeError> {
        let head = self.send(request, until).await?;
        head.read_whole(until).await
    }

    /// An answer as the decoders of `providers` take it.
    pub fn reply<'r>(&'r self, answer: &'r WholeAnswer) -> Reply<'r> {
        Reply {
            status: answer.parts.status,
            headers: &answer.parts.headers,
            body: &answer.body,
            secret: self.secret,
            now: self.clock.now().into(),
        }
    }

    fn span(&self, request: &WireRequest) -> Span {
        let Purpose {
            operation,
            provider,
            model,
        } = self.purpose;
        let span = tracing::info_span!(
            "provider call",
            otel.name = Empty,
            otel.kind = "client",
            gen_ai.operation.name = operation,
            gen_ai.provider.name = semantic_name(provider),
            gen_ai.request.model = model,
            server.address = request.uri.host(),
            http.response.status_code = Empty,
            error.r#type = Empty,
        );
        if !span.is_disabled() {
            let name = match model {
                Some(model) => format!("{operation} {model}"),
                None => operation.to_owned(),
            };
            span.record("otel.name", name);
        }
        span
    }
}

/// The head of an answer, and its body, unread.
pub struct Head {
    parts: Parts,
    body: UpstreamBody,
}

/// A whole answer.
pub struct WholeAnswer {
    parts: Parts,
    body: Bytes,
}

impl Head {
    /// Status and headers.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Reads the whole body, no longer than `until`.
    pub async fn read_whole(self, until: Instant) -> Result<WholeAnswer, ExchangeError> {
        let body = collect(self.body, until).await?;
        Ok(WholeAnswer {
            parts: self.parts,
            body,
        })
    }

    /// The body in chunks. A gap of more than `idle` between two chunks ends the stream with an error.
    pub fn into_chunks(
        self,
        idle: Duration,
    ) -> impl Stream<Item = Result<Bytes, BodyError>> + Send + use<> {
        chunks(self.body, idle)
    }
}

/// `gen_ai.provider.name` of the semantic conventions; openrouter and custom have no name there.
fn semantic_name(provider: ProviderId) -> &'static str {
    match provider {
        ProviderId::Azure => "azure.ai.openai",
        ProviderId::Google => "gcp.gemini",
        ProviderId::Vertex => "gcp.vertex_ai",
        ProviderId::Anthropic
        | ProviderId::Custom
        | ProviderId::DeepSeek
        | ProviderId::OpenAi
        | ProviderId::OpenRouter => provider.as_str(),
    }
}

fn error_type(error: UpstreamError) -> &'static str {
    match error {
        UpstreamError::Broken => "connection_broken",
        UpstreamError::Connect => "connection_failed",
        UpstreamError::Timeout => "timeout",
    }
}
