//! What a provider lists of its models, with the key of whoever asks.

mod anthropic;
mod azure;
mod google;
mod openai;
mod openrouter;
mod vertex;

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::Operation;

use crate::decode;
use crate::encode::{self, EncodeError, Endpoint, WireRequest};
use crate::reply::Reply;
use crate::{ProviderError, Target};

/// A page of a provider's list.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Page {
    /// Its models, in the provider's order.
    pub models: Vec<Listed>,
    /// Where the next page begins; none on the last.
    pub next: Option<String>,
}

/// A model that a provider lists.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Listed {
    /// What a request names it by.
    pub id: String,
    /// Its name for people; empty when the provider gives none.
    pub display_name: String,
    /// The most input it takes.
    pub max_input_tokens: Option<i64>,
    /// The most output it gives.
    pub max_output_tokens: Option<i64>,
    /// What it can be asked for. None when the provider does not say.
    pub operations: Option<Vec<Operation>>,
}

/// Asks for a page; the first one's token is empty.
pub fn request(target: &Target<'_>, page_token: &str) -> Result<WireRequest, EncodeError> {
    encode::get(target, Endpoint::Models { page_token })
}

/// Reads a page.
pub fn read(provider: ProviderId, reply: &Reply<'_>) -> Result<Page, ProviderError> {
    decode::read(provider, reply, |body| match provider {
        ProviderId::Anthropic => anthropic::page(body),
        ProviderId::Azure => azure::page(body),
        ProviderId::Custom | ProviderId::DeepSeek | ProviderId::OpenAi => openai::page(body),
        ProviderId::Google => google::page(body),
        ProviderId::OpenRouter => openrouter::page(body),
        ProviderId::Vertex => vertex::page(body),
    })
}
