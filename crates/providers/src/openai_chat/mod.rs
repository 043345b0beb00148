//! OpenAI's Chat Completions, and the servers that are compatible with it.
//!
//! Requests keep to what OpenAI documents; for other servers ([`Provider::Custom`]) they keep to the
//! part that most of them know. Answers are read tolerantly whoever sent them: tool calls may come
//! whole or in pieces, without ids or indexes, with arguments as an object; usage, the finish reason
//! and the end marker may be missing.
//!
//! The dialect has no place for reasoning and its state, so neither is sent.
//!
//! [`Provider::Custom`]: crate::Provider::Custom

mod calls;
mod content;
mod message;
mod request;
mod response;
mod stream;
mod usage;

pub(crate) use request::encode;
pub(crate) use response::decode;
pub(crate) use stream::Decoder;
pub(crate) use usage::{Totals, split};
