//! What is known of models: the built-in catalogue, or the operator's file in its place.

use std::path::{Path, PathBuf};

use latchkey_providers::catalogue::{Catalogue, CatalogueError};
use serde::Deserialize;

/// Which catalogue is used.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CatalogueConfig {
    /// A file in the form of the built-in one, in its place. Default: the built-in one.
    pub file: Option<PathBuf>,
}

/// A catalogue that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueFileError {
    /// The file can't be read.
    #[error("{}: the catalogue cannot be read", file.display())]
    File {
        /// Which file.
        file: PathBuf,
        /// What happened.
        #[source]
        problem: std::io::Error,
    },
    /// The file is not a catalogue.
    #[error("{}: not a catalogue", file.display())]
    Malformed {
        /// Which file.
        file: PathBuf,
        /// What is wrong.
        #[source]
        problem: CatalogueError,
    },
}

impl CatalogueConfig {
    /// The catalogue that it names.
    pub fn load(&self) -> Result<Catalogue, CatalogueFileError> {
        match &self.file {
            None => Ok(Catalogue::builtin()),
            Some(file) => read(file),
        }
    }
}

fn read(file: &Path) -> Result<Catalogue, CatalogueFileError> {
    let text = std::fs::read_to_string(file).map_err(|problem| CatalogueFileError::File {
        file: file.to_owned(),
        problem,
    })?;
    Catalogue::parse(&text).map_err(|problem| CatalogueFileError::Malformed {
        file: file.to_owned(),
        problem,
    })
}

/// The catalogue in use.
pub struct Catalogues(std::sync::Arc<Catalogue>);

impl Catalogues {
    /// Of this one alone.
    pub fn new(catalogue: Catalogue) -> Self {
        Self(std::sync::Arc::new(catalogue))
    }

    /// As it is now.
    pub fn current(&self) -> std::sync::Arc<Catalogue> {
        std::sync::Arc::clone(&self.0)
    }
}
