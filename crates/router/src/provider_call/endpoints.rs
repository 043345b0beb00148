//! The addresses of providers: public ones, unless the operator configures others.

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

/// The addresses of all providers and token issuers.
#[derive(Debug)]
pub struct Endpoints {
    base_urls: BTreeMap<ProviderId, (Url, AddressSource)>,
    token_urls: BTreeMap<ProviderId, (Url, AddressSource)>,
    egress: EgressPolicy,
}

/// An option without an effect.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The provider is not known.
    #[error("providers.{0}: the provider is not known; remove the section or correct its name")]
    UnknownProvider(String),
    /// Each key of the provider has its own address.
    #[error("providers.{0}.base_url: each key of this provider has its own address; remove it")]
    OwnAddress(ProviderId),
    /// Keys of the provider are never exchanged for tokens.
    #[error("providers.{0}.token_url: keys of this provider need no access token; remove it")]
    NoTokens(ProviderId),
}

impl Endpoints {
    /// The public addresses, with the operator's addresses in their place.
    pub fn new(
        overrides: &BTreeMap<String, ProviderConfig>,
        egress: EgressPolicy,
    ) -> Result<Self, EndpointError> {
        let public = |url: &str| url.parse().ok().map(|url| (url, AddressSource::Customer));
        let mut base_urls = BTreeMap::new();
        let mut token_urls = BTreeMap::new();
        for provider in ProviderId::ALL {
            let base_url = default_base_url(provider).and_then(public);
            base_urls.extend(base_url.map(|address| (provider, address)));
            let token_url = issuer(provider).and_then(public);
            token_urls.extend(token_url.map(|address| (provider, address)));
        }
        for (name, config) in overrides {
            let unknown = |_| EndpointError::UnknownProvider(name.clone());
            let provider: ProviderId = name.parse().map_err(unknown)?;
            if let Some(url) = &config.base_url {
                if matches!(provider, ProviderId::Azure | ProviderId::Custom) {
                    return Err(EndpointError::OwnAddress(provider));
                }
                base_urls.insert(provider, (url.clone(), AddressSource::Operator));
            }
            if let Some(url) = &config.token_url {
                if issuer(provider).is_none() {
                    return Err(EndpointError::NoTokens(provider));
                }
                token_urls.insert(provider, (url.clone(), AddressSource::Operator));
            }
        }
        Ok(Self {
            base_urls,
            token_urls,
            egress,
        })
    }

    /// The address for calls with a key: its own one, else that of its provider. At Vertex it depends
    /// on the location. The key's own address is checked here again, because the vault may have stored
    /// the key under another egress policy.
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
        if let Some((url, address_source)) = self.base_urls.get(&provider) {
            return Ok((Cow::Borrowed(url), *address_source));
        }
        let located = match provider {
            ProviderId::Vertex => vertex_base_url(location),
            _ => None,
        };
        let url = located.ok_or(EgressError::NoHost)?;
        Ok((Cow::Owned(url), AddressSource::Customer))
    }

    /// The address of the issuer of access tokens; none where keys are sent as they are.
    pub fn token_url(&self, provider: ProviderId) -> Option<(&Url, AddressSource)> {
        let (url, address_source) = self.token_urls.get(&provider)?;
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
    fn an_operators_base_url_replaces_the_public_address() {
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
    fn the_address_of_vertex_depends_on_the_location() {
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
    fn an_operators_token_url_replaces_the_issuers_address() {
        let endpoints = endpoints("vertex", token_url()).unwrap();
        let (url, address_source) = endpoints.token_url(ProviderId::Vertex).unwrap();
        assert_eq!(
            (url.path(), address_source),
            ("/token", AddressSource::Operator)
        );
        assert!(endpoints.token_url(ProviderId::OpenAi).is_none());
    }

    #[test]
    fn an_option_without_effect_is_refused() {
        assert!(endpoints("openai", token_url()).is_err());
        assert!(endpoints("azure", base_url()).is_err());
        assert!(endpoints("unknown", base_url()).is_err());
    }
}
