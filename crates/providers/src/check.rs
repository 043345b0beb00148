//! Checks a key with its provider, free of charge.
//!
//! The check requests the list of models. At OpenRouter it requests the key's own data, at DeepSeek
//! the account's balance. The results differ in what they prove: few providers show the credit, and
//! a compatible server may serve its list without a valid key. At Vertex AI the key is a service
//! account, so the exchange for a token checks it ([`crate::oauth`]); the list is requested with
//! that token.

mod deepseek;
mod openrouter;

use http::StatusCode;
use latchkey_contract::ProviderId;

use crate::Target;
use crate::encode::{self, EncodeError, Endpoint, WireRequest};
use crate::error::{self, ErrorClass, ProviderError};
use crate::reply::Reply;

/// The result of a check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CheckOutcome {
    /// The provider accepted the key.
    Alive,
    /// The key is valid, but it lacks rights or credit, or is throttled.
    Limited {
        /// The provider's message, redacted, or an explanation of its answer.
        message: String,
    },
    /// The endpoint answered, but the answer does not depend on the key.
    Reachable {
        /// Why the answer does not depend on the key.
        message: String,
    },
    /// The provider refused the key.
    Rejected(ProviderError),
    /// The check is inconclusive: the provider failed or gave an unexpected answer.
    Unreachable(ProviderError),
}

/// Builds the request that checks a key. It has no body and costs nothing.
pub fn request(target: &Target<'_>) -> Result<WireRequest, EncodeError> {
    encode::get(target, Endpoint::Check)
}

/// Evaluates the answer to [`request`].
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
        // A restricted key may be valid for calls although it cannot list models.
        ErrorClass::NoPermission if error.message.contains(MISSING_SCOPES) => {
            CheckOutcome::Limited {
                message: error.message,
            }
        }
        // The key was just exchanged for a token, so it is valid. A narrow role may allow calls but
        // not the list.
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

/// Whether the body is a list of models. A captive portal also answers with 200.
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

const PUBLIC_LIST: &str = "the server lists its models, but it may do so without a valid key";

const NO_LIST: &str =
    "the server has no list of models at this address; the base URL may lack a part such as /v1";

/// Part of OpenAI's message for a restricted key.
const MISSING_SCOPES: &str = "Missing scopes";

#[cfg(test)]
mod tests;
