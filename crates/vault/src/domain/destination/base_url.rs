//! The base address of a destination.

use latchkey_contract::ProviderId;
use latchkey_egress::{EgressError, EgressPolicy};
use url::Url;

use super::ApiVersion;
use super::azure::{self, AzureAddressError};

/// The reason for which a base address is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BaseUrlError {
    /// It is not an address that Azure's portal shows.
    #[error(transparent)]
    Azure(#[from] AzureAddressError),
    /// The egress policy forbids it.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// Longer than any real address.
    #[error("is longer than 2,048 characters")]
    Long,
    /// This provider has no address of its own.
    #[error("is required for this provider: it has no public address")]
    Missing,
    /// Not a URL.
    #[error("must be an https URL")]
    NotAUrl,
}

/// A base address that the egress policy allows, and the other parts of its text.
pub(super) struct BaseUrl {
    pub(super) address: Box<str>,
    pub(super) api_version: Option<ApiVersion>,
    pub(super) deployment: Option<String>,
}

const MAX_LENGTH: usize = 2_048;

impl BaseUrl {
    pub(super) fn parse(
        text: &str,
        provider: ProviderId,
        policy: &EgressPolicy,
    ) -> Result<Self, BaseUrlError> {
        if text.len() > MAX_LENGTH {
            return Err(BaseUrlError::Long);
        }
        let url: Url = text.parse().map_err(|_| BaseUrlError::NotAUrl)?;
        let parts = match provider {
            ProviderId::Azure => azure::take_apart(&url)?,
            ProviderId::Anthropic
            | ProviderId::Custom
            | ProviderId::DeepSeek
            | ProviderId::Google
            | ProviderId::OpenAi
            | ProviderId::OpenRouter
            | ProviderId::Vertex => azure::Parts::whole(url),
        };
        policy.check_url(&parts.resource)?;
        Ok(Self {
            address: parts.resource.as_str().trim_end_matches('/').into(),
            api_version: parts.api_version,
            deployment: parts.deployment,
        })
    }
}
