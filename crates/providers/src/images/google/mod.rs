//! Google's pictures: answers of `generateContent` that hold them, of the models called `…-image`, at
//! AI Studio and at Vertex.

mod request;
mod response;
mod usage;

pub(super) use request::encode;
pub(super) use response::decode;
