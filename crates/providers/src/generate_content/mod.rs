//! Google's `generateContent`, at AI Studio and at Vertex AI.
//!
//! Its rules shape the conversation. Leading instructions move to `systemInstruction`; they are not
//! allowed elsewhere. The results of a turn's tool calls are sent together, in the order of the
//! calls, each with the name of its tool. A result is an object, so a text is wrapped in one. Since
//! Gemini 3, parts of an answer carry a signature, which must be sent back on the same part. The
//! signature is the part's provider state, in the base64 form that was received. A paused answer
//! ends with a withheld thought whose state is a token. Such a conversation is sent with the token
//! and without the paused answer.

mod assistant;
mod contents;
mod media;
mod message_builder;
mod part;
mod request;
mod response;
mod results;
mod stream;
mod thinking;
mod tools;
mod usage;

pub(crate) use request::{count, encode};
pub(crate) use response::decode;
pub(crate) use stream::Decoder;
