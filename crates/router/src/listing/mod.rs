//! What the keys of a workspace can reach: each provider's own list of models, asked for with each
//! key, within what the key may be used for.

mod kept;

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
use latchkey_contract::vault::v1::Capability;
use latchkey_providers::decode::Reply;
use latchkey_providers::models::{self, Listed};
use latchkey_providers::{Credential, ErrorClass};
use serde::Deserialize;
use tokio::time::Instant;

use crate::catalogue::Catalogues;
use crate::dispatch::Endpoints;
use crate::domain::funding::Funding;
use crate::error::RouterError;
use crate::keys::{KeyQuery, Keys, Lease, TokenIssuer, provider_refusal, system_time};
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
    pub provider: Option<ProviderId>,
    /// One key by name, or all.
    pub key: &'a str,
    /// Whether kept lists will not do.
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
    async fn leases(&self, wanted: &Wanted<'_>) -> Result<Vec<Arc<Lease>>, RouterError> {
        if !wanted.key.is_empty() {
            let provider = wanted.provider.map_or("", ProviderId::as_str);
            let query = query(wanted, wanted.key, provider, Vec::new());
            return Ok(vec![self.keys.obtain(&query).await?]);
        }
        let providers = match wanted.provider {
            Some(provider) => vec![provider],
            None => ProviderId::ALL.to_vec(),
        };
        let of_each = providers
            .into_iter()
            .map(|provider| self.leases_of(wanted, provider));
        let mut leases = Vec::new();
        for found in join_all(of_each).await {
            leases.extend(found?);
        }
        Ok(leases)
    }

    async fn leases_of(
        &self,
        wanted: &Wanted<'_>,
        provider: ProviderId,
    ) -> Result<Vec<Arc<Lease>>, RouterError> {
        let mut leases: Vec<Arc<Lease>> = Vec::new();
        let mut excluded = Vec::new();
        while leases.len() < MAX_KEYS {
            let query = query(wanted, "", provider.as_str(), excluded.clone());
            let lease = match self.keys.obtain(&query).await {
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
    async fn list(&self, lease: &Lease, refresh: bool) -> (Option<Arc<Kept>>, Option<RouterError>) {
        let kept = self.lists.of(lease.key_version());
        let fresh = |kept: &Arc<Kept>| self.lists.is_fresh(kept, self.clock.boottime());
        if let Some(kept) = kept.as_ref().filter(|kept| !refresh && fresh(kept)) {
            return (Some(Arc::clone(kept)), None);
        }
        match self.fetch(lease).await {
            Ok(models) => {
                let fetched = Kept {
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
                    self.keys.report(lease, provider_refusal(refused));
                }
                (kept, Some(error))
            }
        }
    }

    async fn fetch(&self, lease: &Lease) -> Result<Vec<Listed>, RouterError> {
        let _in_use = lease
            .begin_use(&*self.clock)
            .map_err(|_| RouterError::VaultUnavailable)?;
        let until = Instant::now() + self.upstream.config().first_byte_timeout;
        let place = self
            .endpoints
            .choose(lease.provider(), lease.base_url(), lease.location());
        let (base_url, address_source) = place?;
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
        let target = lease.target(&base_url, credential);
        let mut found = Vec::new();
        let mut page_token = String::new();
        for _ in 0..MAX_PAGES {
            let request = models::request(&target, &page_token)?;
            let sent = self
                .upstream
                .send(request, address_source, lease.pool(), until);
            let (head, body) = sent.await?.into_parts();
            let body = collect(body, until).await?;
            let reply = Reply {
                status: head.status,
                headers: &head.headers,
                body: &body,
                secret: credential.secret(),
                now: system_time(self.clock.now()),
            };
            let page = models::read(lease.provider(), &reply)?;
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
    fn add(&self, reach: &mut Reach, lease: &Lease, kept: &Kept) {
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
            if !lease.rights().allow(&model.id) {
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

fn query(wanted: &Wanted<'_>, key: &str, provider: &str, excluded: Vec<KeyName>) -> KeyQuery {
    KeyQuery {
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
