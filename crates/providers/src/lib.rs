//! Knowledge of each provider: how a neutral request is encoded, how answers, streams and errors
//! are decoded, how a key is checked, and what the models can do and cost.
//!
//! The crate does no I/O: requests come out as bytes and headers, answers go in as bytes. The
//! caller connects, retries, keeps keys and accounts for costs. The neutral types are the
//! contract's own messages.
//!
//! A call goes [`encode::generate`] → HTTP → [`decode::unary`] or, if streamed, [`stream::events`]
//! → [`stream::Decoder`]. Failures of all providers are one type, [`ProviderError`]. Start at
//! [`encode`].
//!
//! Each dialect has a folder: `openai_chat` (OpenAI and compatible servers), `openai_responses`,
//! `anthropic` (also at Vertex AI) and `generate_content` (Google's Gemini, at AI Studio and at
//! Vertex AI). Other operations are [`embeddings`], [`images`], token counts ([`tokens`]) and lists
//! of [`models`]. [`oauth`] exchanges service accounts and applications for access tokens.
//! Differences between models of one dialect are data, in `data/catalogue`, which [`catalogue`]
//! reads.
//!
//! ```
//! use std::time::SystemTime;
//!
//! use http::{HeaderMap, StatusCode};
//! use latchkey_contract::ProviderId;
//! use latchkey_contract::router::v1::part::Content;
//! use latchkey_contract::router::v1::{GenerateRequest, Message, Part, Role};
//! use latchkey_providers::catalogue::{Catalogue, CostContext};
//! use latchkey_providers::decode::{self, Reply};
//! use latchkey_providers::encode::{self, Call};
//! use latchkey_providers::{Credential, Target};
//!
//! let catalogue = Catalogue::builtin();
//! let (provider, model) = (ProviderId::OpenAi, "gpt-4.1");
//! let text = |text: &str| Part {
//!     content: Some(Content::Text(text.into())),
//!     provider_state: None,
//! };
//! let request = GenerateRequest {
//!     messages: vec![Message { role: Role::User.into(), parts: vec![text("Hello")] }],
//!     ..GenerateRequest::default()
//! };
//! let base_url = "https://api.openai.com/v1".parse()?;
//! let exchange = encode::generate(&Call {
//!     target: Target::new(provider, &base_url, Credential::ApiKey("sk-example")),
//!     model,
//!     traits: catalogue.traits(provider, model),
//!     request: &request,
//!     stream: false,
//! })?;
//! assert_eq!(exchange.request.uri, "https://api.openai.com/v1/chat/completions");
//! // The request is sent, and the provider answers:
//! let body = br#"{"choices":[{"message":{"content":"Hi."},"finish_reason":"stop"}],
//!     "usage":{"prompt_tokens":8,"completion_tokens":2}}"#;
//! let (status, headers, now) = (StatusCode::OK, &HeaderMap::new(), SystemTime::now());
//! let reply = Reply { status, headers, body, secret: "sk-example", now };
//! let answer = decode::unary(exchange.dialect, &reply)?;
//! assert_eq!(answer.message.parts, [text("Hi.")]);
//! let listed = catalogue.find(provider, model).ok_or("not listed")?;
//! let context = CostContext::standard(now);
//! let cost = answer.usage.and_then(|usage| listed.cost_nanos(&usage, &context));
//! assert_eq!(cost, Some(32_000)); // 8 tokens at $2 and 2 at $8 per million
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod catalogue;
pub mod check;
pub mod decode;
pub mod embeddings;
pub mod encode;
pub mod error;
pub mod images;
pub mod models;
pub mod oauth;
pub mod stream;
pub mod tokens;

mod anthropic;
mod dialect;
mod generate_content;
mod json;
mod money;
mod openai_chat;
mod openai_responses;
mod provider;
mod reply;
mod target;

pub use dialect::{Api, Dialect};
pub use error::{ErrorClass, ProviderError};
pub use provider::default_base_url;
pub use target::{Credential, Target, vertex_base_url};
