//! A request that is answered piece by piece. The caller's pace is the provider's: nothing is read
//! ahead. A caller that goes away drops the stream, and with it the call.
//!
//! The call is over its trials when the first piece is there: until then another key or model may be
//! tried, from then on a failure is the stream's own.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, Stream, StreamExt as _, stream};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use latchkey_contract::router::v1::{GenerateRequest, PartDelta};
use latchkey_contract::vault::v1::Capability;
use latchkey_providers::decode::{self, Answer, Reply};
use latchkey_providers::encode::{EncodeError, WireRequest};
use latchkey_providers::stream::{Decoder, SseError, SseEvent, events};
use latchkey_providers::{ErrorClass, ProviderError};
use tokio::time::Instant;

use super::attempt::OpenAttempt;
use super::estimate::Size;
use super::generate::{Answered, Reading, refuse_losses, settle, write};
use super::operation::{EncodeTarget, Failed, Operation};
use super::prepared::{PreparedCall, secret};
use super::{Dispatcher, Request};
use crate::domain::attempt::{self, Attempt};
use crate::error::RouterError;
use crate::keys::{InUse, Keys, Lease, Token, provider_refusal, system_time};
use crate::upstream::{BodyError, UpstreamBody, chunks, collect};

/// The pieces of an answer; the last one is the whole with its account, or an error.
pub type AnswerStream = Pin<Box<dyn Stream<Item = Result<Piece, RouterError>> + Send>>;

/// A piece of a streamed answer.
pub enum Piece {
    /// More of a part.
    Delta(PartDelta),
    /// The whole, with its account. Last.
    Completed(Box<Answered>),
}

/// How long the end of a body is waited for after the end of its answer.
const READ_OUT: Duration = Duration::from_secs(1);

type Events = Pin<Box<dyn Stream<Item = Result<SseEvent, SseError>> + Send>>;

impl Dispatcher {
    /// Begins a streamed answer. What fails before the first piece is this call's error.
    pub async fn stream_generate(
        &self,
        request: Request<'_>,
        wanted: &GenerateRequest,
    ) -> Result<AnswerStream, RouterError> {
        let asked = self.asked(request, wanted)?;
        let (start, earlier) = self.try_all(asked, &StreamGenerate(wanted)).await?;
        Ok(match start {
            StreamStart::Running(running) => {
                let running = Running {
                    earlier,
                    ..*running
                };
                Box::pin(stream::unfold(Some(running), advance))
            }
            StreamStart::Whole(mut whole) => {
                whole.attempts.splice(0..0, earlier);
                Box::pin(stream::iter([Ok(Piece::Completed(whole))]))
            }
        })
    }
}

struct StreamGenerate<'a>(&'a GenerateRequest);

/// How an answer begins.
enum StreamStart {
    /// Its first piece is there, or its end.
    Running(Box<Running>),
    /// The whole answer of a server that can't stream.
    Whole(Box<Answered>),
}

impl Operation for StreamGenerate<'_> {
    type Reading = Reading;
    type Answer = StreamStart;
    const OPERATION: attempt::Operation = attempt::Operation::Generate;
    const CAPABILITY: Capability = Capability::Generate;
    const STREAMED: bool = true;

    fn size(&self) -> Option<Size> {
        Some(Size::of_conversation(self.0))
    }

    fn encode(
        &self,
        encode_target: &EncodeTarget<'_>,
    ) -> Result<(WireRequest, Reading), EncodeError> {
        write(self.0, encode_target, true)
    }

    fn check(&self, reading: &Reading) -> Result<(), RouterError> {
        refuse_losses(self.0, reading)
    }

    async fn perform(
        &self,
        dispatcher: &Dispatcher,
        ready: PreparedCall<Reading>,
    ) -> Result<StreamStart, Failed> {
        let PreparedCall {
            request,
            reading,
            address_source,
            lease,
            token,
            mut open,
            in_use,
            deadline,
        } = ready;
        let config = dispatcher.upstream.config();
        let within = |span: Duration| {
            let until = Instant::now() + span;
            deadline.map_or(until, |deadline| until.min(deadline))
        };
        let called = async {
            let until = within(config.first_byte_timeout);
            let sent = dispatcher
                .upstream
                .send(request, address_source, lease.pool(), until);
            let (head, body) = sent.await?.into_parts();
            open.head(&head);
            if head.status.is_success() && is_event_stream(&head.headers) {
                let mut decoder = Decoder::new(reading.dialect);
                decoder.head(&head.headers);
                return Ok(Head::Events(body, Box::new(decoder)));
            }
            // An error, or the whole answer of a server that can't stream.
            let body = collect(body, within(config.idle_timeout)).await?;
            open.first_byte();
            let reply = Reply {
                status: head.status,
                headers: &head.headers,
                body: &body,
                secret: secret(&lease, token.as_ref()),
                now: system_time(dispatcher.clock.now()),
            };
            let answer = decode::unary(reading.dialect, &reply)?;
            Ok(Head::Whole(Box::new(answer)))
        };
        let (body, decoder) = match called.await {
            Ok(Head::Events(body, decoder)) => (body, *decoder),
            Ok(Head::Whole(answer)) => {
                return Ok(StreamStart::Whole(Box::new(settle(open, *answer, reading))));
            }
            Err(error) => {
                let error = RouterError::or_late(error, deadline);
                let attempt = open.fail(&error);
                return Err(Failed { error, attempt });
            }
        };
        let running = Running {
            events: Box::pin(events(chunks(body, config.idle_timeout))),
            decoder,
            ready: VecDeque::new(),
            reading,
            open,
            lease,
            token,
            keys: Arc::clone(&dispatcher.keys),
            in_use,
            deadline,
            earlier: Vec::new(),
        };
        running.first_piece().await
    }
}

enum Head {
    Events(UpstreamBody, Box<Decoder>),
    Whole(Box<Answer>),
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    // Servers that say nothing are taken at their word once they speak.
    media_type.is_none_or(|media_type| {
        let essence = media_type.split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case("text/event-stream")
    })
}

struct Running {
    events: Events,
    decoder: Decoder,
    ready: VecDeque<PartDelta>,
    reading: Reading,
    open: OpenAttempt,
    lease: Arc<Lease>,
    token: Option<Token>,
    keys: Arc<Keys>,
    in_use: InUse,
    deadline: Option<Instant>,
    /// The calls that failed before this one.
    earlier: Vec<Attempt>,
}

type Step = Result<Piece, RouterError>;

/// Where reading has come to.
enum Read {
    /// There may be pieces.
    On,
    /// The stream ended, or said that nothing more comes.
    Ended,
}

async fn advance(running: Option<Running>) -> Option<(Step, Option<Running>)> {
    let mut running = running?;
    loop {
        if let Some(delta) = running.ready.pop_front() {
            return Some((Ok(Piece::Delta(delta)), Some(running)));
        }
        match running.read().await {
            Ok(Read::On) => {}
            Ok(Read::Ended) => return Some((running.finish(), None)),
            Err(error) => return Some((Err(running.fail(error)), None)),
        }
    }
}

impl Running {
    /// Reads until there is a piece, or the end. What fails before is a failed call.
    async fn first_piece(mut self) -> Result<StreamStart, Failed> {
        while self.ready.is_empty() {
            match self.read().await {
                Ok(Read::On) => {}
                Ok(Read::Ended) if self.decoder.is_complete() => break,
                Ok(Read::Ended) => {
                    let error = match self.decoder.finish() {
                        Ok(answer) => {
                            let whole = settle(self.open, answer, self.reading);
                            return Ok(StreamStart::Whole(Box::new(whole)));
                        }
                        Err(error) => RouterError::from(error),
                    };
                    let attempt = self.open.fail(&error);
                    return Err(Failed { error, attempt });
                }
                Err(error) => {
                    let attempt = self.open.fail(&error);
                    return Err(Failed { error, attempt });
                }
            }
        }
        Ok(StreamStart::Running(Box::new(self)))
    }

    /// Takes in one more event.
    async fn read(&mut self) -> Result<Read, RouterError> {
        if self.decoder.is_complete() {
            return Ok(Read::Ended);
        }
        let next = self.events.next();
        let event = match self.deadline {
            None => next.await,
            Some(deadline) => match tokio::time::timeout_at(deadline, next).await {
                Ok(event) => event,
                Err(_elapsed) => return Err(RouterError::DeadlineExceeded),
            },
        };
        match event {
            Some(Ok(event)) => {
                self.open.first_byte();
                let secret = secret(&self.lease, self.token.as_ref());
                self.ready.extend(self.decoder.event(&event, secret)?);
                // Now, since a caller that goes away ends this anywhere.
                self.open.used_so_far(self.decoder.usage());
                Ok(Read::On)
            }
            Some(Err(error)) => Err(broken(&error)),
            None => Ok(Read::Ended),
        }
    }

    fn finish(self) -> Step {
        match self.decoder.finish() {
            Ok(answer) => {
                drop(self.in_use);
                read_out(self.events);
                let mut whole = settle(self.open, answer, self.reading);
                whole.attempts.splice(0..0, self.earlier);
                Ok(Piece::Completed(Box::new(whole)))
            }
            Err(error) => {
                let error = RouterError::from(error);
                Err(fail(
                    self.open,
                    &self.keys,
                    &self.lease,
                    self.earlier,
                    error,
                ))
            }
        }
    }

    fn fail(self, error: RouterError) -> RouterError {
        fail(self.open, &self.keys, &self.lease, self.earlier, error)
    }
}

/// A failure in mid-stream: nothing is tried again, but it counts.
fn fail(
    open: OpenAttempt,
    keys: &Keys,
    lease: &Lease,
    mut attempts: Vec<Attempt>,
    error: RouterError,
) -> RouterError {
    if let RouterError::Provider(refused) = &error
        && refused.class == ErrorClass::Revoked
    {
        keys.report(lease, provider_refusal(refused));
    }
    attempts.extend(open.fail(&error));
    error.after(&attempts)
}

/// A connection is used again only when its answer was read to the end, which may come a moment
/// after the last event. It is waited for beside the call.
fn read_out(mut events: Events) {
    if matches!(events.next().now_or_never(), Some(None)) {
        return;
    }
    tokio::spawn(async move {
        let end = async { while let Some(Ok(_)) = events.next().await {} };
        // A provider that keeps the connection open closes it with this.
        let _ = tokio::time::timeout(READ_OUT, end).await;
    });
}

fn broken(error: &SseError) -> RouterError {
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
