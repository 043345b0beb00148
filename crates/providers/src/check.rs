//! Checking a key with its provider, without spending a token.
//!
//! The provider is asked for its list of models. What an answer proves differs: nobody shows credit
//! that way, and a compatible server may give its list to anybody.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use crate::Provider;
use crate::encode::{EncodeError, Endpoint, WireRequest, headers};
use crate::error::{self, ErrorClass, ProviderError};

/// What a check showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckOutcome {
    /// The provider accepted the key.
    Alive,
    /// The provider knows the key, but it lacks rights or credit, or is throttled.
    Limited {
        /// The provider's words, redacted.
        words: String,
    },
    /// The endpoint answered, which says nothing about the key.
    Reachable,
    /// The provider refused the key.
    Rejected(ProviderError),
    /// Nobody can say: the provider failed, or answered as it should not.
    Unreachable(ProviderError),
}

/// The request that checks a key. It has no body and costs nothing.
pub fn request(
    provider: Provider,
    base_url: &Url,
    api_key: &str,
) -> Result<WireRequest, EncodeError> {
    let endpoint = match provider {
        Provider::Anthropic => Endpoint::AnthropicModels,
        _ => Endpoint::OpenAiModels,
    };
    Ok(WireRequest {
        method: Method::GET,
        uri: endpoint.uri(base_url)?,
        headers: headers(provider, api_key, false)?,
        body: Bytes::new(),
    })
}

/// What the answer to [`request`] shows. `api_key` is taken out of the provider's words.
pub fn outcome(
    provider: Provider,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    api_key: &str,
) -> CheckOutcome {
    let custom = provider == Provider::Custom;
    if status.is_success() && !error::holds_error(body) {
        return match custom {
            // Its list may be public.
            true => CheckOutcome::Reachable,
            false if is_list(body) => CheckOutcome::Alive,
            false => CheckOutcome::Unreachable(error::malformed(status, headers, body, api_key)),
        };
    }
    let no_list = matches!(
        status,
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED
    );
    if custom && no_list {
        return CheckOutcome::Reachable;
    }
    let error = error::without_hint(provider, status, headers, body, api_key);
    match error.class {
        ErrorClass::NoCredit | ErrorClass::Throttled => CheckOutcome::Limited {
            words: error.message,
        },
        // A restricted key may not list models and yet use them.
        ErrorClass::NoPermission if error.message.contains(MISSING_SCOPES) => {
            CheckOutcome::Limited {
                words: error.message,
            }
        }
        ErrorClass::ModelUnavailable | ErrorClass::NoPermission | ErrorClass::Revoked
            if status.is_client_error() && status != StatusCode::NOT_FOUND =>
        {
            CheckOutcome::Rejected(error)
        }
        _ => CheckOutcome::Unreachable(error),
    }
}

/// Whether the body is a list of models; a captive portal answers 200 too.
fn is_list(body: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct List {
        #[serde(rename = "data")]
        _data: Vec<serde::de::IgnoredAny>,
    }
    serde_json::from_slice::<List>(body).is_ok()
}

/// OpenAI's words to a restricted key.
const MISSING_SCOPES: &str = "Missing scopes";

#[cfg(test)]
mod tests;
