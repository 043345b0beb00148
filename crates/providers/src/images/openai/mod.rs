//! OpenAI's image generation, and that of Azure, OpenRouter and compatible servers.

mod request;
mod response;
mod usage;

pub(super) use request::encode;
pub(super) use response::decode;
