//! OpenAI's Chat Completions, and the providers and servers that are compatible with it.
//!
//! Requests keep to what OpenAI documents; what sets others apart is a row of [`Flavour`]. Answers
//! are read tolerantly whoever sent them: tool calls may come whole or in pieces, without ids or
//! indexes, with arguments as an object; usage, the finish reason and the end marker may be missing.
//!
//! OpenAI has no place here for reasoning and its state. DeepSeek and OpenRouter have fields of their
//! own for it, and want it back.

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
