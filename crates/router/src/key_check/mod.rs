//! Checks of keys with their provider, at no cost, on behalf of the vault: the vault itself calls no
//! provider.

use std::sync::Arc;
use std::time::Duration;

use latchkey_clock::Clock;
use latchkey_providers::check::{self, CheckOutcome};
use latchkey_providers::{Credential, ErrorClass, Target};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::provider_call::{Endpoints, Exchange, Purpose, TokenError, TokenIssuer, Upstream};
use crate::vault_client::{CheckFailure, KeyCheckOutcome, KeyChecker, KeyToCheck, PendingCheck};

/// Time for one request: two of them are answered before the vault gives the check up.
const CHECK_TIMEOUT: Duration = Duration::from_secs(10);

/// The checker of this router.
pub struct ProviderChecker {
    /// The connections to providers.
    pub upstream: Arc<Upstream>,
    /// The addresses of providers.
    pub endpoints: Arc<Endpoints>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl KeyChecker for ProviderChecker {
    /// Tries once more where the provider could not be reached.
    fn check(&self, key: KeyToCheck) -> PendingCheck<'_> {
        Box::pin(async move {
            match self.try_once(&key).await {
                KeyCheckOutcome::NotChecked(_) => self.try_once(&key).await,
                outcome => outcome,
            }
        })
    }
}

impl ProviderChecker {
    async fn try_once(&self, key: &KeyToCheck) -> KeyCheckOutcome {
        let endpoint = self
            .endpoints
            .choose(key.provider, key.base_url.as_ref(), &key.location);
        let Ok((base_url, address_source)) = endpoint else {
            return not_checked("the address may not be reached");
        };
        let timeout = self.upstream.config().first_byte_timeout.min(CHECK_TIMEOUT);
        let until = Instant::now() + timeout;
        let token;
        let credential = match key.material.credential() {
            Some(credential) => credential,
            None => match self.token(key, until).await {
                Ok(issued) => {
                    token = issued;
                    Credential::Bearer(&token)
                }
                Err(outcome) => return outcome,
            },
        };
        let target = Target {
            provider: key.provider,
            base_url: &base_url,
            credential,
            location: &key.location,
            cloud_project: &key.cloud_project,
            api_version: &key.api_version,
        };
        let Ok(request) = check::request(&target) else {
            return not_checked("the key can't be sent in a header");
        };
        let exchange = Exchange {
            upstream: &self.upstream,
            clock: &*self.clock,
            owner: None,
            address_source,
            secret: credential.secret(),
            purpose: Purpose {
                operation: "check_key",
                provider: key.provider,
                model: None,
            },
        };
        let answer = match exchange.request(request, until).await {
            Ok(answer) => answer,
            Err(error) => return not_checked(&error.to_string()),
        };
        match check::outcome(key.provider, &exchange.reply(&answer)) {
            CheckOutcome::Alive => KeyCheckOutcome::Alive,
            CheckOutcome::Limited { message } => KeyCheckOutcome::Limited(message),
            CheckOutcome::Reachable { message } => KeyCheckOutcome::Reachable(message),
            CheckOutcome::Rejected(error) => KeyCheckOutcome::Rejected(error.into()),
            CheckOutcome::Unreachable(error) => {
                KeyCheckOutcome::NotChecked(CheckFailure::Provider(error.into()))
            }
        }
    }

    /// Exchanges the key for an access token. The issuer's grant is the first half of the check.
    async fn token(
        &self,
        key: &KeyToCheck,
        until: Instant,
    ) -> Result<Zeroizing<String>, KeyCheckOutcome> {
        let issuer = TokenIssuer {
            endpoints: &self.endpoints,
            upstream: &self.upstream,
            clock: &*self.clock,
        };
        match issuer.get_once(key.provider, &key.material, until).await {
            Ok((token, _)) => Ok(token),
            Err(TokenError::Provider(error)) if refuses_the_key(error.class) => {
                Err(KeyCheckOutcome::Rejected(error))
            }
            Err(TokenError::Provider(error)) => {
                Err(KeyCheckOutcome::NotChecked(CheckFailure::Provider(error)))
            }
            Err(error) => Err(not_checked(&error.to_string())),
        }
    }
}

fn refuses_the_key(class: ErrorClass) -> bool {
    matches!(class, ErrorClass::NoPermission | ErrorClass::Revoked)
}

fn not_checked(message: &str) -> KeyCheckOutcome {
    KeyCheckOutcome::NotChecked(CheckFailure::Router(message.to_owned()))
}
