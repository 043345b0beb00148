//! What is known of models: the built-in catalogue or the operator's file in its place, more files
//! laid over it, and on top of all what operators say by `UpsertCatalogueModel`.

mod config;
mod files;
mod overrides;
mod watch;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use latchkey_clock::Timestamp;
use latchkey_contract::ProviderId;
use latchkey_providers::catalogue::{Catalogue, CatalogueError, Layer, Model};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

pub use config::CatalogueConfig;
pub use files::CatalogueFileError;
pub use watch::watch;

use crate::store::{Store, StoreError};
use files::Stamp;
use overrides::Overrides;

/// The catalogue in use, and what it is made of. It follows its files and the database; calls that
/// have start go on with what they have.
pub struct Catalogues {
    config: Arc<CatalogueConfig>,
    store: Store,
    current: ArcSwap<Snapshot>,
    /// What `current` was made from. Held while that changes, so that changes come one by one.
    parts: Mutex<Parts>,
}

/// The catalogue at one moment.
pub struct Snapshot {
    /// What it says.
    pub catalogue: Arc<Catalogue>,
    overridden: HashSet<(ProviderId, String)>,
}

impl Snapshot {
    /// Whether what it says of a model is an operator's word, and not a file's.
    pub fn is_overridden(&self, model: &Model) -> bool {
        self.overridden
            .contains(&(model.provider, model.id.clone()))
    }
}

struct Parts {
    files: Arc<Catalogue>,
    stamps: Vec<Stamp>,
    /// None until the database has answered.
    overrides: Option<Overrides>,
    /// Whether the database answered when it was asked last.
    reached: bool,
}

/// What an operator says can't be taken.
#[derive(Debug, thiserror::Error)]
pub enum OverrideError {
    /// It breaks a rule of the catalogue.
    #[error(transparent)]
    Rule(#[from] CatalogueError),
    /// Another model that operators spoke of has the name.
    #[error("`{0}` is the name of another model")]
    NameTaken(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Catalogues {
    /// Reads the files, and what operators said if the database answers.
    pub async fn open(config: CatalogueConfig, store: Store) -> Result<Self, CatalogueFileError> {
        let config = Arc::new(config);
        // Seen before it is read: what changes meanwhile is noticed later.
        let stamps = files::stamps(&config);
        let files = Arc::new(load(&config).await?);
        let catalogues = Self {
            config,
            store,
            current: ArcSwap::from_pointee(Snapshot {
                catalogue: Arc::clone(&files),
                overridden: HashSet::new(),
            }),
            parts: Mutex::new(Parts {
                files,
                stamps,
                overrides: None,
                reached: true,
            }),
        };
        catalogues.reload().await;
        Ok(catalogues)
    }

    /// The catalogue as it is now.
    pub fn current(&self) -> Arc<Catalogue> {
        Arc::clone(&self.current.load().catalogue)
    }

    /// The same, and what in it is an operator's word.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// How often to look for changes; zero is never.
    pub fn reload_seconds(&self) -> Duration {
        self.config.reload_seconds
    }

    /// Takes over what has changed in the files and in the database. What can't be used is logged,
    /// and what was used before stays.
    pub async fn reload(&self) {
        let mut parts = self.parts.lock().await;
        let files = self.reload_files(&mut parts).await;
        let overrides = self.reload_overrides(&mut parts).await;
        let overrides = overrides.unwrap_or_else(|error| {
            if parts.reached {
                let chain = &error as &dyn std::error::Error;
                tracing::warn!(error = chain, "what operators say of models is not known");
            }
            parts.reached = false;
            false
        });
        if files || overrides {
            self.publish(&parts);
        }
    }

    /// Says something of a model, here at once and at other routers when they look.
    pub async fn put(&self, model: &Model, now: Timestamp) -> Result<(), OverrideError> {
        Layer::of_models("check", vec![model.clone()])?;
        let row = overrides::row(model, now);
        let mut parts = self.parts.lock().await;
        loop {
            let known = Overrides::read(&self.store.catalogue_rows().await?);
            if let Some(name) = known.conflict(model) {
                return Err(OverrideError::NameTaken(name.to_owned()));
            }
            if self.store.put_catalogue_row(&row, known.revision).await? {
                break;
            }
            // Somebody else said something meanwhile, so the names are looked at again.
        }
        self.reload_overrides(&mut parts).await?;
        self.publish(&parts);
        Ok(())
    }

    /// Takes back what was said of a model. Returns whether there was anything.
    pub async fn delete(&self, provider: &str, model: &str) -> Result<bool, StoreError> {
        let mut parts = self.parts.lock().await;
        let deleted = self.store.delete_catalogue_row(provider, model).await?;
        self.reload_overrides(&mut parts).await?;
        self.publish(&parts);
        Ok(deleted)
    }

    async fn reload_files(&self, parts: &mut Parts) -> bool {
        let stamps = files::stamps(&self.config);
        if stamps == parts.stamps {
            return false;
        }
        // Noted even when they are bad, so that the log says it once.
        parts.stamps = stamps;
        match load(&self.config).await {
            Ok(files) => {
                tracing::info!(version = files.version(), "the catalogue's files were read");
                parts.files = Arc::new(files);
                true
            }
            Err(error) => {
                let chain = &error as &dyn std::error::Error;
                tracing::error!(error = chain, "the catalogue's files are not usable");
                false
            }
        }
    }

    async fn reload_overrides(&self, parts: &mut Parts) -> Result<bool, StoreError> {
        let known = parts.overrides.as_ref().map(|known| known.revision);
        let unchanged = Some(self.store.catalogue_revision().await?) == known;
        if !unchanged {
            let found = self.store.catalogue_rows().await?;
            parts.overrides = Some(Overrides::read(&found));
        }
        parts.reached = true;
        Ok(!unchanged)
    }

    fn publish(&self, parts: &Parts) {
        match snapshot(parts) {
            Ok(snapshot) => self.current.store(Arc::new(snapshot)),
            Err(error) => {
                let chain = &error as &dyn std::error::Error;
                tracing::error!(error = chain, "what operators say of models is not usable");
            }
        }
    }
}

fn snapshot(parts: &Parts) -> Result<Snapshot, CatalogueError> {
    let overrides = parts.overrides.as_ref().filter(|o| !o.models.is_empty());
    let Some(Overrides { revision, models }) = overrides else {
        return Ok(Snapshot {
            catalogue: Arc::clone(&parts.files),
            overridden: HashSet::new(),
        });
    };
    let layer = Layer::of_models(&format!("overrides-{revision}"), models.clone())?;
    let names = models
        .iter()
        .map(|model| (model.provider, model.id.clone()));
    Ok(Snapshot {
        catalogue: Arc::new(parts.files.extend(layer)?),
        overridden: names.collect(),
    })
}

/// Reads the files away from the threads that serve calls: some are megabytes.
async fn load(config: &Arc<CatalogueConfig>) -> Result<Catalogue, CatalogueFileError> {
    let config = Arc::clone(config);
    spawn_blocking(move || files::load(&config))
        .await
        .expect("reading a catalogue does not panic")
}

#[cfg(test)]
mod tests;
