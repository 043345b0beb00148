//! OpenAI's Responses API, without its storage.
//!
//! The conversation is a flat list of items. Reasoning is sent back as the received item,
//! encrypted, which is the part's provider state. The state of texts and tool calls is their id,
//! status and phase, so that the list reads as the model wrote it.

mod input;
mod item;
mod request;
mod response;
mod stream;
mod usage;

pub(crate) use request::{encode, encode_count};
pub(crate) use response::decode;
pub(crate) use stream::Decoder;
