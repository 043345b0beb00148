//! What Latchkey knows of each provider: how to say a neutral request in its words, how to read its
//! answers, streams and errors, how to check a key, and what its models can do and cost.
//!
//! It is sans I/O: requests come out as bytes and headers, answers go in as bytes. Who connects,
//! retries, keeps keys or counts money is decided elsewhere. The neutral types are the contract's
//! own messages.
//!
//! A call goes [`encode::generate`] → HTTP → [`decode::unary`], or, streamed, [`stream::events`] →
//! [`stream::Decoder`]. Failures of any provider are one [`ProviderError`]. Start at [`encode`].
//!
//! One folder per dialect: `openai_chat` (OpenAI and every compatible server), `openai_responses`,
//! `anthropic` (at Vertex AI too) and `generate_content` (Google's Gemini, at AI Studio and Vertex
//! AI). Beside answers there are vectors ([`embeddings`]), pictures ([`images`]), [`tokens`] to count
//! and lists of [`models`]. Keys that are no credentials yet are exchanged for such by [`oauth`]. What
//! differs from model to model within a dialect is data, in `data/catalogue`, read by [`catalogue`].
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
//! // … and the request is sent, and answered:
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
