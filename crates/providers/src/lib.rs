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
//! One folder per dialect: `openai_chat` (OpenAI and every compatible server), `openai_responses`
//! and `anthropic`. What differs from model to model within a dialect is data, in
//! `data/catalogue.toml`, read by [`catalogue`].

pub mod catalogue;
pub mod check;
pub mod decode;
pub mod encode;
pub mod error;
pub mod stream;

mod anthropic;
mod dialect;
mod json;
mod openai_chat;
mod openai_responses;
mod provider;

pub use dialect::{Api, Dialect};
pub use error::{ErrorClass, ProviderError};
pub use provider::{ParseProviderError, Provider};
