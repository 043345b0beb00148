//! The catalogue's files, and how a change of them is noticed.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use latchkey_providers::catalogue::litellm::{self, ListError};
use latchkey_providers::catalogue::{Catalogue, CatalogueError, Layer};

use super::CatalogueConfig;

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
    /// The file is not a catalogue, or does not fit on those below it.
    #[error("{}: not a catalogue", file.display())]
    Malformed {
        /// Which file.
        file: PathBuf,
        /// What is wrong.
        #[source]
        problem: CatalogueError,
    },
    /// The file is not a list of prices.
    #[error("{}: not a list of prices", file.display())]
    List {
        /// Which file.
        file: PathBuf,
        /// What is wrong.
        #[source]
        problem: ListError,
    },
    /// Nobody knows what form the file has.
    #[error("{}: ends neither in .toml nor in .json", file.display())]
    Form {
        /// Which file.
        file: PathBuf,
    },
}

/// The catalogue that the files make.
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

/// A list of prices has no version, so it is known by a checksum of what it says.
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
        "a list of prices was read"
    );
    for skipped in &import.skipped {
        tracing::debug!(row = skipped.name, reason = %skipped.reason, "a row was skipped");
    }
    let version = format!("litellm-{:08x}", crc32fast::hash(text.as_bytes()));
    Layer::of_models(&version, import.models).map_err(|problem| CatalogueFileError::Malformed {
        file: file.to_owned(),
        problem,
    })
}

/// What a file looks like from outside; none when it can't be seen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Stamp(Option<(SystemTime, u64)>);

/// How all files look.
pub(super) fn stamps(config: &CatalogueConfig) -> Vec<Stamp> {
    let files = config.file.iter().chain(&config.extend);
    files.map(|file| stamp(std::fs::metadata(file))).collect()
}

fn stamp(seen: std::io::Result<Metadata>) -> Stamp {
    Stamp(
        seen.ok()
            .and_then(|seen| Some((seen.modified().ok()?, seen.len()))),
    )
}
