//! A request that is answered piece by piece. The caller's pace is the provider's: nothing is read
//! ahead. A caller that goes away drops the stream, and with it the call.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, Stream, StreamExt as _, stream};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use hyper::body::Incoming;
use latchkey_contract::names::Scope;
use latchkey_contract::router::v1::{GenerateRequest, PartDelta};
use latchkey_providers::ErrorClass;
use latchkey_providers::decode::{self, Answer};
use latchkey_providers::stream::{Decoder, SseError, SseEvent, events};
use tokio::time::Instant;

use super::attempt::Open;
use super::unary::settle;
use super::{Answered, Dispatcher, Prepared, failure};
use crate::error::RouterError;
use crate::keys::{InUse, Keys, Loan};
use crate::upstream::{BodyError, chunks, collect};

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
        scope: &Scope,
        requester: &Arc<str>,
        request: &GenerateRequest,
    ) -> Result<AnswerStream, RouterError> {
        let Prepared {
            exchange,
            trust,
            loan,
            mut open,
            in_use,
        } = self.prepare(scope, requester, request, true).await?;
        let config = self.upstream.config();
        let called = async {
            let until = Instant::now() + config.first_byte_timeout;
            let response = self.upstream.send(exchange.request, trust, until).await?;
            let (head, body) = response.into_parts();
            open.head(&head);
            if head.status.is_success() && is_event_stream(&head.headers) {
                return Ok(Begun::Events(body));
            }
            // An error, or the whole answer of a server that can't stream.
            let until = Instant::now() + config.idle_timeout;
            let body = collect(body, until).await?;
            open.first_byte();
            let (dialect, key, now) = (exchange.dialect, loan.api_key(), self.system_time());
            let answer = decode::unary(dialect, head.status, &head.headers, &body, key, now)?;
            Ok(Begun::Whole(answer))
        };
        let body = match called.await {
            Ok(Begun::Events(body)) => body,
            Ok(Begun::Whole(answer)) => {
                let whole = Piece::Completed(Box::new(settle(open, answer)));
                return Ok(Box::pin(stream::iter([Ok(whole)])));
            }
            Err(error) => return Err(refused(open, &self.keys, &loan, error)),
        };
        let running = Running {
            events: Box::pin(events(chunks(body, config.idle_timeout))),
            decoder: Decoder::new(exchange.dialect),
            ready: VecDeque::new(),
            open,
            loan,
            keys: Arc::clone(&self.keys),
            in_use,
        };
        Ok(Box::pin(stream::unfold(Some(running), advance)))
    }
}

/// How an answer begins.
enum Begun {
    Events(Incoming),
    Whole(Answer),
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
    open: Open,
    loan: Arc<Loan>,
    keys: Arc<Keys>,
    in_use: InUse,
}

type Step = Result<Piece, RouterError>;

async fn advance(running: Option<Running>) -> Option<(Step, Option<Running>)> {
    let mut running = running?;
    loop {
        if let Some(delta) = running.ready.pop_front() {
            return Some((Ok(Piece::Delta(delta)), Some(running)));
        }
        if running.decoder.is_complete() {
            return Some((running.finish(), None));
        }
        match running.events.next().await {
            Some(Ok(event)) => {
                running.open.first_byte();
                match running.decoder.event(&event, running.loan.api_key()) {
                    Ok(deltas) => running.ready.extend(deltas),
                    Err(error) => return Some((Err(running.fail(error.into())), None)),
                }
                // Now, since a caller that goes away ends this anywhere.
                running.open.used_so_far(running.decoder.usage());
            }
            Some(Err(error)) => return Some((Err(running.fail(broken(&error))), None)),
            None => return Some((running.finish(), None)),
        }
    }
}

impl Running {
    fn finish(self) -> Step {
        match self.decoder.finish() {
            Ok(answer) => {
                drop(self.in_use);
                read_out(self.events);
                let whole = settle(self.open, answer);
                Ok(Piece::Completed(Box::new(whole)))
            }
            Err(error) => Err(refused(self.open, &self.keys, &self.loan, error.into())),
        }
    }

    fn fail(self, error: RouterError) -> RouterError {
        refused(self.open, &self.keys, &self.loan, error)
    }
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

fn refused(open: Open, keys: &Keys, loan: &Loan, error: RouterError) -> RouterError {
    if let RouterError::Provider(refused) = &error {
        failure::report(keys, loan, refused);
    }
    open.fail(&error);
    error
}

fn broken(error: &SseError) -> RouterError {
    match error {
        SseError::Body(cause) => match cause.downcast_ref::<BodyError>() {
            None | Some(BodyError::Broken) => {
                failure::failed(ErrorClass::Truncated, "the answer broke off").into()
            }
            Some(cause) => (*cause).into(),
        },
        SseError::TooLarge => BodyError::TooLarge.into(),
        SseError::Utf8(_) => RouterError::Unreachable("the answer is not UTF-8"),
    }
}
