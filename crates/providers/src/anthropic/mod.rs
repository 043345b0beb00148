//! Anthropic's Messages API.
//!
//! Its rules shape the conversation. Leading instructions move to `system`. The results of a turn's
//! tool calls come first, and all together, in the next user message. Ids have fewer characters
//! than elsewhere, and blank texts are not allowed. Thinking is sent back unchanged: its text with
//! the signature in the part's provider state or, if Anthropic withheld the text, the withheld
//! data. Thinking without such state is left out, because Anthropic would refuse it.

mod blocks;
mod messages;
mod request;
mod response;
mod stream;
mod usage;

pub(crate) use request::{encode, encode_count};
pub(crate) use response::decode;
pub(crate) use stream::Decoder;
