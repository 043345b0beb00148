//! What the keys of a workspace can reach: each provider's own list of models, asked for with each
//! key, within what the key may be used for.

mod kept;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use latchkey_boot::clock::{Clock, Timestamp};
use latchkey_boot::config::seconds;
use latchkey_contract::names::{KeyName, Scope};
use latchkey_contract::router::v1::Operation;
use latchkey_contract::vault::v1::Capability;
use latchkey_providers::decode::Reply;
use latchkey_providers::models::{self, Listed};
use latchkey_providers::{Credential, ErrorClass, Provider};
use serde::Deserialize;
use tokio::time::Instant;

use crate::catalogue::Catalogues;
use crate::dispatch::Endpoints;
use crate::domain::funding::Funding;
use crate::error::RouterError;
use crate::keys::{Keys, Loan, TokenIssuer, Wish, provider_refusal, system_time};
use crate::upstream::{Upstream, collect};
use kept::{Kept, Lists};

/// How long lists are kept.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListingConfig {
    /// Seconds for which a provider's list of models is kept. Default 300.
    #[serde(deserialize_with = "seconds::deserialize")]
    pub keep: Duration,
}

impl Default for ListingConfig {
    fn default() -> Self {
        Self {
            keep: Duration::from_mins(5),
        }
    }
}

/// Everything that listing needs.
pub struct Listing {
    keys: Arc<Keys>,
    upstream: Arc<Upstream>,
    endpoints: Arc<Endpoints>,
    catalogue: Arc<Catalogues>,
    clock: Arc<dyn Clock>,
    lists: Lists,
}

/// What is asked for.
pub struct Wanted<'a> {
    /// The scope.
    pub scope: &'a Scope,
    /// Who asks.
    pub caller: &'a Arc<str>,
    /// One provider, or all.
    pub provider: Option<Provider>,
    /// One key by name, or all.
    pub key: &'a str,
    /// Whether kept lists will not do.
    pub refresh: bool,
}

/// What can be reached.
#[derive(Default)]
pub struct Reach {
    /// By provider and name.
    pub models: BTreeMap<(Provider, String), Reachable>,
    /// Keys whose provider could not be asked.
    pub failures: Vec<Failure>,
}

/// A model that can be reached.
pub struct Reachable {
    /// What its provider says of it.
    pub listed: Listed,
    /// With which keys.
    pub keys: Vec<KeyName>,
    /// When its provider was asked, by the last of them.
    pub fetch_time: Timestamp,
}

/// A list that could not be had.
pub struct Failure {
    /// With which key.
    pub key: KeyName,
    /// From whom.
    pub provider: Provider,
    /// Why.
    pub error: RouterError,
}

/// Keys of one provider that are asked with at most.
const MOST_KEYS: usize = 32;
/// Pages of one list at most.
const MOST_PAGES: usize = 32;

impl Listing {
    /// Nothing kept yet.
    pub fn new(
        config: ListingConfig,
        keys: Arc<Keys>,
        upstream: Arc<Upstream>,
        endpoints: Arc<Endpoints>,
        catalogue: Arc<Catalogues>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            keys,
            upstream,
            endpoints,
            catalogue,
            clock,
            lists: Lists::new(config.keep),
        }
    }

    /// What the keys of a scope can reach.
    pub async fn reach(&self, wanted: &Wanted<'_>) -> Result<Reach, RouterError> {
        let loans = self.loans(wanted).await?;
        let asked = loans.iter().map(async |loan| {
            let list = self.list(loan, wanted.refresh).await;
            (loan, list)
        });
        let mut reach = Reach::default();
        for (loan, (list, failure)) in join_all(asked).await {
            if let Some(kept) = list {
                self.add(&mut reach, loan, &kept);
            }
            reach.failures.extend(failure.map(|error| Failure {
                key: loan.key_version().key.clone(),
                provider: loan.provider(),
                error,
            }));
        }
        Ok(reach)
    }

    /// Every key that a request could be given.
    async fn loans(&self, wanted: &Wanted<'_>) -> Result<Vec<Arc<Loan>>, RouterError> {
        if !wanted.key.is_empty() {
            let provider = wanted.provider.map_or("", Provider::as_str);
            let wish = wish(wanted, wanted.key, provider, Vec::new());
            return Ok(vec![self.keys.obtain(&wish).await?]);
        }
        let providers = match wanted.provider {
            Some(provider) => vec![provider],
            None => Provider::ALL.to_vec(),
        };
        let of_each = providers
            .into_iter()
            .map(|provider| self.loans_of(wanted, provider));
        let mut loans = Vec::new();
        for found in join_all(of_each).await {
            loans.extend(found?);
        }
        Ok(loans)
    }

    async fn loans_of(
        &self,
        wanted: &Wanted<'_>,
        provider: Provider,
    ) -> Result<Vec<Arc<Loan>>, RouterError> {
        let mut loans: Vec<Arc<Loan>> = Vec::new();
        let mut excluded = Vec::new();
        while loans.len() < MOST_KEYS {
            let wish = wish(wanted, "", provider.as_str(), excluded.clone());
            let loan = match self.keys.obtain(&wish).await {
                Ok(loan) => loan,
                // No key, or no further one; or nothing of the provider is available here.
                Err(RouterError::Refused(refusal))
                    if matches!(refusal.reason, "OWN_KEY_REQUIRED" | "POLICY_FORBIDS") =>
                {
                    break;
                }
                Err(error) => return Err(error),
            };
            excluded.push(loan.key_version().key.clone());
            excluded.sort();
            let more = loan.other_keys().iter().any(|key| !excluded.contains(key));
            loans.push(loan);
            if !more {
                break;
            }
        }
        Ok(loans)
    }

    /// A provider's list: the kept one, a new one, or, when there is none to be had, the kept one
    /// with why.
    async fn list(&self, loan: &Loan, refresh: bool) -> (Option<Arc<Kept>>, Option<RouterError>) {
        let kept = self.lists.of(loan.key_version());
        let fresh = |kept: &Arc<Kept>| self.lists.is_fresh(kept, self.clock.boottime());
        if let Some(kept) = kept.as_ref().filter(|kept| !refresh && fresh(kept)) {
            return (Some(Arc::clone(kept)), None);
        }
        match self.fetch(loan).await {
            Ok(models) => {
                let fetched = Kept {
                    models,
                    fetch_time: self.clock.now(),
                    fetched_at: self.clock.boottime(),
                };
                (Some(self.lists.keep(loan.key_version(), fetched)), None)
            }
            Err(error) => {
                if let RouterError::Provider(refused) = &error
                    && refused.class == ErrorClass::Revoked
                {
                    self.keys.report(loan, provider_refusal(refused));
                }
                (kept, Some(error))
            }
        }
    }

    async fn fetch(&self, loan: &Loan) -> Result<Vec<Listed>, RouterError> {
        let _in_use = loan
            .begin_use(&*self.clock)
            .map_err(|_| RouterError::VaultUnavailable)?;
        let until = Instant::now() + self.upstream.config().first_byte_timeout;
        let place = self
            .endpoints
            .choose(loan.provider(), loan.base_url(), loan.location());
        let (base_url, trust) = place?;
        let token;
        let credential = if let Some(credential) = loan.credential() {
            credential
        } else {
            let issuer = TokenIssuer {
                endpoints: &self.endpoints,
                upstream: &self.upstream,
                clock: &*self.clock,
            };
            token = loan.token(&issuer, until).await?;
            Credential::Bearer(token.expose())
        };
        let target = loan.target(&base_url, credential);
        let mut found = Vec::new();
        let mut page_token = String::new();
        for _ in 0..MOST_PAGES {
            let request = models::request(&target, &page_token)?;
            let sent = self.upstream.send(request, trust, loan.pool(), until);
            let (head, body) = sent.await?.into_parts();
            let body = collect(body, until).await?;
            let reply = Reply {
                status: head.status,
                headers: &head.headers,
                body: &body,
                secret: credential.secret(),
                now: system_time(self.clock.now()),
            };
            let page = models::read(loan.provider(), &reply)?;
            found.extend(page.models);
            match page.next {
                Some(next) => page_token = next,
                None => break,
            }
        }
        Ok(found)
    }

    /// Adds what a key reaches: of its provider's list, what it may be used for. At Azure the list
    /// is of models that could be deployed; what is deployed, the key's owner says.
    fn add(&self, reach: &mut Reach, loan: &Loan, kept: &Kept) {
        let deployed = loan.deployments().keys().map(|model| Listed {
            id: model.clone(),
            ..Listed::default()
        });
        let listed: Vec<Listed> = if loan.deployments().is_empty() {
            kept.models.clone()
        } else {
            deployed.collect()
        };
        let catalogue = self.catalogue.current();
        for mut model in listed {
            if !loan.rights().allow(&model.id) {
                continue;
            }
            if let Some(known) = catalogue.find(loan.provider(), &model.id) {
                model.max_input_tokens = model.max_input_tokens.or(known.max_input_tokens);
                model.max_output_tokens = model.max_output_tokens.or(known.max_output_tokens);
                let operations = known.operations.iter().map(|known| (*known).into());
                model.operations.get_or_insert_with(|| operations.collect());
            }
            let reachable = reach
                .models
                .entry((loan.provider(), model.id.clone()))
                .or_insert_with(|| Reachable {
                    listed: model,
                    keys: Vec::new(),
                    fetch_time: kept.fetch_time,
                });
            reachable.keys.push(loan.key_version().key.clone());
            reachable.fetch_time = reachable.fetch_time.max(kept.fetch_time);
        }
    }
}

fn wish(wanted: &Wanted<'_>, key: &str, provider: &str, excluded: Vec<KeyName>) -> Wish {
    Wish {
        scope: wanted.scope.clone(),
        caller: Arc::clone(wanted.caller),
        key: key.to_owned(),
        provider: provider.to_owned(),
        model: String::new(),
        capability: Capability::ListModels,
        // Seen, not failed: who pays does not turn on it, as nobody does.
        excluded,
        payer: None,
        funding: Funding::default(),
        expectations: None,
        own_key_failed: false,
    }
}

/// What a model can be asked for, as far as anybody says.
pub fn operations(listed: &Listed) -> &[Operation] {
    listed.operations.as_deref().unwrap_or_default()
}
