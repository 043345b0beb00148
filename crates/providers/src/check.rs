//! Checking a key with its provider, without spending a token.
//!
//! Most providers are asked for their list of models, OpenRouter for the key itself and DeepSeek for
//! the account's balance. What an answer proves differs: hardly anybody shows credit that way, and a
//! compatible server may give its list to anybody. At Vertex AI a key is a service account, so what
//! checks it is the exchange for a token ([`crate::oauth`]), with which the list is asked for.

mod deepseek;
mod openrouter;

use http::StatusCode;
use latchkey_contract::ProviderId;

use crate::Target;
use crate::encode::{self, EncodeError, Endpoint, WireRequest};
use crate::error::{self, ErrorClass, ProviderError};
use crate::reply::Reply;

/// What a check showed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CheckOutcome {
    /// The provider accepted the key.
    Alive,
    /// The provider knows the key, but it lacks rights or credit, or is throttled.
    Limited {
        /// The provider's words, redacted, or what its answer means.
        message: String,
    },
    /// The endpoint answered, which says nothing about the key.
    Reachable {
        /// Why it says nothing.
        message: String,
    },
    /// The provider refused the key.
    Rejected(ProviderError),
    /// Nobody can say: the provider failed, or answered as it should not.
    Unreachable(ProviderError),
}

/// The request that checks a key. It has no body and costs nothing.
pub fn request(target: &Target<'_>) -> Result<WireRequest, EncodeError> {
    encode::get(target, Endpoint::Check)
}

/// What the answer to [`request`] shows.
pub fn outcome(provider: ProviderId, reply: &Reply<'_>) -> CheckOutcome {
    let status = reply.status;
    if status.is_success() && !error::contains_error(reply.body) {
        return match provider {
            ProviderId::Custom => reachable(PUBLIC_LIST),
            ProviderId::DeepSeek => deepseek::outcome(reply),
            ProviderId::OpenRouter => openrouter::outcome(reply),
            _ if is_list(provider, reply.body) => CheckOutcome::Alive,
            _ => CheckOutcome::Unreachable(error::malformed(reply)),
        };
    }
    let no_list = matches!(
        status,
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED
    );
    if provider == ProviderId::Custom && no_list {
        return reachable(&format!("{NO_LIST} (HTTP status {status})"));
    }
    let error = error::classify(provider, reply);
    match error.class {
        ErrorClass::NoCredit | ErrorClass::Throttled => CheckOutcome::Limited {
            message: error.message,
        },
        // A restricted key may not list models and yet use them.
        ErrorClass::NoPermission if error.message.contains(MISSING_SCOPES) => {
            CheckOutcome::Limited {
                message: error.message,
            }
        }
        // Its token was got with the key a moment ago, and a narrow role may use what it may not list.
        ErrorClass::NoPermission if provider == ProviderId::Vertex => CheckOutcome::Limited {
            message: error.message,
        },
        ErrorClass::ModelUnavailable | ErrorClass::NoPermission | ErrorClass::Revoked
            if status.is_client_error() && status != StatusCode::NOT_FOUND =>
        {
            CheckOutcome::Rejected(error)
        }
        _ => CheckOutcome::Unreachable(error),
    }
}

fn reachable(message: &str) -> CheckOutcome {
    CheckOutcome::Reachable {
        message: message.to_owned(),
    }
}

/// Whether the body is a list of models; a captive portal answers 200 too.
fn is_list(provider: ProviderId, body: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct List {
        data: Option<Vec<serde::de::IgnoredAny>>,
        models: Option<Vec<serde::de::IgnoredAny>>,
        publisher_models: Option<Vec<serde::de::IgnoredAny>>,
    }
    serde_json::from_slice::<List>(body).is_ok_and(|list| match provider {
        ProviderId::Google => list.models.is_some(),
        ProviderId::Vertex => list.publisher_models.is_some(),
        _ => list.data.is_some(),
    })
}

const PUBLIC_LIST: &str =
    "it answered a request for its models, which a server may do whatever the key";

const NO_LIST: &str = "it has no list of models at this address, which may lack a part such as /v1";

/// OpenAI's words to a restricted key.
const MISSING_SCOPES: &str = "Missing scopes";

#[cfg(test)]
mod tests;
