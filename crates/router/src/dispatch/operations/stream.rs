//! Streams an answer. Nothing is read ahead of the caller. When the caller disconnects, the stream is
//! dropped and the call ends.
//!
//! Failover ends with the first piece. Until then another key or model may be tried; from then on a
//! failure is the stream's own.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, Stream, StreamExt as _, stream};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use latchkey_contract::router::v1::{GenerateRequest, PartDelta};
use latchkey_providers::decode::{self, Answer};
use latchkey_providers::encode::{EncodeError, WireRequest};
use latchkey_providers::stream::{Decoder, SseError, SseEvent, events};
use latchkey_providers::{ErrorClass, ProviderError};

use super::generate::{Answered, Reading, encode, refuse_losses, settle};
use super::{EncodeTarget, FailedCall, Operation};
use crate::dispatch::Dispatcher;
use crate::dispatch::cost::Size;
use crate::dispatch::open_attempt::OpenAttempt;
use crate::dispatch::prepared::{CallOrigin, PreparedCall};
use crate::dispatch::request::CallContext;
use crate::domain::attempt::{self, Attempt};
use crate::domain::capability::Capability;
use crate::error::RouterError;
use crate::leases::Leases;
use crate::provider_call::{BodyError, Head};

/// The pieces of an answer. The last one is the whole answer with its attempts, or an error.
pub type AnswerStream = Pin<Box<dyn Stream<Item = Result<Piece, RouterError>> + Send>>;

/// A piece of a streamed answer.
pub enum Piece {
    /// More of a part.
    Delta(PartDelta),
    /// The whole answer, with its attempts. Last.
    Completed(Box<Answered>),
}

/// Time for the end of a body after the end of its answer.
const READ_OUT_TIMEOUT: Duration = Duration::from_secs(1);

type Events = Pin<Box<dyn Stream<Item = Result<SseEvent, SseError>> + Send>>;

impl Dispatcher {
    /// Begins a streamed answer. A failure before the first piece is this call's error.
    pub async fn stream_generate(
        &self,
        context: CallContext<'_>,
        message: &GenerateRequest,
    ) -> Result<AnswerStream, RouterError> {
        let request = self.read_generate(context, message)?;
        let (begun, earlier) = self.perform(request, &StreamGenerate(message)).await?;
        Ok(match begun {
            Begun::Streaming(call) => {
                let call = StreamingCall { earlier, ..*call };
                Box::pin(stream::unfold(Some(call), advance))
            }
            Begun::Whole(mut whole) => {
                whole.attempts.splice(0..0, earlier);
                Box::pin(stream::iter([Ok(Piece::Completed(whole))]))
            }
        })
    }
}

struct StreamGenerate<'a>(&'a GenerateRequest);

/// How an answer begins.
enum Begun {
    /// With its first piece, or its end.
    Streaming(Box<StreamingCall>),
    /// As a whole, from a server that can't stream.
    Whole(Box<Answered>),
}

impl Operation for StreamGenerate<'_> {
    type Reading = Reading;
    type Answer = Begun;
    const OPERATION: attempt::Operation = attempt::Operation::Generate;
    const CAPABILITY: Capability = Capability::Generate;
    const STREAMED: bool = true;

    fn size(&self) -> Option<Size> {
        Some(Size::of_conversation(self.0))
    }

    fn encode(&self, target: &EncodeTarget<'_>) -> Result<(WireRequest, Reading), EncodeError> {
        encode(self.0, target, true)
    }

    fn check(&self, reading: &Reading) -> Result<(), RouterError> {
        refuse_losses(self.0, reading)
    }

    async fn perform(
        &self,
        dispatcher: &Dispatcher,
        call: PreparedCall<Reading>,
    ) -> Result<Begun, FailedCall> {
        let PreparedCall {
            request,
            reading,
            mut attempt,
            origin,
        } = call;
        let config = dispatcher.upstream.config();
        let begun = begin(dispatcher, request, &reading, &mut attempt, &origin).await;
        let (head, decoder) = match begun {
            Ok(Body::Events(head, decoder)) => (head, *decoder),
            Ok(Body::Whole(answer)) => {
                return Ok(Begun::Whole(Box::new(settle(attempt, *answer, reading))));
            }
            Err(error) => {
                let error = error.or_deadline_exceeded(origin.deadline);
                let attempt = attempt.fail(&error);
                return Err(FailedCall { error, attempt });
            }
        };
        let call = StreamingCall {
            events: Box::pin(events(head.into_chunks(config.idle_timeout))),
            decoder,
            ready: VecDeque::new(),
            reading,
            attempt,
            origin,
            leases: Arc::clone(&dispatcher.leases),
            earlier: Vec::new(),
        };
        call.first_piece().await
    }
}

/// The body of an answer.
enum Body {
    Events(Head, Box<Decoder>),
    Whole(Box<Answer>),
}

/// Sends the request and reads the head of the answer; the whole of it where it is not a stream.
async fn begin(
    dispatcher: &Dispatcher,
    request: WireRequest,
    reading: &Reading,
    attempt: &mut OpenAttempt,
    origin: &CallOrigin,
) -> Result<Body, RouterError> {
    let config = dispatcher.upstream.config();
    let exchange = origin.exchange(dispatcher);
    let until = origin.within(config.first_byte_timeout);
    let head = exchange.send(request, until).await?;
    let parts = head.parts();
    attempt.record_head(parts, origin.secret());
    if parts.status.is_success() && is_event_stream(&parts.headers) {
        let mut decoder = Decoder::new(reading.dialect);
        decoder.head(&parts.headers);
        return Ok(Body::Events(head, Box::new(decoder)));
    }
    // An error, or the whole answer of a server that can't stream.
    let whole = head.read_whole(origin.within(config.idle_timeout)).await?;
    attempt.record_first_byte();
    let answer = decode::unary(reading.dialect, &exchange.reply(&whole))?;
    Ok(Body::Whole(Box::new(answer)))
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    // Without a content type the answer is read as a stream, since the request asked for one.
    media_type.is_none_or(|media_type| {
        let essence = media_type.split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case("text/event-stream")
    })
}

/// A call whose answer is streaming.
struct StreamingCall {
    events: Events,
    decoder: Decoder,
    /// Decoded pieces that were not returned yet.
    ready: VecDeque<PartDelta>,
    reading: Reading,
    attempt: OpenAttempt,
    origin: CallOrigin,
    leases: Arc<Leases>,
    /// The calls that failed before this one.
    earlier: Vec<Attempt>,
}

/// The state of a stream after one more event.
enum Progress {
    /// There may be pieces.
    Open,
    /// The stream ended, or the provider marked its end.
    Ended,
}

async fn advance(
    call: Option<StreamingCall>,
) -> Option<(Result<Piece, RouterError>, Option<StreamingCall>)> {
    let mut call = call?;
    loop {
        if let Some(delta) = call.ready.pop_front() {
            return Some((Ok(Piece::Delta(delta)), Some(call)));
        }
        match call.read().await {
            Ok(Progress::Open) => {}
            Ok(Progress::Ended) => return Some((call.finish(), None)),
            Err(error) => return Some((Err(call.fail(error)), None)),
        }
    }
}

impl StreamingCall {
    /// Reads until there is a piece, or the end. A failure before is a failed call.
    async fn first_piece(mut self) -> Result<Begun, FailedCall> {
        while self.ready.is_empty() {
            let error = match self.read().await {
                Ok(Progress::Open) => continue,
                Ok(Progress::Ended) if self.decoder.is_complete() => break,
                Ok(Progress::Ended) => match self.decoder.finish() {
                    Ok(answer) => {
                        let whole = settle(self.attempt, answer, self.reading);
                        return Ok(Begun::Whole(Box::new(whole)));
                    }
                    Err(error) => RouterError::from(error),
                },
                Err(error) => error,
            };
            let attempt = self.attempt.fail(&error);
            return Err(FailedCall { error, attempt });
        }
        Ok(Begun::Streaming(Box::new(self)))
    }

    /// Reads one more event.
    async fn read(&mut self) -> Result<Progress, RouterError> {
        if self.decoder.is_complete() {
            return Ok(Progress::Ended);
        }
        let next = self.events.next();
        let event = match self.origin.deadline {
            None => next.await,
            Some(deadline) => match tokio::time::timeout_at(deadline, next).await {
                Ok(event) => event,
                Err(_elapsed) => return Err(RouterError::DeadlineExceeded),
            },
        };
        match event {
            Some(Ok(event)) => {
                self.attempt.record_first_byte();
                let deltas = self.decoder.event(&event, self.origin.secret())?;
                self.ready.extend(deltas);
                // After each event, since a caller that goes away may end this anywhere.
                self.attempt.record_usage(self.decoder.usage());
                Ok(Progress::Open)
            }
            Some(Err(error)) => Err(stream_error(&error)),
            None => Ok(Progress::Ended),
        }
    }

    fn finish(self) -> Result<Piece, RouterError> {
        match self.decoder.finish() {
            Ok(answer) => {
                let answer = answer.redacted(self.origin.secret());
                drop(self.origin);
                read_out(self.events);
                let mut whole = settle(self.attempt, answer, self.reading);
                whole.attempts.splice(0..0, self.earlier);
                Ok(Piece::Completed(Box::new(whole)))
            }
            Err(error) => {
                let error = RouterError::from(error);
                let (leases, origin) = (&self.leases, &self.origin);
                Err(fail(self.attempt, leases, origin, self.earlier, error))
            }
        }
    }

    fn fail(self, error: RouterError) -> RouterError {
        let (leases, origin) = (&self.leases, &self.origin);
        fail(self.attempt, leases, origin, self.earlier, error)
    }
}

/// Settles a stream that failed after its first piece. Nothing is tried again.
fn fail(
    attempt: OpenAttempt,
    leases: &Leases,
    origin: &CallOrigin,
    mut attempts: Vec<Attempt>,
    error: RouterError,
) -> RouterError {
    if let RouterError::Provider(refused) = &error
        && refused.class == ErrorClass::Revoked
    {
        let version = origin.key.lease.key_version_uid();
        leases.vault().report_refused_key(version, refused);
    }
    attempts.extend(attempt.fail(&error));
    error.after(&attempts)
}

/// Reads a body to its end beside the call: a connection is used again only after that, and the end may
/// come a moment after the last event.
fn read_out(mut events: Events) {
    if matches!(events.next().now_or_never(), Some(None)) {
        return;
    }
    tokio::spawn(async move {
        let end = async { while let Some(Ok(_)) = events.next().await {} };
        // The connection of a provider that keeps the body open is closed.
        let _ = tokio::time::timeout(READ_OUT_TIMEOUT, end).await;
    });
}

fn stream_error(error: &SseError) -> RouterError {
    match error {
        SseError::Body(cause) => match cause.downcast_ref::<BodyError>() {
            None | Some(BodyError::Broken) => {
                ProviderError::new(ErrorClass::Truncated, "the answer broke off").into()
            }
            Some(cause) => (*cause).into(),
        },
        SseError::TooLarge => BodyError::TooLarge.into(),
        SseError::Utf8(_) => RouterError::Unreachable("the answer is not UTF-8"),
    }
}
