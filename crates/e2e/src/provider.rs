//! A provider on loopback. It serves OpenAI's chat completions, embeddings and images, and Anthropic's
//! messages. It accepts every key but those that contain `revoked` or were revoked since. The model's
//! name chooses its behaviour: `status-403`, `status-429`, `status-500`, `no-access`, `garbage`, `cut`,
//! `hang`; any other model echoes.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::credential;

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// A request that the provider received.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The path.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Recorded {
    /// The key that it carried, in whichever header.
    pub fn api_key(&self) -> String {
        credential::shown(&self.headers)
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// A running provider.
#[derive(Clone)]
pub struct FakeProvider {
    address: SocketAddr,
    recorded: Arc<Mutex<Vec<Recorded>>>,
    revoked: Arc<Mutex<BTreeSet<String>>>,
    count: watch::Sender<usize>,
}

impl FakeProvider {
    /// Starts a provider on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let provider = Self {
            address,
            recorded: Arc::default(),
            revoked: Arc::default(),
            count: watch::Sender::new(0),
        };
        let serving = provider.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let provider = serving.clone();
                let answer = service_fn(move |request| answer(provider.clone(), request));
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
                tokio::spawn(connection);
            }
        });
        provider
    }

    /// Its address as a base URL.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Its address without a path, as Anthropic's base URL is.
    pub fn root_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests received, without checks of keys.
    pub fn prompts(&self) -> Vec<Recorded> {
        let recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        recorded
            .iter()
            .filter(|request| !request.body.is_empty())
            .cloned()
            .collect()
    }

    /// Revokes a key: it is refused from now on.
    pub fn revoke(&self, api_key: &str) {
        self.revoked().insert(api_key.to_owned());
    }

    fn revoked(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.revoked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it has received so many requests, checks included.
    pub async fn asked(&self, times: usize) {
        let mut count = self.count.subscribe();
        count
            .wait_for(|count| *count >= times)
            .await
            .expect("the provider runs");
    }

    fn record(&self, request: Recorded) {
        self.recorded
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(request);
        self.count.send_modify(|count| *count += 1);
    }
}

async fn answer(
    provider: FakeProvider,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let recorded = Recorded {
        path: head.uri.path().to_owned(),
        headers: head.headers,
        body,
    };
    provider.record(recorded.clone());
    let api_key = recorded.api_key();
    if api_key.contains("revoked") || provider.revoked().contains(&api_key) {
        return Ok(rejected(&recorded));
    }
    if head.method == Method::GET {
        return Ok(respond(
            200,
            json!({"object": "list", "data": []}).to_string(),
        ));
    }
    let request = recorded.json();
    let model = request["model"].as_str().unwrap_or_default();
    let streamed = request["stream"] == true;
    Ok(match model {
        "status-429" => {
            let error = json!({"error": {"message": "slow down", "code": "rate_limit_exceeded"}});
            let mut response = respond(429, error.to_string());
            response
                .headers_mut()
                .insert("retry-after", http::HeaderValue::from_static("7"));
            response
        }
        "status-403" => {
            let error = json!({"error": {"message": "not with this key", "code": "forbidden"}});
            respond(403, error.to_string())
        }
        "status-500" => respond(500, json!({"error": {"message": "broken"}}).to_string()),
        "no-access" => {
            let message = "The model `no-access` does not exist or you do not have access to it.";
            let error = json!({"error": {"message": message, "code": "model_not_found"}});
            respond(404, error.to_string())
        }
        "garbage" => respond(200, "<html>a proxy's page</html>".to_owned()),
        "cut" if streamed => cut_stream(),
        "cut" => cut_body(),
        "hang" => std::future::pending().await,
        _ if recorded.path.ends_with("/messages") => anthropic(&request),
        _ if recorded.path.ends_with("/images/generations") => respond(200, picture().to_string()),
        _ if recorded.path.ends_with("/embeddings") => respond(200, vector(model).to_string()),
        _ if streamed => respond_as(200, "text/event-stream", stream(&request)),
        _ => respond(200, whole(&request).to_string()),
    })
}

/// OpenAI's answer to an unknown key; it quotes both ends of the key.
fn rejected(request: &Recorded) -> Response<Body> {
    let key = request.api_key();
    let message = format!("Incorrect API key provided: {key}. Find yours at the provider's site.");
    let error =
        json!({"message": message, "type": "invalid_request_error", "code": "invalid_api_key"});
    respond(401, json!({"error": error}).to_string())
}

fn last_text(request: &Value) -> String {
    let last = request["messages"]
        .as_array()
        .and_then(|all| all.last())
        .cloned();
    let content = last.unwrap_or_default()["content"].clone();
    let text = content.as_str().or_else(|| content[0]["text"].as_str());
    text.unwrap_or_default().to_owned()
}

/// The image for every prompt: just the signature of a PNG.
fn picture() -> Value {
    json!({"created": 1, "data": [{"b64_json": "iVBORw0KGgo=", "revised_prompt": "a nicer prompt"}]})
}

fn vector(model: &str) -> Value {
    let data = json!([{"object": "embedding", "index": 0, "embedding": [0.5, -0.5]}]);
    let usage = json!({"prompt_tokens": USAGE.0, "total_tokens": USAGE.0});
    json!({"object": "list", "model": model, "data": data, "usage": usage})
}

const USAGE: (i64, i64) = (12, 5);

fn whole(request: &Value) -> Value {
    let message = json!({"role": "assistant", "content": format!("echo: {}", last_text(request))});
    json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": request["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": USAGE.0, "completion_tokens": USAGE.1, "total_tokens": 17},
    })
}

fn stream(request: &Value) -> String {
    let chunk = |delta: Value, finish: Value| {
        let choices = json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
        let chunk = json!({"id": "chatcmpl-1", "model": request["model"], "choices": choices});
        format!("data: {chunk}\n\n")
    };
    let usage = json!({"prompt_tokens": USAGE.0, "completion_tokens": USAGE.1, "total_tokens": 17});
    let last =
        json!({"id": "chatcmpl-1", "model": request["model"], "choices": [], "usage": usage});
    [
        chunk(
            json!({"role": "assistant", "content": "echo: "}),
            Value::Null,
        ),
        chunk(json!({"content": last_text(request)}), Value::Null),
        chunk(json!({}), json!("stop")),
        format!("data: {last}\n\n"),
        "data: [DONE]\n\n".to_owned(),
    ]
    .concat()
}

fn anthropic(request: &Value) -> Response<Body> {
    let text = format!("echo: {}", last_text(request));
    let answer = json!({
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": USAGE.0, "output_tokens": USAGE.1},
    });
    respond(200, answer.to_string())
}

/// A stream without its last event.
fn cut_stream() -> Response<Body> {
    let chunk = json!({"choices": [{"index": 0, "delta": {"content": "half an ans"}}]});
    respond_as(200, "text/event-stream", format!("data: {chunk}\n\n"))
}

/// A body whose connection breaks halfway.
fn cut_body() -> Response<Body> {
    let frames = [
        Ok(Frame::data(Bytes::from_static(b"{\"id\": \"chatcm"))),
        Err(std::io::Error::other("cut on purpose")),
    ];
    let mut response =
        Response::new(StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync());
    *response.status_mut() = StatusCode::OK;
    response
}

fn respond(status: u16, body: String) -> Response<Body> {
    respond_as(status, "application/json", body)
}

fn respond_as(status: u16, media_type: &'static str, body: String) -> Response<Body> {
    let body = Full::new(Bytes::from(body))
        .map_err(|never| match never {})
        .boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).expect("the statuses here are valid");
    let media_type = http::HeaderValue::from_static(media_type);
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, media_type);
    response
        .headers_mut()
        .insert("x-request-id", http::HeaderValue::from_static("req_fake"));
    response
}
