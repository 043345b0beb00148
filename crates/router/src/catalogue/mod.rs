//! The catalogue of models and prices, in layers. The lowest is the built-in catalogue, or the
//! operator's file in its place. More files extend it. The overrides of `UpsertCatalogueModel`, which
//! are in the database, win over all files.

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

/// The current catalogue and its layers. It follows changes of the files and the database; a running
/// call keeps the catalogue that it began with.
pub struct Catalogues {
    config: Arc<CatalogueConfig>,
    store: Store,
    current: ArcSwap<Snapshot>,
    /// The layers of `current`. The lock is held during a change, so that changes are serialized.
    parts: Mutex<Parts>,
}

/// The catalogue at one time.
pub struct Snapshot {
    /// The catalogue.
    pub catalogue: Arc<Catalogue>,
    overridden: HashSet<(ProviderId, String)>,
}

impl Snapshot {
    /// Whether a model comes from an override and not from a file.
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
    /// Whether the last query of the database succeeded.
    is_database_reachable: bool,
}

/// An override can't be stored.
#[derive(Debug, thiserror::Error)]
pub enum OverrideError {
    /// The override breaks a rule of the catalogue.
    #[error(transparent)]
    Rule(#[from] CatalogueError),
    /// The override of another model has the name.
    #[error("must not contain `{0}`: it is the name of another model")]
    NameTaken(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Catalogues {
    /// Loads the files and, if the database answers, the overrides.
    pub async fn open(config: CatalogueConfig, store: Store) -> Result<Self, CatalogueFileError> {
        let config = Arc::new(config);
        // Stamped before they are read, so that a change during the read is detected later.
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
                is_database_reachable: true,
            }),
        };
        catalogues.reload().await;
        Ok(catalogues)
    }

    /// The current catalogue.
    pub fn current(&self) -> Arc<Catalogue> {
        Arc::clone(&self.current.load().catalogue)
    }

    /// The current catalogue with the set of overridden models.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// The interval between two reloads; zero for none.
    pub fn reload_seconds(&self) -> Duration {
        self.config.reload_seconds
    }

    /// Reloads changed files and overrides. An unusable layer is logged, and the former one stays in
    /// use.
    pub async fn reload(&self) {
        let mut parts = self.parts.lock().await;
        let files_changed = self.reload_files(&mut parts).await;
        let overrides_changed = match self.reload_overrides(&mut parts).await {
            Ok(changed) => changed,
            Err(error) => {
                if parts.is_database_reachable {
                    let chain = &error as &dyn std::error::Error;
                    tracing::warn!(error = chain, "catalogue overrides could not be read");
                }
                parts.is_database_reachable = false;
                false
            }
        };
        if files_changed || overrides_changed {
            self.publish(&parts);
        }
    }

    /// Stores an override. This router uses it at once, other routers from their next reload on.
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
            // Another override was stored first, so the names are checked again.
        }
        self.reload_overrides(&mut parts).await?;
        self.publish(&parts);
        Ok(())
    }

    /// Deletes an override. Returns whether it existed.
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
        // Stored even when the files are bad, so that the error is logged once.
        parts.stamps = stamps;
        match load(&self.config).await {
            Ok(files) => {
                tracing::info!(version = files.version(), "catalogue files reloaded");
                parts.files = Arc::new(files);
                true
            }
            Err(error) => {
                let chain = &error as &dyn std::error::Error;
                tracing::error!(error = chain, "catalogue files could not be reloaded");
                false
            }
        }
    }

    async fn reload_overrides(&self, parts: &mut Parts) -> Result<bool, StoreError> {
        let known = parts.overrides.as_ref().map(|known| known.revision);
        let unchanged = Some(self.store.catalogue_revision().await?) == known;
        if !unchanged {
            let rows = self.store.catalogue_rows().await?;
            parts.overrides = Some(Overrides::read(&rows));
        }
        parts.is_database_reachable = true;
        Ok(!unchanged)
    }

    fn publish(&self, parts: &Parts) {
        match snapshot(parts) {
            Ok(snapshot) => self.current.store(Arc::new(snapshot)),
            Err(error) => {
                let chain = &error as &dyn std::error::Error;
                tracing::error!(error = chain, "catalogue overrides could not be applied");
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

/// Loads the files on a blocking thread, since some have megabytes.
async fn load(config: &Arc<CatalogueConfig>) -> Result<Catalogue, CatalogueFileError> {
    let config = Arc::clone(config);
    spawn_blocking(move || files::load(&config))
        .await
        .expect("reading a catalogue does not panic")
}

#[cfg(test)]
mod tests;
