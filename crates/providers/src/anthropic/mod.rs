//! Anthropic's Messages.
//!
//! Its rules shape the conversation: instructions that lead it move to `system`; the results of a
//! turn's tool calls go, first and all together, into the next user message; ids have fewer
//! characters than elsewhere; blank texts are not allowed. Thinking goes back as it came: its text
//! with the signature that a part's provider state holds, or, where Anthropic withheld it, the
//! withheld data. Thinking without such state is left out, for it would be refused.

mod blocks;
mod messages;
mod request;
mod response;
mod stream;
mod usage;

pub(crate) use request::{encode, encode_count};
pub(crate) use response::decode;
pub(crate) use stream::Decoder;
