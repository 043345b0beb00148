//! OpenAI's Chat Completions, also at compatible providers and servers.
//!
//! Requests follow OpenAI's documentation; differences of other providers are a row of [`Flavour`].
//! Answers are decoded tolerantly for all providers. Tool calls may be complete or in pieces,
//! without ids or indexes, with arguments as an object. Usage, the finish reason and the end marker
//! may be missing.
//!
//! OpenAI has no fields for reasoning and its state here. DeepSeek and OpenRouter have their own
//! fields, and require reasoning back.

mod assistant;
mod calls;
mod content;
mod details;
mod flavour;
mod message;
mod preferences;
mod request;
mod response;
mod stream;
mod thinking;
mod usage;

pub(crate) use flavour::Flavour;
pub(crate) use request::encode;
pub(crate) use response::decode;
pub(crate) use stream::Decoder;
pub(crate) use usage::{Totals, split};
