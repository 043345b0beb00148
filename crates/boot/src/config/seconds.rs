//! Durations in configuration: a number of seconds, whole or fractional.
//!
//! ```
//! #[derive(serde::Deserialize)]
//! struct Config {
//!     #[serde(deserialize_with = "latchkey_boot::config::seconds::deserialize")]
//!     grace: std::time::Duration,
//! }
//! # let config: Config = toml::from_str("grace = 1.5").unwrap();
//! # assert_eq!(config.grace, std::time::Duration::from_millis(1500));
//! ```

use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, Unexpected};

/// Reads a number of seconds that is not negative.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    Duration::try_from_secs_f64(seconds).map_err(|_| {
        Error::invalid_value(
            Unexpected::Float(seconds),
            &"a number of seconds, 0 or more",
        )
    })
}
