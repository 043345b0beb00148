//! Addresses of providers.

use latchkey_contract::ProviderId;

/// The base URL of the provider's own API. None when it depends on the customer: on an address of
/// its own or, at Vertex AI, on the location ([`crate::vertex_base_url`]).
pub fn default_base_url(provider: ProviderId) -> Option<&'static str> {
    match provider {
        ProviderId::Anthropic => Some("https://api.anthropic.com"),
        ProviderId::Azure | ProviderId::Custom | ProviderId::Vertex => None,
        ProviderId::DeepSeek => Some("https://api.deepseek.com"),
        ProviderId::Google => Some("https://generativelanguage.googleapis.com"),
        ProviderId::OpenAi => Some("https://api.openai.com/v1"),
        ProviderId::OpenRouter => Some("https://openrouter.ai/api/v1"),
    }
}
