//! Where each provider is: its public address, unless the operator says otherwise.

use std::collections::BTreeMap;

use latchkey_boot::egress::{EgressError, EgressPolicy};
use latchkey_providers::Provider;
use serde::Deserialize;
use url::Url;

use crate::upstream::Trust;

/// What an operator sets for a provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
    /// Where its requests go instead of its public address: an egress proxy, a private endpoint, a
    /// test upstream.
    pub base_url: Url,
}

/// The addresses in use.
#[derive(Debug)]
pub struct Endpoints {
    known: BTreeMap<&'static str, (Url, Trust)>,
    egress: EgressPolicy,
}

/// A provider that is not known.
#[derive(Debug, thiserror::Error)]
#[error("providers.{0}: there is no such provider")]
pub struct UnknownProvider(String);

impl Endpoints {
    /// The public addresses, overridden by what the operator sets.
    pub fn new(
        overrides: &BTreeMap<String, ProviderConfig>,
        egress: EgressPolicy,
    ) -> Result<Self, UnknownProvider> {
        let mut known = BTreeMap::new();
        for provider in Provider::ALL {
            if let Some(url) = provider.default_base_url().and_then(|url| url.parse().ok()) {
                known.insert(provider.as_str(), (url, Trust::User));
            }
        }
        for (name, config) in overrides {
            let provider: Provider = name.parse().map_err(|_| UnknownProvider(name.clone()))?;
            known.insert(
                provider.as_str(),
                (config.base_url.clone(), Trust::Operator),
            );
        }
        Ok(Self { known, egress })
    }

    /// Where to send a key: to its own address where it has one, else to its provider's. The policy
    /// is asked again here, in case the key was stored under another one.
    pub fn choose<'a>(
        &'a self,
        provider: Provider,
        own: Option<&'a Url>,
    ) -> Result<(&'a Url, Trust), EgressError> {
        if let Some(own) = own {
            self.egress.check_url(own)?;
            return Ok((own, Trust::User));
        }
        let known = self.known.get(provider.as_str());
        known
            .map(|(url, trust)| (url, *trust))
            .ok_or(EgressError::NoHost)
    }
}
