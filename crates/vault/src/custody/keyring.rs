//! The keyring file: the root keys, outside the database.
//!
//! A TOML file that only its owner may read. Each key's id is derived from its bytes, and
//! repeated in the file for people. The file is reloaded when it changes. A bad file is reported, and
//! the ring in use stays.

use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use data_encoding::BASE64;
use latchkey_boot::config::SecretString;
use latchkey_envelope::RootKey;
use ring::rand::SecureRandom;
use serde::Deserialize;
use zeroize::Zeroizing;

/// An error of a keyring file.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// The file could not be read or written.
    #[error("the keyring file {path} could not be read or written: {problem}")]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        problem: std::io::Error,
    },
    /// Other users than its owner may read the file.
    #[error(
        "the keyring file {path} must be owned by the user of this process and readable by that user \
         only: set mode 0600"
    )]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The file is not a keyring.
    #[error("the keyring file {path} is not valid: {problem}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The problem, without any content of the file.
        problem: &'static str,
    },
    /// The system's source of randomness failed.
    #[error("the source of randomness failed")]
    Randomness,
}

/// The root keys by id.
pub struct KeyRing {
    keys: HashMap<String, RootKey>,
    primary: String,
}

impl KeyRing {
    /// The key that wraps new keys, and its id.
    pub fn primary(&self) -> (&str, &RootKey) {
        let key = self
            .keys
            .get(&self.primary)
            .expect("the primary is one of the keys");
        (&self.primary, key)
    }

    /// A key by its id, for unwrapping.
    pub fn get(&self, id: &str) -> Option<&RootKey> {
        self.keys.get(id)
    }
}

/// A keyring file that is in use.
pub struct KeyRingFile {
    path: PathBuf,
    current: ArcSwap<KeyRing>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    keys: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    state: State,
    key: SecretString,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum State {
    Primary,
    DecryptOnly,
}

const KEY_LEN: usize = 32;

impl KeyRingFile {
    /// Reads the file.
    pub fn open(path: &Path) -> Result<Self, KeyRingError> {
        let ring = read(path)?;
        Ok(Self {
            path: path.to_owned(),
            current: ArcSwap::from_pointee(ring),
        })
    }

    /// Creates a file with one new primary key. An existing file is not changed and is an error.
    pub fn create(path: &Path, rng: &dyn SecureRandom) -> Result<(), KeyRingError> {
        let mut bytes = Zeroizing::new([0; KEY_LEN]);
        rng.fill(&mut *bytes)
            .map_err(|_| KeyRingError::Randomness)?;
        let id = RootKey::from_bytes(&bytes).id();
        let key = Zeroizing::new(BASE64.encode(&*bytes));
        let text = Zeroizing::new(format!(
            "# Root keys. This file and the database together reveal every secret; without this file\n\
             # the database is lost. Keep a copy, apart from the database's backups.\n\n\
             [[keys]]\nid = \"{id}\"\nstate = \"primary\"\nkey = \"{}\"\n",
            *key
        ));
        let failed = |problem| KeyRingError::File {
            path: path.to_owned(),
            problem,
        };
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.sync_all().map_err(failed)
    }

    /// The ring in use.
    pub fn current(&self) -> Arc<KeyRing> {
        self.current.load_full()
    }

    /// Reads the file again. After an error, the ring in use stays.
    pub fn reload(&self) -> Result<(), KeyRingError> {
        self.current.store(Arc::new(read(&self.path)?));
        Ok(())
    }

    /// The time of the last write to the file.
    pub fn modified(&self) -> Option<std::time::SystemTime> {
        fs::metadata(&self.path)
            .and_then(|metadata| metadata.modified())
            .ok()
    }
}

fn read(path: &Path) -> Result<KeyRing, KeyRingError> {
    let failed = |problem| KeyRingError::File {
        path: path.to_owned(),
        problem,
    };
    let malformed = |problem| KeyRingError::Malformed {
        path: path.to_owned(),
        problem,
    };
    let metadata = fs::metadata(path).map_err(failed)?;
    let owner = rustix::process::geteuid().as_raw();
    if metadata.mode() & 0o077 != 0 || metadata.uid() != owner {
        return Err(KeyRingError::Exposed {
            path: path.to_owned(),
        });
    }
    let text = Zeroizing::new(fs::read_to_string(path).map_err(failed)?);
    // The parser's own message would quote the line, and with it the key.
    let document: Document = toml::from_str(&text)
        .map_err(|_| malformed("must hold [[keys]], each with id, state and key"))?;
    ring_of(document).map_err(malformed)
}

fn ring_of(document: Document) -> Result<KeyRing, &'static str> {
    let mut keys = HashMap::new();
    let mut primary = None;
    for entry in document.keys {
        let decoded = Zeroizing::new(
            BASE64
                .decode(entry.key.expose().as_bytes())
                .map_err(|_| "a key must be base64")?,
        );
        let bytes = <&[u8; KEY_LEN]>::try_from(decoded.as_slice())
            .map_err(|_| "a key must have 32 bytes")?;
        let key = RootKey::from_bytes(bytes);
        if key.id() != entry.id {
            return Err("an id is not that of its key");
        }
        if entry.state == State::Primary && primary.replace(entry.id.clone()).is_some() {
            return Err("only one key can be primary");
        }
        if keys.insert(entry.id, key).is_some() {
            return Err("a key is listed twice");
        }
    }
    let primary = primary.ok_or("one key must be primary")?;
    Ok(KeyRing { keys, primary })
}

#[cfg(test)]
mod tests;
