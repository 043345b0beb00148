//! Getting access tokens with leased keys.

use std::time::{Duration, SystemTime};

use http::Response;
use latchkey_clock::{Clock, Timestamp};
use latchkey_contract::ProviderId;
use latchkey_providers::decode::Reply;
use latchkey_providers::encode::{EncodeError, WireRequest};
use latchkey_providers::{ProviderError, oauth};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::material::Material;
use crate::dispatch::Endpoints;
use crate::upstream::{
    AddressSource, BodyError, PoolKey, Upstream, UpstreamBody, UpstreamError, collect,
};

/// What it takes to get a token.
pub struct TokenIssuer<'a> {
    /// Where tokens are got.
    pub endpoints: &'a Endpoints,
    /// The way there.
    pub upstream: &'a Upstream,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The key is none that tokens are got with.
    #[error("no token can be got for this provider")]
    NoIssuer,
    /// The question can't be put.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The issuer was not reached.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// Its answer broke off.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// It refused.
    #[error(transparent)]
    Provider(#[from] Box<ProviderError>),
}

impl TokenIssuer<'_> {
    /// Gets a token over connections of `owner`'s.
    pub(super) async fn get(
        &self,
        provider: ProviderId,
        material: &Material,
        owner: &PoolKey,
        until: Instant,
    ) -> Result<(Zeroizing<String>, Duration), TokenError> {
        self.ask(
            provider,
            material,
            until,
            async |request, address_source| {
                self.upstream
                    .send(request, address_source, owner, until)
                    .await
            },
        )
        .await
    }

    /// Gets a token for a key that is nobody's yet.
    pub(super) async fn get_once(
        &self,
        provider: ProviderId,
        material: &Material,
        until: Instant,
    ) -> Result<(Zeroizing<String>, Duration), TokenError> {
        self.ask(
            provider,
            material,
            until,
            async |request, address_source| {
                self.upstream
                    .send_once(request, address_source, until)
                    .await
            },
        )
        .await
    }

    async fn ask(
        &self,
        provider: ProviderId,
        material: &Material,
        until: Instant,
        send: impl AsyncFnOnce(
            WireRequest,
            AddressSource,
        ) -> Result<Response<UpstreamBody>, UpstreamError>,
    ) -> Result<(Zeroizing<String>, Duration), TokenError> {
        let issuer = self.endpoints.token_url(provider);
        let (url, address_source) = issuer.ok_or(TokenError::NoIssuer)?;
        let source = material.token_source(url).ok_or(TokenError::NoIssuer)?;
        let now = system_time(self.clock.now());
        let response = send(oauth::request(&source, now)?, address_source).await?;
        let (head, body) = response.into_parts();
        let body = collect(body, until).await?;
        let reply = Reply {
            status: head.status,
            headers: &head.headers,
            body: &body,
            secret: "",
            now,
        };
        let token = oauth::read(&source, &reply).map_err(Box::new)?;
        Ok((token.token, token.expires_in))
    }
}

/// What dates in providers' headers are held against.
pub fn system_time(now: Timestamp) -> SystemTime {
    let micros = u64::try_from(now.as_micros()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_micros(micros)
}
