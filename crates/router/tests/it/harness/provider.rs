//! A fake provider on loopback, which returns scripted answers and records the calls.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Collected, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::UnboundedReceiverStream;

use super::vault::secret;

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A running fake provider.
pub(crate) struct FakeProvider {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    calls: watch::Sender<Vec<Call>>,
    connections: watch::Sender<usize>,
    open: watch::Sender<usize>,
    script: Mutex<Script>,
}

/// The answers to return: queued ones first, then by path, by key, and the default.
#[derive(Default)]
struct Script {
    next: VecDeque<NextAnswer>,
    by_key: HashMap<String, Answer>,
    by_path: HashMap<&'static str, Answer>,
    default: Option<Answer>,
}

enum NextAnswer {
    Answer(Answer),
    Held(oneshot::Receiver<Answer>),
}

/// A recorded call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    /// The body as text, also where it is not JSON.
    pub(crate) text: String,
}

/// A scripted answer.
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Content,
}

enum Content {
    Whole(Bytes),
    /// These pieces, followed by a broken connection.
    Cut(Vec<Bytes>),
    /// Pieces that the test sends.
    Fed(mpsc::UnboundedReceiver<Bytes>),
    /// A connection that is closed without an answer.
    HungUp,
}

/// The sending side of a streamed answer.
pub(crate) struct Stream(mpsc::UnboundedSender<Bytes>);

impl FakeProvider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared: Arc<Shared> = Arc::default();
        let accepting = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepting.connections.send_modify(|count| *count += 1);
                accepting.open.send_modify(|count| *count += 1);
                let shared = Arc::clone(&accepting);
                let answering = Arc::clone(&accepting);
                let answer = service_fn(move |request| answer(Arc::clone(&answering), request));
                let stream = TokioIo::new(stream);
                let serving = http1::Builder::new().serve_connection(stream, answer);
                tokio::spawn(async move {
                    // The connection is closed whether it ended well or not.
                    let _ = serving.await;
                    shared.open.send_modify(|count| *count -= 1);
                });
            }
        });
        Self { address, shared }
    }

    /// The base URL for calls of this provider.
    pub(crate) fn base_url(&self, provider: &str) -> String {
        match provider {
            "anthropic" | "azure" | "google" => self.anthropic_url(),
            _ => self.openai_url(),
        }
    }

    /// The base URL without a path.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The base URL in OpenAI's form.
    pub(crate) fn openai_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The base URL in Anthropic's form.
    pub(crate) fn anthropic_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets the default answer.
    pub(crate) fn returns(&self, answer: Answer) {
        self.shared.script.lock().unwrap().default = Some(answer);
    }

    /// Queues an answer for the next call.
    pub(crate) fn returns_once(&self, answer: Answer) {
        self.shared
            .script
            .lock()
            .unwrap()
            .next
            .push_back(NextAnswer::Answer(answer));
    }

    /// Sets the answer to calls with the key of this id.
    pub(crate) fn returns_to(&self, id: &str, answer: Answer) {
        let mut script = self.shared.script.lock().unwrap();
        script.by_key.insert(secret(id), answer);
    }

    /// Sets the answer to calls of this path, whatever their key.
    pub(crate) fn returns_at(&self, path: &'static str, answer: Answer) {
        let mut script = self.shared.script.lock().unwrap();
        script.by_path.insert(path, answer);
    }

    /// Queues an answer for the next call that the test sends later.
    pub(crate) fn holds_answer(&self) -> oneshot::Sender<Answer> {
        let (release, held) = oneshot::channel();
        self.shared
            .script
            .lock()
            .unwrap()
            .next
            .push_back(NextAnswer::Held(held));
        release
    }

    /// Queues a streamed answer for the next call; the test sends its pieces.
    pub(crate) fn starts_stream(&self) -> Stream {
        let (feed, pieces) = mpsc::unbounded_channel();
        self.returns_once(sse(Content::Fed(pieces)));
        Stream(feed)
    }

    /// The recorded calls.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.shared.calls.borrow().clone()
    }

    /// Waits for the call of this number, counted from one.
    pub(crate) async fn receives_call(&self, number: usize) -> Call {
        let mut receiver = self.shared.calls.subscribe();
        let calls = receiver
            .wait_for(|calls| calls.len() >= number)
            .await
            .unwrap();
        calls[number - 1].clone()
    }

    /// The ids of the keys of all calls.
    pub(crate) fn keys(&self) -> Vec<String> {
        let calls = self.calls();
        let ids = calls.iter().map(|call| {
            let (_, id) = call.secret().split_once("-of-").unwrap();
            id.strip_suffix("-wxyz").unwrap().to_owned()
        });
        ids.collect()
    }

    /// Waits until at most this many connections are open.
    pub(crate) async fn closes_down_to(&self, count: usize) {
        let mut open = self.shared.open.subscribe();
        open.wait_for(|open| *open <= count).await.unwrap();
    }

    /// The number of connections accepted so far.
    pub(crate) fn connections(&self) -> usize {
        *self.shared.connections.borrow()
    }
}

impl Stream {
    /// Sends a chunk of a Chat Completions stream.
    pub(crate) fn sends_chunk(&self, chunk: &Value) {
        self.sends(&format!("data: {chunk}\n\n"));
    }

    pub(crate) fn sends(&self, text: &str) {
        self.0.send(Bytes::from(text.to_owned())).unwrap();
    }

    /// Completes when the caller has closed its connection.
    pub(crate) async fn closed(&self) {
        self.0.closed().await;
    }
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The API key or token of the call.
    pub(crate) fn secret(&self) -> &str {
        let keys = ["x-api-key", "api-key", "x-goog-api-key"].map(|name| self.header(name));
        let key = keys.into_iter().find(|key| !key.is_empty());
        key.unwrap_or_else(|| self.header("authorization").trim_start_matches("Bearer "))
    }

    /// Whether any part of the call contains the text.
    pub(crate) fn contains(&self, text: &str) -> bool {
        format!("{self:?}").contains(text)
    }
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", &body.to_string())
    }

    pub(crate) fn text(status: u16, content_type: &str, body: &str) -> Self {
        Self {
            status,
            headers: vec![("content-type", content_type.to_owned())],
            body: Content::Whole(Bytes::from(body.to_owned())),
        }
    }

    /// A complete stream of events with this data.
    pub(crate) fn events<T: ToString>(data: &[T]) -> Self {
        let text: String = data.iter().map(event).collect();
        sse(Content::Whole(Bytes::from(text)))
    }

    /// A stream of events with this data whose connection breaks after the last.
    pub(crate) fn cut_events<T: ToString>(data: &[T]) -> Self {
        sse(Content::Cut(
            data.iter().map(|data| event(data).into()).collect(),
        ))
    }

    /// A connection that is closed without an answer.
    pub(crate) fn hung_up() -> Self {
        Self {
            body: Content::HungUp,
            ..Self::text(200, "text/plain", "")
        }
    }

    /// An answer whose connection breaks halfway.
    pub(crate) fn cut(body: &Value) -> Self {
        let text = body.to_string();
        let half = Bytes::from(text[..text.len() / 2].to_owned());
        Self {
            body: Content::Cut(vec![half]),
            ..Self::json(200, body)
        }
    }

    pub(crate) fn with(mut self, header: &'static str, value: &str) -> Self {
        self.headers.push((header, value.to_owned()));
        self
    }
}

fn sse(body: Content) -> Answer {
    Answer {
        status: 200,
        headers: vec![("content-type", "text/event-stream".to_owned())],
        body,
    }
}

fn event(data: &impl ToString) -> String {
    format!("data: {}\n\n", data.to_string())
}

async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Body>, io::Error> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(Collected::to_bytes)
        .unwrap_or_default();
    let call = Call {
        method: head.method,
        path: head.uri.to_string(),
        headers: head.headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
        text: String::from_utf8_lossy(&body).into_owned(),
    };
    let next = {
        let mut script = shared.script.lock().unwrap();
        let path = call.path.split('?').next().unwrap_or_default();
        let default = script
            .by_path
            .get(path)
            .or_else(|| script.by_key.get(call.secret()))
            .or(script.default.as_ref())
            .map(Answer::again);
        script
            .next
            .pop_front()
            .or_else(|| default.map(NextAnswer::Answer))
    };
    shared.calls.send_modify(|calls| calls.push(call));
    let answer = match next.expect("the test has scripted an answer") {
        NextAnswer::Answer(answer) => answer,
        NextAnswer::Held(released) => match released.await {
            Ok(answer) => answer,
            Err(_) => std::future::pending().await,
        },
    };
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    let body = match answer.body {
        Content::Whole(bytes) => Full::new(bytes)
            .map_err(|never| match never {})
            .boxed_unsync(),
        Content::Cut(pieces) => {
            let broken = Err(io::Error::from(io::ErrorKind::ConnectionReset));
            let pieces = pieces.into_iter().map(|piece| Ok(Frame::data(piece)));
            let pieces = tokio_stream::iter(pieces.chain([broken]));
            // Without the yield, the break would overtake the pieces.
            StreamBody::new(pieces.then(async |piece| {
                tokio::task::yield_now().await;
                piece
            }))
            .boxed_unsync()
        }
        Content::HungUp => return Err(io::Error::from(io::ErrorKind::ConnectionAborted)),
        Content::Fed(fed) => {
            let pieces = UnboundedReceiverStream::new(fed).map(|piece| Ok(Frame::data(piece)));
            StreamBody::new(pieces).boxed_unsync()
        }
    };
    Ok(response.body(body).unwrap())
}

impl Answer {
    fn again(&self) -> Self {
        let body = match &self.body {
            Content::Whole(bytes) => Content::Whole(bytes.clone()),
            Content::Cut(pieces) => Content::Cut(pieces.clone()),
            Content::HungUp => Content::HungUp,
            Content::Fed(_) => panic!("a stream fed by the test serves one call only"),
        };
        Self {
            status: self.status,
            headers: self.headers.clone(),
            body,
        }
    }
}
