//! Google's generateContent, at AI Studio and at Vertex AI.
//!
//! Its rules shape the conversation: instructions that lead it move to `systemInstruction`, and there
//! is no other place for them; the results of a turn's tool calls go back together, in the calls'
//! order, each by the name of its tool; a result is an object, so texts are wrapped. From Gemini 3 on
//! a signature rides on parts of an answer and must come back on the very same part. It is the part's
//! provider state, as the base64 that it came as. An answer that paused ends with a withheld thought
//! whose state is the token to go on with: such a conversation goes back without the answer so far.

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
