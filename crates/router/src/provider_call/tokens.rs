//! Exchanges keys of Vertex and Azure for access tokens.

use std::time::Duration;

use latchkey_clock::Clock;
use latchkey_contract::ProviderId;
use latchkey_providers::encode::EncodeError;
use latchkey_providers::{ProviderError, oauth};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::{Endpoints, Exchange, ExchangeError, PoolKey, Purpose, Upstream};
use crate::domain::material::Material;

/// Requests access tokens from the issuers.
pub struct TokenIssuer<'a> {
    /// The addresses of the issuers.
    pub endpoints: &'a Endpoints,
    /// The connections to them.
    pub upstream: &'a Upstream,
    /// The clock of assertions and expiries.
    pub clock: &'a dyn Clock,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The provider has no issuer, or the key is an API key.
    #[error("the key can't be exchanged for an access token")]
    NoIssuer,
    /// The request could not be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The issuer did not answer.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The issuer refused.
    #[error(transparent)]
    Provider(#[from] Box<ProviderError>),
}

impl TokenIssuer<'_> {
    /// Exchanges a key for a token, over the connections of `owner`. Returns how long it is valid.
    pub async fn get(
        &self,
        provider: ProviderId,
        material: &Material,
        owner: &PoolKey,
        until: Instant,
    ) -> Result<(Zeroizing<String>, Duration), TokenError> {
        self.request(provider, material, Some(owner), until).await
    }

    /// Exchanges a key that no workspace has yet, over a connection of its own.
    pub async fn get_once(
        &self,
        provider: ProviderId,
        material: &Material,
        until: Instant,
    ) -> Result<(Zeroizing<String>, Duration), TokenError> {
        self.request(provider, material, None, until).await
    }

    async fn request(
        &self,
        provider: ProviderId,
        material: &Material,
        owner: Option<&PoolKey>,
        until: Instant,
    ) -> Result<(Zeroizing<String>, Duration), TokenError> {
        let (url, address_source) = self
            .endpoints
            .token_url(provider)
            .ok_or(TokenError::NoIssuer)?;
        let source = material.token_source(url).ok_or(TokenError::NoIssuer)?;
        let request = oauth::request(&source, self.clock.now().into())?;
        let exchange = Exchange {
            upstream: self.upstream,
            clock: self.clock,
            owner,
            address_source,
            secret: "",
            purpose: Purpose {
                operation: "get_access_token",
                provider,
                model: None,
            },
        };
        let answer = exchange.request(request, until).await?;
        let token = oauth::read(&source, &exchange.reply(&answer)).map_err(Box::new)?;
        Ok((token.token, token.expires_in))
    }
}
