//! The mock provider: an endpoint like OpenAI's with a constant answer. A streamed answer has an event
//! every two milliseconds, so that each is a write and a read of its own.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use latchkey_boot::exit::Failure;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::part::announce;
use crate::transcript;

/// Events before a stream pauses, while streams are held.
const HELD_AFTER: usize = 5;
/// The interval between two events of a stream.
const PAUSE: Duration = Duration::from_millis(2);

/// Runs the mock.
pub(crate) fn serve() -> Result<(), Failure> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime
        .enable_all()
        .build()
        .map_err(Failure::run)?
        .block_on(accept())
}

async fn accept() -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .map_err(Failure::run)?;
    announce(listener.local_addr().map_err(Failure::run)?)?;
    let answers = Arc::new(Answers {
        hold: watch::Sender::new(false),
        whole: transcript::whole().pieces.concat().into(),
        events: transcript::streamed().pieces.into(),
    });
    loop {
        let (socket, _) = listener.accept().await.map_err(Failure::run)?;
        socket.set_nodelay(true).map_err(Failure::run)?;
        let answers = Arc::clone(&answers);
        let service = service_fn(move |request| answer(request, Arc::clone(&answers)));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
        tokio::spawn(connection);
    }
}

struct Answers {
    /// Whether streams pause in the middle.
    hold: watch::Sender<bool>,
    whole: Bytes,
    events: Arc<[Bytes]>,
}

async fn answer(
    request: Request<Incoming>,
    answers: Arc<Answers>,
) -> Result<Response<UnsyncBoxBody<Bytes, Infallible>>, hyper::Error> {
    let path = request.uri().path();
    if (request.method(), path) == (&Method::GET, "/v1/models") {
        return Ok(Response::new(UnsyncBoxBody::new(Full::from(MODELS))));
    }
    if request.method() == Method::GET {
        answers.hold.send_replace(path == "/hold");
        return Ok(Response::new(UnsyncBoxBody::new(Full::from(""))));
    }
    let known = (request.method(), path) == (&Method::POST, "/v1/chat/completions");
    let body = request.into_body().collect().await?;
    let (media_type, body) = if wants_a_stream(body.aggregate()) {
        (
            "text/event-stream",
            UnsyncBoxBody::new(StreamBody::new(events(&answers))),
        )
    } else {
        (
            "application/json",
            UnsyncBoxBody::new(Full::new(answers.whole.clone())),
        )
    };
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
        .headers_mut()
        .insert("x-request-id", HeaderValue::from_static(REQUEST_ID));
    if !known {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    Ok(response)
}

const MODELS: &str = r#"{"object":"list","data":[{"id":"gpt-4.1","object":"model"}]}"#;
const REQUEST_ID: &str = "req_0f4b9a6c3d2e4718b5a0c9d8e7f60123";

/// In all bodies here, the field is the last one.
fn wants_a_stream(mut body: impl bytes::Buf) -> bool {
    const FIELD: &[u8] = br#""stream":true"#;
    const END: usize = 80;
    body.advance(body.remaining().saturating_sub(END));
    let end = body.copy_to_bytes(body.remaining());
    end.windows(FIELD.len()).any(|window| window == FIELD)
}

fn events(
    answers: &Answers,
) -> impl futures_util::Stream<Item = Result<Frame<Bytes>, Infallible>> + Send + use<> {
    let mut ticks = interval(PAUSE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let state = (
        ticks,
        Arc::clone(&answers.events),
        answers.hold.subscribe(),
        0,
    );
    let pieces = stream::unfold(state, |(mut ticks, events, mut hold, next)| async move {
        let event = events.get(next)?.clone();
        if next == HELD_AFTER {
            hold.wait_for(|hold| !hold).await.ok()?;
        }
        ticks.tick().await;
        Some((event, (ticks, events, hold, next + 1)))
    });
    pieces.map(|event| Ok(Frame::data(event)))
}
