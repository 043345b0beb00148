//! OpenAI's Responses, without their storage.
//!
//! The conversation is a flat list of items. Reasoning goes back as the very item that it came as,
//! encrypted, which a part's provider state holds; texts and tool calls keep the id, status and phase
//! that they came with in the same way, so that the list reads as the model wrote it.

mod input;
mod item;
mod request;
mod response;
mod stream;
mod usage;

pub(crate) use request::{encode, encode_count};
pub(crate) use response::decode;
pub(crate) use stream::Decoder;
