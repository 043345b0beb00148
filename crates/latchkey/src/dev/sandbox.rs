//! The sandbox provider: an endpoint that serves OpenAI's chat completions and echoes the prompt. With
//! it, the real path can be tried without an account at a provider. Every answer is marked as the
//! sandbox's.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use latchkey_boot::drain::Drain;
use latchkey_boot::exit::Failure;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The only model.
pub(super) const MODEL: &str = "sandbox-echo";
/// The only key. Not a secret: it is valid for nothing else.
pub(super) const KEY: &str = "sandbox-key-that-opens-nothing";

const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// Serves on loopback until the drain starts.
pub(super) async fn start(port: u16, drain: &Drain) -> Result<SocketAddr, Failure> {
    let listener = TcpListener::bind(("127.0.0.1", port))
        .await
        .map_err(Failure::run)?;
    let address = listener.local_addr().map_err(Failure::run)?;
    let stop = drain.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let Ok((stream, _)) = accepted else { continue };
                    let serving = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service_fn(answer));
                    tokio::spawn(serving);
                }
                () = stop.started() => return,
            }
        }
    });
    Ok(address)
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let expected = format!("Bearer {KEY}");
    let shown = request.headers().get(AUTHORIZATION);
    if shown.is_none_or(|shown| shown.as_bytes() != expected.as_bytes()) {
        return Ok(error(
            StatusCode::UNAUTHORIZED,
            "invalid_api_key",
            "the sandbox has one key",
        ));
    }
    Ok(match (request.method(), request.uri().path()) {
        (&Method::GET, "/v1/models") => {
            let model = json!({"id": MODEL, "object": "model", "owned_by": "sandbox"});
            json_response(StatusCode::OK, &json!({"object": "list", "data": [model]}))
        }
        (&Method::POST, "/v1/chat/completions") => {
            let body = read(request).await;
            body.map_or_else(not_json, |body| complete(&body))
        }
        (&Method::POST, "/v1/embeddings") => {
            let body = read(request).await;
            body.map_or_else(not_json, |body| embed(&body))
        }
        _ => error(
            StatusCode::NOT_FOUND,
            "not_found",
            "the sandbox has no such path",
        ),
    })
}

async fn read(request: Request<Incoming>) -> Option<Value> {
    let limited = Limited::new(request.into_body(), MAX_BODY_BYTES);
    let body = limited.collect().await.ok()?.to_bytes();
    serde_json::from_slice(&body).ok()
}

fn not_json() -> Response<Full<Bytes>> {
    error(
        StatusCode::BAD_REQUEST,
        "invalid_request_error",
        "the body is not JSON",
    )
}

/// Embeds each text as its numbers of bytes and of words.
fn embed(request: &Value) -> Response<Full<Bytes>> {
    let input = &request["input"];
    let inputs = input
        .as_array()
        .cloned()
        .unwrap_or_else(|| vec![input.clone()]);
    let texts = inputs
        .iter()
        .map(|input| input.as_str().unwrap_or_default());
    let words: usize = texts.clone().map(count).sum();
    let vectors = texts.enumerate().map(|(index, text)| {
        let vector = json!([text.len(), count(text)]);
        json!({"object": "embedding", "index": index, "embedding": vector})
    });
    let answer = json!({
        "object": "list",
        "model": MODEL,
        "data": vectors.collect::<Vec<_>>(),
        "usage": {"prompt_tokens": words, "total_tokens": words},
    });
    json_response(StatusCode::OK, &answer)
}

fn complete(request: &Value) -> Response<Full<Bytes>> {
    let prompt = last_text(request);
    let answer = format!("[sandbox, no model was asked] You said: {prompt}");
    let usage = json!({
        "prompt_tokens": count(&prompt),
        "completion_tokens": count(&answer),
        "total_tokens": count(&prompt) + count(&answer),
    });
    if request["stream"] == true {
        stream(&answer, &usage)
    } else {
        whole(&answer, &usage)
    }
}

fn whole(answer: &str, usage: &Value) -> Response<Full<Bytes>> {
    let message = json!({"role": "assistant", "content": answer});
    let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
    let body = json!({
        "id": "sandbox",
        "object": "chat.completion",
        "created": now(),
        "model": MODEL,
        "choices": [choice],
        "usage": usage,
    });
    json_response(StatusCode::OK, &body)
}

fn stream(answer: &str, usage: &Value) -> Response<Full<Bytes>> {
    let chunk = |choices: Value, usage: &Value| {
        let chunk = json!({
            "id": "sandbox",
            "object": "chat.completion.chunk",
            "created": now(),
            "model": MODEL,
            "choices": choices,
            "usage": usage,
        });
        format!("data: {chunk}\n\n")
    };
    let mut body = String::new();
    for piece in answer.split_inclusive(' ') {
        let delta = json!([{"index": 0, "delta": {"content": piece}, "finish_reason": null}]);
        body.push_str(&chunk(delta, &Value::Null));
    }
    let end = json!([{"index": 0, "delta": {}, "finish_reason": "stop"}]);
    body.push_str(&chunk(end, &Value::Null));
    body.push_str(&chunk(json!([]), usage));
    body.push_str("data: [DONE]\n\n");
    respond(StatusCode::OK, "text/event-stream", body.into())
}

/// The text of the last message, in either of its forms.
fn last_text(request: &Value) -> String {
    let content = &request["messages"]
        .as_array()
        .and_then(|all| all.last())
        .unwrap_or(request)["content"];
    let parts = content.as_array().into_iter().flatten();
    let texts = parts.filter_map(|part| part["text"].as_str());
    content
        .as_str()
        .map_or_else(|| texts.collect::<Vec<_>>().join(" "), str::to_owned)
}

/// Counts words, in place of tokens.
fn count(text: &str) -> usize {
    text.split_whitespace().count()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the sandbox stamps its answers with the wall time"
)]
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map(|since| since.as_secs())
        .unwrap_or_default()
}

fn error(status: StatusCode, code: &str, message: &str) -> Response<Full<Bytes>> {
    let error = json!({"message": message, "type": "invalid_request_error", "code": code});
    json_response(status, &json!({"error": error}))
}

fn json_response(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    respond(status, "application/json", body.to_string().into())
}

fn respond(status: StatusCode, media_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let media_type = http::HeaderValue::from_static(media_type);
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}
