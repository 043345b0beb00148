//! Loads the catalogue's files, and detects changes of them.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use latchkey_providers::catalogue::litellm::{self, ListError};
use latchkey_providers::catalogue::{Catalogue, CatalogueError, Layer};

use super::CatalogueConfig;

/// A file of the catalogue can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueFileError {
    /// The file can't be read.
    #[error("{}: the file can't be read", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// The error of the operation.
        #[source]
        problem: std::io::Error,
    },
    /// The file is not a catalogue, or contradicts the files below it.
    #[error("{}: not a catalogue", file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// The first problem.
        #[source]
        problem: CatalogueError,
    },
    /// The file is not a list of prices.
    #[error("{}: not a list of prices", file.display())]
    List {
        /// The file.
        file: PathBuf,
        /// The first problem.
        #[source]
        problem: ListError,
    },
    /// The file's format is not known.
    #[error("{}: the file must end in .toml or .json", file.display())]
    Form {
        /// The file.
        file: PathBuf,
    },
}

/// Loads all files into one catalogue.
pub(super) fn load(config: &CatalogueConfig) -> Result<Catalogue, CatalogueFileError> {
    let malformed = |file: &Path, problem| CatalogueFileError::Malformed {
        file: file.to_owned(),
        problem,
    };
    let mut catalogue = match &config.file {
        None => Catalogue::builtin(),
        Some(file) => Catalogue::parse(&read(file)?).map_err(|problem| malformed(file, problem))?,
    };
    for file in &config.extend {
        let layer = match file.extension().and_then(|extension| extension.to_str()) {
            Some("toml") => {
                Layer::parse(&read(file)?).map_err(|problem| malformed(file, problem))?
            }
            Some("json") => list(file)?,
            _ => return Err(CatalogueFileError::Form { file: file.clone() }),
        };
        catalogue = catalogue
            .extend(layer)
            .map_err(|problem| malformed(file, problem))?;
    }
    Ok(catalogue)
}

fn read(file: &Path) -> Result<String, CatalogueFileError> {
    std::fs::read_to_string(file).map_err(|problem| CatalogueFileError::File {
        file: file.to_owned(),
        problem,
    })
}

/// Loads a list of prices. It has no version of its own, so its checksum is its version.
fn list(file: &Path) -> Result<Layer, CatalogueFileError> {
    let text = read(file)?;
    let import = litellm::read(&text).map_err(|problem| CatalogueFileError::List {
        file: file.to_owned(),
        problem,
    })?;
    tracing::info!(
        file = %file.display(),
        models = import.models.len(),
        skipped = import.skipped.len(),
        of_other_providers = import.of_other_providers,
        "price list read"
    );
    for skipped in &import.skipped {
        tracing::debug!(row = skipped.name, reason = %skipped.reason, "price list row skipped");
    }
    let version = format!("litellm-{:08x}", crc32fast::hash(text.as_bytes()));
    Layer::of_models(&version, import.models).map_err(|problem| CatalogueFileError::Malformed {
        file: file.to_owned(),
        problem,
    })
}

/// The modification time and the length of a file; none when they can't be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Stamp(Option<(SystemTime, u64)>);

/// The stamps of all files.
pub(super) fn stamps(config: &CatalogueConfig) -> Vec<Stamp> {
    let files = config.file.iter().chain(&config.extend);
    files.map(|file| stamp(std::fs::metadata(file))).collect()
}

fn stamp(metadata: std::io::Result<Metadata>) -> Stamp {
    Stamp(
        metadata
            .ok()
            .and_then(|metadata| Some((metadata.modified().ok()?, metadata.len()))),
    )
}
