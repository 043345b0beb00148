//! Lists the models that the keys of a workspace reach. Each provider's list is requested with each
//! key, and filtered by the key's model rules.

mod cached;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use latchkey_boot::config::seconds;
use latchkey_clock::{Clock, Timestamp};
use latchkey_contract::ProviderId;
use latchkey_contract::Reason;
use latchkey_contract::names::{KeyName, Scope};
use latchkey_contract::router::v1::Operation;
use latchkey_providers::models::{self, Listed};
use latchkey_providers::{Credential, ErrorClass};
use serde::Deserialize;
use tokio::time::Instant;

use crate::catalogue::Catalogues;
use crate::domain::capability::Capability;
use crate::domain::funding::Funding;
use crate::domain::key_query::KeyQuery;
use crate::domain::key_ref::KeyRef;
use crate::error::RouterError;
use crate::leases::{Lease, Leases};
use crate::provider_call::{Endpoints, Exchange, Purpose, TokenIssuer, Upstream};
use cached::{CachedList, Lists};

/// How long lists are kept.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListingConfig {
    /// Seconds for which a provider's list of models is kept. Default 300.
    #[serde(rename = "keep_seconds", deserialize_with = "seconds::deserialize")]
    pub keep: Duration,
}

impl Default for ListingConfig {
    fn default() -> Self {
        Self {
            keep: Duration::from_mins(5),
        }
    }
}

/// Lists reachable models.
pub struct Listing {
    leases: Arc<Leases>,
    upstream: Arc<Upstream>,
    endpoints: Arc<Endpoints>,
    catalogue: Arc<Catalogues>,
    clock: Arc<dyn Clock>,
    lists: Lists,
}

/// Selects the keys whose models are listed.
pub struct ListQuery<'a> {
    /// The scope.
    pub scope: &'a Scope,
    /// The caller's identity.
    pub caller: &'a Arc<str>,
    /// One provider, or none for all.
    pub provider: Option<ProviderId>,
    /// One key, or none for all.
    pub key: Option<KeyRef>,
    /// Whether cached lists are ignored.
    pub refresh: bool,
}

/// The reachable models.
#[derive(Default)]
pub struct Reach {
    /// The models, by provider and name.
    pub models: BTreeMap<(ProviderId, String), Reachable>,
    /// The failed requests.
    pub failures: Vec<Failure>,
}

/// A reachable model.
pub struct Reachable {
    /// The model in the provider's list, completed from the catalogue.
    pub listed: Listed,
    /// The keys that reach it.
    pub keys: Vec<KeyName>,
    /// The time of the latest list that has the model.
    pub fetch_time: Timestamp,
}

/// A list that could not be requested.
pub struct Failure {
    /// The key of the request.
    pub key: KeyName,
    /// The provider.
    pub provider: ProviderId,
    /// The error.
    pub error: RouterError,
}

/// The maximum number of keys of one provider.
const MAX_KEYS: usize = 32;
/// The maximum number of pages of one list.
const MAX_PAGES: usize = 32;

impl Listing {
    /// A listing with an empty cache.
    pub fn new(
        config: ListingConfig,
        leases: Arc<Leases>,
        upstream: Arc<Upstream>,
        endpoints: Arc<Endpoints>,
        catalogue: Arc<Catalogues>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            leases,
            upstream,
            endpoints,
            catalogue,
            clock,
            lists: Lists::new(config.keep),
        }
    }

    /// The models that the keys of a scope reach.
    pub async fn reach(&self, wanted: &ListQuery<'_>) -> Result<Reach, RouterError> {
        let leases = self.leases(wanted).await?;
        let lists = leases.iter().map(async |lease| {
            let list = self.list(lease, wanted.refresh).await;
            (lease, list)
        });
        let mut reach = Reach::default();
        for (lease, (list, failure)) in join_all(lists).await {
            if let Some(list) = list {
                self.add(&mut reach, lease, &list);
            }
            reach.failures.extend(failure.map(|error| Failure {
                key: lease.key_version().key.clone(),
                provider: lease.provider(),
                error,
            }));
        }
        Ok(reach)
    }

    /// Leases of every key that a request of the scope could get.
    async fn leases(&self, wanted: &ListQuery<'_>) -> Result<Vec<Arc<Lease>>, RouterError> {
        if wanted.key.is_some() {
            let query = query(wanted, wanted.provider, Vec::new());
            return Ok(vec![self.leases.obtain(&query).await?]);
        }
        let providers = match wanted.provider {
            Some(provider) => vec![provider],
            None => ProviderId::ALL.to_vec(),
        };
        let of_each = providers
            .into_iter()
            .map(|provider| self.leases_of(wanted, provider));
        let mut leases = Vec::new();
        for of_one in join_all(of_each).await {
            leases.extend(of_one?);
        }
        Ok(leases)
    }

    async fn leases_of(
        &self,
        wanted: &ListQuery<'_>,
        provider: ProviderId,
    ) -> Result<Vec<Arc<Lease>>, RouterError> {
        let mut leases: Vec<Arc<Lease>> = Vec::new();
        let mut excluded = Vec::new();
        while leases.len() < MAX_KEYS {
            let query = query(wanted, Some(provider), excluded.clone());
            let lease = match self.leases.obtain(&query).await {
                Ok(lease) => lease,
                // The scope has no further key, or the provider is not available in it.
                Err(RouterError::Refused(refusal))
                    if matches!(
                        refusal.reason,
                        Reason::OwnKeyRequired | Reason::PolicyForbids
                    ) =>
                {
                    break;
                }
                Err(error) => return Err(error),
            };
            excluded.push(lease.key_version().key.clone());
            excluded.sort();
            let more = lease.other_keys().iter().any(|key| !excluded.contains(key));
            leases.push(lease);
            if !more {
                break;
            }
        }
        Ok(leases)
    }

    /// A provider's list: the fresh cached one, else a new one. When the request fails, the result is
    /// the stale cached list, if any, and the error.
    async fn list(
        &self,
        lease: &Lease,
        refresh: bool,
    ) -> (Option<Arc<CachedList>>, Option<RouterError>) {
        let cached = self.lists.of(lease.key_version_uid());
        let is_fresh = |list: &Arc<CachedList>| self.lists.is_fresh(list, self.clock.boottime());
        if let Some(list) = cached.as_ref().filter(|list| !refresh && is_fresh(list)) {
            return (Some(Arc::clone(list)), None);
        }
        match self.fetch(lease).await {
            Ok(models) => {
                let fetched = CachedList {
                    models,
                    fetch_time: self.clock.now(),
                    fetched_at: self.clock.boottime(),
                };
                (Some(self.lists.put(lease.key_version_uid(), fetched)), None)
            }
            Err(error) => {
                if let RouterError::Provider(refused) = &error
                    && refused.class == ErrorClass::Revoked
                {
                    let vault = self.leases.vault();
                    vault.report_refused_key(lease.key_version_uid(), refused);
                }
                (cached, Some(error))
            }
        }
    }

    async fn fetch(&self, lease: &Lease) -> Result<Vec<Listed>, RouterError> {
        let until = Instant::now() + self.upstream.config().first_byte_timeout;
        let (base_url, address_source) =
            self.endpoints
                .choose(lease.provider(), lease.base_url(), lease.location())?;
        let token;
        let credential = if let Some(credential) = lease.credential() {
            credential
        } else {
            let issuer = TokenIssuer {
                endpoints: &self.endpoints,
                upstream: &self.upstream,
                clock: &*self.clock,
            };
            token = lease.token(&issuer, until).await?;
            Credential::Bearer(token.expose())
        };
        let exchange = Exchange {
            upstream: &self.upstream,
            clock: &*self.clock,
            owner: Some(lease.pool()),
            address_source,
            secret: credential.secret(),
            purpose: Purpose {
                operation: "list_models",
                provider: lease.provider(),
                model: None,
            },
        };
        let target = lease.target(&base_url, credential);
        let mut listed = Vec::new();
        let mut page_token = String::new();
        for _ in 0..MAX_PAGES {
            let request = models::request(&target, &page_token)?;
            // Before each page: the key may have been revoked meanwhile.
            let in_use = lease.begin_use(&*self.clock);
            let _in_use = in_use.map_err(|_| RouterError::VaultUnavailable)?;
            let answer = exchange.request(request, until).await?;
            let page = models::read(lease.provider(), &exchange.reply(&answer))?;
            listed.extend(page.models);
            match page.next {
                Some(next) => page_token = next,
                None => break,
            }
        }
        Ok(listed)
    }

    /// Adds the models of a provider's list that the key may call. Azure lists the models that could be
    /// deployed, so for a key with deployments the deployed models replace the list.
    fn add(&self, reach: &mut Reach, lease: &Lease, list: &CachedList) {
        let deployed = lease.deployments().keys().map(|model| Listed {
            id: model.clone(),
            ..Listed::default()
        });
        let listed: Vec<Listed> = if lease.deployments().is_empty() {
            list.models.clone()
        } else {
            deployed.collect()
        };
        let catalogue = self.catalogue.current();
        for mut model in listed {
            if !lease.model_rules().allow(&model.id) {
                continue;
            }
            if let Some(known) = catalogue.find(lease.provider(), &model.id) {
                model.max_input_tokens = model.max_input_tokens.or(known.max_input_tokens);
                model.max_output_tokens = model.max_output_tokens.or(known.max_output_tokens);
                let operations = known.operations.iter().map(|known| (*known).into());
                model.operations.get_or_insert_with(|| operations.collect());
            }
            let reachable = reach
                .models
                .entry((lease.provider(), model.id.clone()))
                .or_insert_with(|| Reachable {
                    listed: model,
                    keys: Vec::new(),
                    fetch_time: list.fetch_time,
                });
            reachable.keys.push(lease.key_version().key.clone());
            reachable.fetch_time = reachable.fetch_time.max(list.fetch_time);
        }
    }
}

fn query(wanted: &ListQuery<'_>, provider: Option<ProviderId>, excluded: Vec<KeyName>) -> KeyQuery {
    KeyQuery {
        scope: wanted.scope.clone(),
        caller: Arc::clone(wanted.caller),
        key: wanted.key.clone(),
        provider,
        model: None,
        capability: Capability::ListModels,
        // The excluded keys were listed and have not failed. Listing costs nothing.
        excluded,
        payer: None,
        funding: Funding::default(),
        expectations: None,
        own_key_failed: false,
    }
}

/// The known operations of a model.
pub fn operations(listed: &Listed) -> &[Operation] {
    listed.operations.as_deref().unwrap_or_default()
}
