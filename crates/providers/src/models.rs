//! Lists the models that a provider offers to a key.

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
    /// The models, in the provider's order.
    pub models: Vec<Listed>,
    /// The token of the next page. None on the last page.
    pub next: Option<String>,
}

/// A listed model.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Listed {
    /// The name of the model in requests.
    pub id: String,
    /// The display name. Empty when the provider has none.
    pub display_name: String,
    /// The maximum input in tokens, if known.
    pub max_input_tokens: Option<i64>,
    /// The maximum output in tokens, if known.
    pub max_output_tokens: Option<i64>,
    /// The operations that the model supports. None when the list does not show them.
    pub operations: Option<Vec<Operation>>,
}

/// Encodes the request for a page. The token of the first page is empty.
pub fn request(target: &Target<'_>, page_token: &str) -> Result<WireRequest, EncodeError> {
    encode::get(target, Endpoint::Models { page_token })
}

/// Decodes a page.
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
