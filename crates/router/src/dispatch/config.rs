//! How often and how long the router tries.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use latchkey_boot::config::seconds;
use serde::Deserialize;

use crate::health::Limits;

/// The budget of a request, and when a key is left alone.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttemptsConfig {
    /// Calls for one request at most, over all keys and fallbacks. Default 8.
    #[serde(rename = "max_calls")]
    pub most: usize,
    /// Calls to one model at most, over all keys. Default 3.
    #[serde(rename = "max_calls_per_model")]
    pub per_model: usize,
    /// Calls in a row with one key at most. Default 2.
    #[serde(rename = "max_calls_per_key")]
    pub per_key: usize,
    /// Seconds before the first repetition with the same key, and by chance up to as long again; twice
    /// that before each further one. Default 0.5.
    #[serde(
        rename = "first_pause_seconds",
        deserialize_with = "seconds::deserialize"
    )]
    pub first_pause: Duration,
    /// Seconds between two repetitions at most. Default 8.
    #[serde(
        rename = "max_pause_seconds",
        deserialize_with = "seconds::deserialize"
    )]
    pub longest_pause: Duration,
    /// Seconds that a provider may ask to wait; beyond it, the request goes elsewhere or fails at
    /// once. Default 10.
    #[serde(rename = "max_wait_seconds", deserialize_with = "seconds::deserialize")]
    pub longest_wait: Duration,
    /// Seconds for which a throttled key is left alone when the provider names no time. Default 5.
    #[serde(
        rename = "throttled_pause_seconds",
        deserialize_with = "seconds::deserialize"
    )]
    pub throttled_pause: Duration,
    /// Seconds for which a key is left alone for a model when it has no credit or no right to it.
    /// Default 60.
    #[serde(
        rename = "refused_pause_seconds",
        deserialize_with = "seconds::deserialize"
    )]
    pub refused_pause: Duration,
    /// Failures of a key's provider in a row after which it is left alone. Default 5.
    pub breaker_failures: u32,
    /// Seconds for which it is, before one call tries again. Default 10.
    #[serde(
        rename = "breaker_pause_seconds",
        deserialize_with = "seconds::deserialize"
    )]
    pub breaker_pause: Duration,
    /// Seconds at most, when that call fails again and again. Default 60.
    #[serde(
        rename = "breaker_max_pause_seconds",
        deserialize_with = "seconds::deserialize"
    )]
    pub breaker_longest_pause: Duration,
}

impl Default for AttemptsConfig {
    fn default() -> Self {
        Self {
            most: 8,
            per_model: 3,
            per_key: 2,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(8),
            longest_wait: Duration::from_secs(10),
            throttled_pause: Duration::from_secs(5),
            refused_pause: Duration::from_mins(1),
            breaker_failures: 5,
            breaker_pause: Duration::from_secs(10),
            breaker_longest_pause: Duration::from_mins(1),
        }
    }
}

impl AttemptsConfig {
    /// When the breaker of a key opens.
    pub fn limits(&self) -> Limits {
        Limits {
            failures: self.breaker_failures.max(1),
            pause: self.breaker_pause,
            longest_pause: self.breaker_longest_pause.max(self.breaker_pause),
        }
    }

    /// The pauses between repetitions.
    pub(super) fn pauses(&self) -> ExponentialBackoff {
        ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(self.first_pause)
            .with_max_delay(self.longest_pause)
            .without_max_times()
            .build()
    }
}
