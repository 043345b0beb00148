//! What the keys of a workspace can reach: each provider's own list of models, asked for with each
//! key, within what the key may be used for.

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

/// Everything that listing needs.
pub struct Listing {
    leases: Arc<Leases>,
    upstream: Arc<Upstream>,
    endpoints: Arc<Endpoints>,
    catalogue: Arc<Catalogues>,
    clock: Arc<dyn Clock>,
    lists: Lists,
}

/// Which models are to be listed.
pub struct ListQuery<'a> {
    /// The scope.
    pub scope: &'a Scope,
    /// The caller's identity.
    pub caller: &'a Arc<str>,
    /// One provider, or none for all.
    pub provider: Option<ProviderId>,
    /// One key, or none for all.
    pub key: Option<KeyRef>,
    /// Whether the providers must be asked again, whatever is cached.
    pub refresh: bool,
}

/// What can be reached.
#[derive(Default)]
pub struct Reach {
    /// By provider and name.
    pub models: BTreeMap<(ProviderId, String), Reachable>,
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
    pub provider: ProviderId,
    /// Why.
    pub error: RouterError,
}

/// Keys of one provider that are asked with at most.
const MAX_KEYS: usize = 32;
/// Pages of one list at most.
const MAX_PAGES: usize = 32;

impl Listing {
    /// Nothing kept yet.
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

    /// What the keys of a scope can reach.
    pub async fn reach(&self, wanted: &ListQuery<'_>) -> Result<Reach, RouterError> {
        let leases = self.leases(wanted).await?;
        let asked = leases.iter().map(async |lease| {
            let list = self.list(lease, wanted.refresh).await;
            (lease, list)
        });
        let mut reach = Reach::default();
        for (lease, (list, failure)) in join_all(asked).await {
            if let Some(kept) = list {
                self.add(&mut reach, lease, &kept);
            }
            reach.failures.extend(failure.map(|error| Failure {
                key: lease.key_version().key.clone(),
                provider: lease.provider(),
                error,
            }));
        }
        Ok(reach)
    }

    /// Every key that a request could be given.
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
                // No key, or no further one; or nothing of the provider is available here.
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

    /// A provider's list: the kept one, a new one, or, when there is none to be had, the kept one
    /// with why.
    async fn list(
        &self,
        lease: &Lease,
        refresh: bool,
    ) -> (Option<Arc<CachedList>>, Option<RouterError>) {
        let kept = self.lists.of(lease.key_version());
        let fresh = |kept: &Arc<CachedList>| self.lists.is_fresh(kept, self.clock.boottime());
        if let Some(kept) = kept.as_ref().filter(|kept| !refresh && fresh(kept)) {
            return (Some(Arc::clone(kept)), None);
        }
        match self.fetch(lease).await {
            Ok(models) => {
                let fetched = CachedList {
                    models,
                    fetch_time: self.clock.now(),
                    fetched_at: self.clock.boottime(),
                };
                (Some(self.lists.keep(lease.key_version(), fetched)), None)
            }
            Err(error) => {
                if let RouterError::Provider(refused) = &error
                    && refused.class == ErrorClass::Revoked
                {
                    let vault = self.leases.vault();
                    vault.report_refused_key(lease.key_version(), refused);
                }
                (kept, Some(error))
            }
        }
    }

    async fn fetch(&self, lease: &Lease) -> Result<Vec<Listed>, RouterError> {
        let until = Instant::now() + self.upstream.config().first_byte_timeout;
        let endpoint = self
            .endpoints
            .choose(lease.provider(), lease.base_url(), lease.location());
        let (base_url, address_source) = endpoint?;
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

    /// Adds what a key reaches: of its provider's list, what it may be used for. At Azure the list
    /// is of models that could be deployed; what is deployed, the key's owner says.
    fn add(&self, reach: &mut Reach, lease: &Lease, kept: &CachedList) {
        let deployed = lease.deployments().keys().map(|model| Listed {
            id: model.clone(),
            ..Listed::default()
        });
        let listed: Vec<Listed> = if lease.deployments().is_empty() {
            kept.models.clone()
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
                    fetch_time: kept.fetch_time,
                });
            reachable.keys.push(lease.key_version().key.clone());
            reachable.fetch_time = reachable.fetch_time.max(kept.fetch_time);
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
        // These keys were listed, not tried: no call failed, and listing costs nothing.
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
