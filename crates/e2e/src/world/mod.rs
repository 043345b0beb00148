//! Every provider on loopback: each at a path of its own, in its own wire format, and as strict as the
//! real one about its requests. Each answer holds reasoning, a text and two tool calls, whose words
//! occur in no other answer.

mod chat;
mod gemini;
mod keys;
mod messages;
mod responses;
mod rules;
mod tokens;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::credential;

pub use keys::{entra_client, service_account, service_account_of, world_key};

/// The tool that every model calls.
pub const TOOL: &str = "get_weather";

/// A prompt that a provider received.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// The provider whose path it was sent to.
    pub provider: &'static str,
    /// The key or token that it carried.
    pub api_key: String,
    /// Its body.
    pub body: String,
}

/// The running providers.
#[derive(Clone)]
pub struct World {
    address: SocketAddr,
    prompts: Arc<Mutex<Vec<Prompt>>>,
    count: watch::Sender<usize>,
    released: watch::Sender<bool>,
}

/// A prompt with this text is answered after [`World::release`].
pub const HELD: &str = "take-your-time";

/// The words of an answer, unique to a provider and a turn.
struct Words {
    provider: &'static str,
    turn: usize,
}

impl Words {
    fn of(&self, what: &str) -> String {
        format!("{what}-{}-{}", self.provider, self.turn)
    }

    /// The arguments of the first or the second call.
    fn arguments(&self, which: &str) -> Value {
        json!({"city": self.of(&format!("city-{which}"))})
    }
}

/// The prefix of each provider's paths.
const PLACES: [(&str, &str); 8] = [
    ("/anthropic/", "anthropic"),
    // An Azure resource serves at its root.
    ("/openai/", "azure"),
    ("/custom/", "custom"),
    ("/deepseek/", "deepseek"),
    ("/google/", "google"),
    ("/oai/", "openai"),
    ("/openrouter/", "openrouter"),
    ("/vertex/", "vertex"),
];

impl World {
    /// Starts them.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("loopback has a free port");
        let world = Self {
            address: listener.local_addr().expect("it is bound"),
            prompts: Arc::default(),
            count: watch::Sender::new(0),
            released: watch::Sender::new(false),
        };
        let serving = world.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let world = serving.clone();
                let answer = service_fn(move |request| answer(world.clone(), request));
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
                tokio::spawn(connection);
            }
        });
        world
    }

    /// The base URL of a provider: set by the operator, or in a key of azure or custom.
    pub fn base_url(&self, provider: &str) -> String {
        let path = match provider {
            "anthropic" => "/anthropic",
            "azure" => "",
            "custom" => "/custom/v1",
            "deepseek" => "/deepseek",
            "google" => "/google",
            "openai" => "/oai/v1",
            "openrouter" => "/openrouter/api/v1",
            "vertex" => "/vertex",
            other => panic!("{other} is not in this world"),
        };
        format!("http://{}{path}", self.address)
    }

    /// The token endpoint of service accounts and of applications. A token names its client.
    pub fn token_url(&self) -> String {
        format!("http://{}/token", self.address)
    }

    /// Waits until so many prompts were received.
    pub async fn prompted(&self, times: usize) {
        let mut count = self.count.subscribe();
        let prompted = count.wait_for(|count| *count >= times).await;
        prompted.expect("the world runs");
    }

    /// Answers the prompts that wait.
    pub fn release(&self) {
        self.released.send_replace(true);
    }

    /// The prompts received, in order.
    pub fn prompts(&self) -> Vec<Prompt> {
        let prompts = self.prompts.lock().unwrap_or_else(PoisonError::into_inner);
        prompts.clone()
    }
}

async fn answer(
    world: World,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let path = head.uri.path();
    if path.starts_with("/token") {
        return Ok(match tokens::client(&body) {
            Some(client) => respond(StatusCode::OK, &tokens::granted(&client)),
            None => refuse("the request names no client"),
        });
    }
    let place = PLACES.iter().find(|(place, _)| path.starts_with(place));
    let Some((_, provider)) = place else {
        return Ok(refuse(&format!("no provider serves {path}")));
    };
    if head.method == Method::GET {
        return Ok(respond(StatusCode::OK, &list(provider)));
    }
    let Ok(asked) = serde_json::from_slice::<Value>(&body) else {
        return Ok(refuse("the body is not JSON"));
    };
    let turn = {
        let mut prompts = world.prompts.lock().unwrap_or_else(PoisonError::into_inner);
        prompts.push(Prompt {
            provider,
            api_key: credential::shown(&head.headers),
            body: String::from_utf8_lossy(&body).into_owned(),
        });
        prompts.len() - 1
    };
    world.count.send_modify(|count| *count += 1);
    if String::from_utf8_lossy(&body).contains(HELD) {
        let mut released = world.released.subscribe();
        // An error only says that the world has ended.
        let _ = released.wait_for(|released| *released).await;
    }
    let words = Words { provider, turn };
    let answer = match *provider {
        "anthropic" => messages::answer(&asked, &words),
        "azure" | "openai" => responses::answer(&asked, &words),
        "google" | "vertex" => gemini::answer(&asked, &words),
        _ => chat::answer(&asked, &words),
    };
    Ok(match answer {
        Ok(answer) => respond(StatusCode::OK, &answer),
        Err(fault) => refuse(&fault),
    })
}

/// Each provider's answer to the check of a key.
fn list(provider: &str) -> Value {
    match provider {
        "deepseek" => json!({"is_available": true, "balance_infos": []}),
        "google" => json!({"models": [{"name": "models/gemini-3.8-flash",
            "supportedGenerationMethods": ["generateContent"]}]}),
        "openrouter" => json!({"data": {"label": "sk-or-...", "limit": null,
            "limit_remaining": null, "is_management_key": false, "is_provisioning_key": false}}),
        "vertex" => json!({"publisherModels": [
            {"name": "publishers/google/models/gemini-3.8-flash"}]}),
        _ => json!({"object": "list", "data": [{"id": "a-model"}]}),
    }
}

fn refuse(fault: &str) -> Response<Full<Bytes>> {
    let error = json!({"error": {"message": fault, "type": "invalid_request_error",
        "code": 400, "status": "INVALID_ARGUMENT"}});
    respond(StatusCode::BAD_REQUEST, &error)
}

fn respond(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    let json = http::HeaderValue::from_static("application/json");
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, json);
    response
}
