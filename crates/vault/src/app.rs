//! The assembly of a vault from its configuration, and its run.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use latchkey_boot::config::resolve_secret;
use latchkey_boot::drain::Drain;
use latchkey_boot::exit::Failure;
use latchkey_boot::health::Health;
use latchkey_boot::server::Listener;
use latchkey_clock::{Clock, SystemClock};
use latchkey_contract::FILE_DESCRIPTOR_SET;
use latchkey_rpc::identity::IdentifyLayer;
use latchkey_rpc::reflection;
use tonic::service::Routes;
use tower::Layer as _;

use crate::bootstrap::open_or_bootstrap;
use crate::config::VaultConfig;
use crate::custody::keyring::KeyRingFile;
use crate::domain::recheck::RecheckInterval;
use crate::leasing::{Leasing, watch_heads};
use crate::quarantine::{Rechecks, watch_refused};
use crate::services;
use crate::store::Store;

/// The time between two looks at the keyring file.
const KEYRING_PERIOD: Duration = Duration::from_secs(5);

/// A vault that is ready to serve.
pub struct App {
    listener: Listener,
    routes: Routes,
    identify: IdentifyLayer,
    health: Health,
    leasing: Arc<Leasing>,
    keyring: Arc<KeyRingFile>,
    rechecks: Option<Arc<Rechecks>>,
    store: Store,
    drain: Drain,
}

impl VaultConfig {
    /// Opens everything that the configuration names. The vault does not serve yet.
    pub async fn build(self, drain: Drain) -> Result<App, Failure> {
        self.build_with(drain, Arc::new(SystemClock)).await
    }

    /// Like [`Self::build`], on the caller's clock.
    pub async fn build_with(self, drain: Drain, clock: Arc<dyn Clock>) -> Result<App, Failure> {
        let url = resolve_secret(self.database.url, self.database.url_file, "database.url")?;
        let keyring = Arc::new(KeyRingFile::open(&self.keyring_file).map_err(Failure::config)?);
        let store = Store::connect(url.expose(), self.database.max_connections)
            .await
            .map_err(Failure::run)?;
        if !store.is_current().await.map_err(Failure::run)? {
            return Err(Failure::run(SchemaError));
        }
        let leasing = Arc::new(Leasing::new(self.leasing, Arc::clone(&clock)));
        let vault = open_or_bootstrap(
            store.clone(),
            Arc::clone(&keyring),
            Arc::clone(&leasing),
            self.egress,
            clock,
        )
        .await
        .map_err(Failure::run)?;
        let vault = Arc::new(vault);
        let rechecks = RecheckInterval::from_seconds(self.quarantine.recheck_interval_seconds)
            .map(|interval| Arc::new(Rechecks::new(Arc::clone(&vault), interval)));
        let identify = IdentifyLayer::new(&self.identity)?;
        let listener = Listener::bind(&self.server)?;
        let health = Health::new(services::SERVICE_NAMES, &drain);
        let routes = Routes::new(health.server());
        let routes =
            services::add_to(routes, &vault, self.grants, &drain).map_err(Failure::config)?;
        let routes = reflection::add_to(routes, FILE_DESCRIPTOR_SET, &services::SERVICE_NAMES)
            .map_err(Failure::run)?;
        Ok(App {
            listener,
            routes,
            identify,
            health,
            leasing,
            keyring,
            rechecks,
            store,
            drain,
        })
    }
}

/// The schema of the database belongs to another release.
#[derive(Debug, thiserror::Error)]
#[error("the schema of the database is not up to date: run `latchkey migrate` first")]
struct SchemaError;

impl App {
    /// The address that it listens on.
    pub fn local_addr(&self) -> SocketAddr {
        self.listener.local_addr()
    }

    /// The rechecks of refused keys, unless they are switched off. A round can be started by hand.
    pub fn rechecks(&self) -> Option<Arc<Rechecks>> {
        self.rechecks.clone()
    }

    /// Serves until the drain is done.
    pub async fn serve(self) -> Result<(), Failure> {
        self.drain
            .spawn(watch_heads(self.leasing, self.store, self.drain.clone()));
        self.drain
            .spawn(watch_keyring(self.keyring, self.drain.clone()));
        if let Some(rechecks) = self.rechecks {
            self.drain
                .spawn(watch_refused(rechecks, self.drain.clone()));
        }
        self.health.ready();
        Ok(self
            .listener
            .serve(self.identify.layer(self.routes.prepare()), self.drain)
            .await?)
    }
}

/// Reloads a changed keyring file. A bad file is logged and changes nothing.
async fn watch_keyring(keyring: Arc<KeyRingFile>, drain: Drain) {
    let mut seen: Option<SystemTime> = keyring.modified();
    let mut ticks = tokio::time::interval(KEYRING_PERIOD);
    loop {
        tokio::select! {
            () = drain.started() => return,
            _ = ticks.tick() => {}
        }
        let modified = keyring.modified();
        if modified == seen {
            continue;
        }
        seen = modified;
        match keyring.reload() {
            Ok(()) => tracing::info!("the keyring was reloaded"),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "reloading the keyring failed");
            }
        }
    }
}
