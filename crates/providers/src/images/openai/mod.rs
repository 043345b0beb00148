//! Image generation of OpenAI, Azure, OpenRouter and compatible servers.

mod request;
mod response;
mod usage;

pub(super) use request::encode;
pub(super) use response::decode;
