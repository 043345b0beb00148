//! Configuration: a TOML file, environment variables over it, and errors that name the place.
//!
//! Every struct that is loaded carries `#[serde(deny_unknown_fields)]`, so that a misspelt field
//! stops the start instead of being ignored. With the prefix `LATCHKEY_VAULT_`, the variable
//! `LATCHKEY_VAULT_SERVER__LISTEN` sets the field `listen` of the table `server`: two underscores
//! separate levels, case does not matter. A value is read as a boolean, a number, an
//! `[array]`, a `{table}` or else a string; double quotes force a string. An array is replaced as
//! a whole, never merged.
//!
//! Variables are as strict as the file, except for those that Kubernetes sets in every pod for a Service
//! of that name, such as `LATCHKEY_VAULT_PORT`: they are ignored.

mod document;
mod environment;
mod error;
mod explain;
pub mod seconds;
mod secret;

use std::path::Path;

use figment::Figment;
use figment::providers::Serialized;
use serde::de::DeserializeOwned;

use document::{Document, Source};
use environment::Variables;

pub use environment::environment;
pub use error::{ConfigError, Fault, Field, Place};
pub use secret::{SecretError, SecretString, resolve_optional_secret, resolve_secret};

/// Reads `file`, lays the variables of `env` that begin with `env_prefix` over it, and parses the
/// result.
///
/// `env` is usually [`environment`]; a test passes pairs of its own.
pub fn load<T: DeserializeOwned>(
    file: Option<&Path>,
    env_prefix: &str,
    env: impl IntoIterator<Item = (String, String)>,
) -> Result<T, ConfigError> {
    let source = file.map(Source::read).transpose()?;
    let document = source.as_ref().map(Document::parse).transpose()?;
    let variables = Variables::collect(env_prefix, env)?;

    let mut layers = Figment::new();
    if let Some(document) = &document {
        layers = layers.merge(Serialized::defaults(document.values()));
    }
    layers = layers.merge(Serialized::defaults(variables.values()));

    layers
        .extract()
        .map_err(|error| explain::explain(error, document.as_ref(), &variables, &layers))
}

#[cfg(test)]
mod tests;
