//! Google's image generation: `generateContent` of the models called `…-image`, at AI Studio and at
//! Vertex AI.

mod request;
mod response;
mod usage;

pub(super) use request::encode;
pub(super) use response::decode;
