//! Builds a router from its configuration, and runs it.

use std::net::SocketAddr;
use std::sync::Arc;

use latchkey_boot::config::resolve_secret;
use latchkey_boot::drain::Drain;
use latchkey_boot::exit::Failure;
use latchkey_boot::health::Health;
use latchkey_boot::server::Listener;
use latchkey_clock::{Clock, SystemClock};
use latchkey_contract::FILE_DESCRIPTOR_SET;
use latchkey_rpc::identity::IdentifyLayer;
use latchkey_rpc::reflection;
use ring::rand::SystemRandom;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tower::Layer as _;

use crate::catalogue::{Catalogues, watch};
use crate::config::RouterConfig;
use crate::dispatch::Dispatcher;
use crate::health::KeyHealth;
use crate::key_check::ProviderChecker;
use crate::leases::Leases;
use crate::ledger::{Journal, Ledger, ShipperParts, ship};
use crate::listing::Listing;
use crate::provider_call::{Endpoints, Upstream};
use crate::services::{self, UsageReader};
use crate::sessions::{Sessions, retain};
use crate::store::Store;
use crate::vault_client::{VaultClient, hold_router_session};

/// A router that is ready to serve.
pub struct App {
    listener: Listener,
    routes: Routes,
    identify: IdentifyLayer,
    health: Health,
    vault: Arc<VaultClient>,
    leases: Arc<Leases>,
    checker: Arc<ProviderChecker>,
    catalogues: Arc<Catalogues>,
    sessions: Arc<Sessions>,
    shipper: ShipperParts,
    instance: String,
    drain: Drain,
}

impl RouterConfig {
    /// Opens the database, the journal, the catalogue and the listener. Nothing is served yet.
    pub async fn build(self, drain: Drain) -> Result<App, Failure> {
        self.build_with(drain, Arc::new(SystemClock)).await
    }

    /// Builds the router with a given clock.
    pub async fn build_with(self, drain: Drain, clock: Arc<dyn Clock>) -> Result<App, Failure> {
        let url = resolve_secret(self.database.url, self.database.url_file, "database.url")?;
        let store = Store::connect(url.expose(), self.database.max_connections)
            .await
            .map_err(Failure::run)?;
        let journal = Journal::open(&self.journal).map_err(Failure::run)?;
        let ledger = Arc::new(Ledger::new(Arc::clone(&journal)));
        let catalogues = Arc::new(
            Catalogues::open(self.catalogue, store.clone())
                .await
                .map_err(Failure::config)?,
        );
        let upstream = Arc::new(Upstream::new(self.upstream, self.egress.clone()));
        let endpoints =
            Arc::new(Endpoints::new(&self.providers, self.egress).map_err(Failure::config)?);
        let channel = self.vault.open()?;
        let vault = Arc::new(VaultClient::new(channel, Arc::clone(&clock)));
        let leases = Arc::new(Leases::new(Arc::clone(&vault), Arc::clone(&clock)));
        let checker = Arc::new(ProviderChecker {
            upstream: Arc::clone(&upstream),
            endpoints: Arc::clone(&endpoints),
            clock: Arc::clone(&clock),
        });
        let listing = Arc::new(Listing::new(
            self.listing,
            Arc::clone(&leases),
            Arc::clone(&upstream),
            Arc::clone(&endpoints),
            Arc::clone(&catalogues),
            Arc::clone(&clock),
        ));
        let dispatcher = Arc::new(Dispatcher {
            leases: Arc::clone(&leases),
            upstream,
            endpoints,
            catalogue: Arc::clone(&catalogues),
            ledger: Arc::clone(&ledger),
            attempts: self.attempts,
            health: KeyHealth::new(self.attempts.limits()),
            clock,
            rng: SystemRandom::new(),
        });
        let sessions = Arc::new(Sessions {
            store: store.clone(),
            vault: Arc::clone(&vault),
            catalogue: Arc::clone(&catalogues),
            clock: Arc::clone(&dispatcher.clock),
            rng: SystemRandom::new(),
        });
        let identify = IdentifyLayer::new(&self.identity)?;
        let max_message_bytes = self.server.max_message_bytes;
        let listener = Listener::bind(&self.server)?;
        let health = Health::new(services::SERVICE_NAMES, &drain);
        let usage = UsageReader {
            store: store.clone(),
            ledger,
            vault: Arc::clone(&vault),
        };
        let with_services = services::add_to(
            Routes::new(health.server()),
            (dispatcher, listing, Arc::clone(&sessions)),
            usage,
            self.grants,
            max_message_bytes,
        )
        .map_err(Failure::config)?;
        let routes =
            reflection::add_to(with_services, FILE_DESCRIPTOR_SET, &services::SERVICE_NAMES)
                .map_err(Failure::run)?;
        let shipper = ShipperParts { journal, store };
        let instance = self.instance;
        Ok(App {
            listener,
            routes,
            identify,
            health,
            vault,
            leases,
            checker,
            catalogues,
            sessions,
            shipper,
            instance,
            drain,
        })
    }
}

impl App {
    /// The address on which the router listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.listener.local_addr()
    }

    /// The sessions of the router.
    pub fn sessions(&self) -> &Arc<Sessions> {
        &self.sessions
    }

    /// Serves until the drain is complete.
    pub async fn serve(self) -> Result<(), Failure> {
        // Background tasks end after the last call, which may still need a key and writes its outcome.
        let over = CancellationToken::new();
        let holding = tokio::spawn(hold_router_session(
            self.vault,
            self.leases,
            self.checker,
            self.instance,
            over.clone(),
        ));
        let watching = tokio::spawn(watch(self.catalogues, over.clone()));
        let retaining = tokio::spawn(retain(self.sessions, over.clone()));
        let mut shipping = tokio::spawn(ship(self.shipper, over.clone()));
        let cut = self.drain.cut();
        self.health.ready();
        let served = self
            .listener
            .serve(self.identify.layer(self.routes.prepare()), self.drain)
            .await;
        over.cancel();
        let _ = holding.await;
        let _ = watching.await;
        let _ = retaining.await;
        tokio::select! {
            _ = &mut shipping => {}
            () = cut => {
                shipping.abort();
                let _ = shipping.await;
            }
        }
        Ok(served?)
    }
}
