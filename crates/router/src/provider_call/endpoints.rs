//! Where each provider is: its public address, unless the operator says otherwise.

use std::borrow::Cow;
use std::collections::BTreeMap;

use latchkey_contract::ProviderId;
use latchkey_egress::{EgressError, EgressPolicy};
use latchkey_providers::{default_base_url, oauth, vertex_base_url};
use serde::Deserialize;
use url::Url;

use super::AddressSource;

/// What an operator sets for a provider: an egress proxy, a private endpoint, a test upstream.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderConfig {
    /// Where its requests go instead of its public address. Not for providers whose keys have an
    /// address of their own: azure and custom.
    pub base_url: Option<Url>,
    /// Where access tokens are got instead of at Google (vertex) or Microsoft Entra (azure).
    pub token_url: Option<Url>,
}

/// The addresses in use.
#[derive(Debug)]
pub struct Endpoints {
    known: BTreeMap<ProviderId, (Url, AddressSource)>,
    issuers: BTreeMap<ProviderId, (Url, AddressSource)>,
    egress: EgressPolicy,
}

/// A setting that can't have an effect.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// A provider that is not known.
    #[error("providers.{0}: there is no such provider")]
    UnknownProvider(String),
    /// Its keys have addresses of their own.
    #[error("providers.{0}.base_url: keys of this provider have addresses of their own")]
    OwnAddress(ProviderId),
    /// Its keys are sent as they are.
    #[error("providers.{0}.token_url: this provider's keys are not exchanged for tokens")]
    NoTokens(ProviderId),
}

impl Endpoints {
    /// The public addresses, overridden by what the operator sets.
    pub fn new(
        overrides: &BTreeMap<String, ProviderConfig>,
        egress: EgressPolicy,
    ) -> Result<Self, EndpointError> {
        let public = |url: &str| url.parse().ok().map(|url| (url, AddressSource::Customer));
        let mut known = BTreeMap::new();
        let mut issuers = BTreeMap::new();
        for provider in ProviderId::ALL {
            known.extend(
                default_base_url(provider)
                    .and_then(public)
                    .map(|place| (provider, place)),
            );
            issuers.extend(
                issuer(provider)
                    .and_then(public)
                    .map(|place| (provider, place)),
            );
        }
        for (name, config) in overrides {
            let unknown = |_| EndpointError::UnknownProvider(name.clone());
            let provider: ProviderId = name.parse().map_err(unknown)?;
            if let Some(url) = &config.base_url {
                if matches!(provider, ProviderId::Azure | ProviderId::Custom) {
                    return Err(EndpointError::OwnAddress(provider));
                }
                known.insert(provider, (url.clone(), AddressSource::Operator));
            }
            if let Some(url) = &config.token_url {
                if issuer(provider).is_none() {
                    return Err(EndpointError::NoTokens(provider));
                }
                issuers.insert(provider, (url.clone(), AddressSource::Operator));
            }
        }
        Ok(Self {
            known,
            issuers,
            egress,
        })
    }

    /// Where to send a key: to its own address where it has one, else to its provider's, which at
    /// Vertex depends on the location. The policy is asked again here, in case the key was stored
    /// under another one.
    pub fn choose<'a>(
        &'a self,
        provider: ProviderId,
        own: Option<&'a Url>,
        location: &str,
    ) -> Result<(Cow<'a, Url>, AddressSource), EgressError> {
        if let Some(own) = own {
            self.egress.check_url(own)?;
            return Ok((Cow::Borrowed(own), AddressSource::Customer));
        }
        if let Some((url, address_source)) = self.known.get(&provider) {
            return Ok((Cow::Borrowed(url), *address_source));
        }
        let located = match provider {
            ProviderId::Vertex => vertex_base_url(location),
            _ => None,
        };
        let url = located.ok_or(EgressError::NoHost)?;
        Ok((Cow::Owned(url), AddressSource::Customer))
    }

    /// Where access tokens are got for a provider's keys; none where keys are sent as they are.
    pub fn token_url(&self, provider: ProviderId) -> Option<(&Url, AddressSource)> {
        let (url, address_source) = self.issuers.get(&provider)?;
        Some((url, *address_source))
    }
}

fn issuer(provider: ProviderId) -> Option<&'static str> {
    match provider {
        ProviderId::Azure => Some(oauth::ENTRA_AUTHORITY),
        ProviderId::Vertex => Some(oauth::GOOGLE_TOKEN_URL),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(provider: &str, config: ProviderConfig) -> Result<Endpoints, EndpointError> {
        let overrides = BTreeMap::from([(provider.to_owned(), config)]);
        Endpoints::new(&overrides, EgressPolicy::default())
    }

    fn base_url() -> ProviderConfig {
        ProviderConfig {
            base_url: Some("https://proxy.example/x".parse().unwrap()),
            token_url: None,
        }
    }

    fn token_url() -> ProviderConfig {
        ProviderConfig {
            base_url: None,
            token_url: Some("https://proxy.example/token".parse().unwrap()),
        }
    }

    #[test]
    fn every_provider_is_somewhere_and_the_operator_may_say_where() {
        for provider in ProviderId::ALL {
            let Ok(endpoints) = endpoints(provider.as_str(), base_url()) else {
                assert!(matches!(provider, ProviderId::Azure | ProviderId::Custom));
                continue;
            };
            let (url, address_source) = endpoints.choose(provider, None, "us").unwrap();
            assert_eq!(
                (url.as_str(), address_source),
                ("https://proxy.example/x", AddressSource::Operator)
            );
        }
    }

    #[test]
    fn vertex_is_where_its_location_is() {
        let endpoints = endpoints("vertex", token_url()).unwrap();
        let (url, address_source) = endpoints
            .choose(ProviderId::Vertex, None, "asia-east1")
            .unwrap();
        assert_eq!(
            url.as_str(),
            "https://asia-east1-aiplatform.googleapis.com/"
        );
        assert_eq!(address_source, AddressSource::Customer);
        assert!(endpoints.choose(ProviderId::Vertex, None, "evil/").is_err());
    }

    #[test]
    fn tokens_are_got_where_the_operator_says() {
        let endpoints = endpoints("vertex", token_url()).unwrap();
        let (url, address_source) = endpoints.token_url(ProviderId::Vertex).unwrap();
        assert_eq!(
            (url.path(), address_source),
            ("/token", AddressSource::Operator)
        );
        assert!(endpoints.token_url(ProviderId::OpenAi).is_none());
    }

    #[test]
    fn a_setting_without_effect_is_refused() {
        assert!(endpoints("openai", token_url()).is_err());
        assert!(endpoints("azure", base_url()).is_err());
        assert!(endpoints("nobody", base_url()).is_err());
    }
}
