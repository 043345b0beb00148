//! Which catalogue is used.

use std::path::PathBuf;
use std::time::Duration;

use latchkey_boot::config::seconds;
use serde::Deserialize;

/// Which catalogue is used.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CatalogueConfig {
    /// A file in the form of the built-in one, in its place. Default: the built-in one.
    pub file: Option<PathBuf>,
    /// Files that are laid over it, one after the other: `.toml` in the same form, without defaults
    /// if it likes, or `.json`, LiteLLM's list of prices.
    pub extend: Vec<PathBuf>,
    /// Seconds between looks at whether the files, or what operators say, have changed; 0 is never.
    /// Default 10.
    #[serde(deserialize_with = "seconds::deserialize")]
    pub reload_seconds: Duration,
}

impl Default for CatalogueConfig {
    fn default() -> Self {
        Self {
            file: None,
            extend: Vec::new(),
            reload_seconds: Duration::from_secs(10),
        }
    }
}
