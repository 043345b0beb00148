//! Where a key is sent. Fixed when the material is saved: whoever could move a stored key to
//! another host could read it.

use latchkey_boot::egress::{EgressError, EgressPolicy};
use url::Url;

use super::provider::Provider;

/// A base address that the egress policy let pass, or the provider's own public address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Destination(Option<Box<str>>);

/// Why an address can't be a destination.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DestinationError {
    /// The egress policy forbids it.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// Longer than any real address.
    #[error("is longer than 2,048 characters")]
    Long,
    /// This provider has no address of its own.
    #[error("is required for this provider")]
    Missing,
    /// Not a URL.
    #[error("must be an https URL")]
    NotAUrl,
}

const LONGEST: usize = 2_048;

impl Destination {
    /// Reads an address; an empty one means the provider's own.
    pub fn parse(
        text: &str,
        provider: Provider,
        policy: &EgressPolicy,
    ) -> Result<Self, DestinationError> {
        if text.is_empty() {
            return match provider {
                Provider::Custom => Err(DestinationError::Missing),
                Provider::Anthropic | Provider::OpenAi => Ok(Self(None)),
            };
        }
        if text.len() > LONGEST {
            return Err(DestinationError::Long);
        }
        let url: Url = text.parse().map_err(|_| DestinationError::NotAUrl)?;
        policy.check_url(&url)?;
        Ok(Self(Some(url.as_str().trim_end_matches('/').into())))
    }

    /// As it was stored; rows are trusted once their MAC has been checked.
    pub fn from_row(text: &str) -> Self {
        Self(Some(text).filter(|text| !text.is_empty()).map(Into::into))
    }

    /// The address, or an empty text for the provider's own.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_custom_provider_needs_an_address() {
        let policy = EgressPolicy::default();
        let refusal = Destination::parse("", Provider::Custom, &policy);
        assert_eq!(refusal, Err(DestinationError::Missing));
        assert_eq!(
            Destination::parse("", Provider::OpenAi, &policy)
                .unwrap()
                .as_str(),
            ""
        );
    }

    #[test]
    fn a_trailing_slash_does_not_matter() {
        let policy = EgressPolicy::default();
        let parsed = Destination::parse("https://llm.example/v1/", Provider::Custom, &policy);
        assert_eq!(parsed.unwrap().as_str(), "https://llm.example/v1");
    }

    #[test]
    fn an_internal_address_is_refused() {
        let policy = EgressPolicy::default();
        let refusal = Destination::parse("https://169.254.169.254", Provider::Custom, &policy);
        assert_eq!(
            refusal,
            Err(DestinationError::Egress(EgressError::NotPublic))
        );
    }
}
