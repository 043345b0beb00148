//! The keys of one model: the current one, those to skip, and the throttled ones.

use std::time::Duration;

use latchkey_contract::names::{KeyName, KeyParent};
use tokio::time::Instant;

use crate::domain::attempt::Payer;

/// The keys that a request has tried for one model.
#[derive(Debug, Default)]
pub(super) struct TriedKeys {
    current: Option<KeyName>,
    /// Usable keys that the vault did not choose.
    others: Vec<KeyName>,
    /// Keys that the vault must skip, sorted.
    excluded: Vec<KeyName>,
    /// Throttled keys, and when each is free again.
    throttled: Vec<(KeyName, Instant)>,
}

impl TriedKeys {
    /// The keys that the vault must skip, sorted.
    pub(super) fn excluded(&self) -> &[KeyName] {
        &self.excluded
    }

    /// Records the key in use, and the usable keys that the vault did not choose. Returns whether it is
    /// another key than before.
    pub(super) fn use_key(&mut self, key: &KeyName, others: &[KeyName]) -> bool {
        if self.current.as_ref() == Some(key) {
            return false;
        }
        self.current = Some(key.clone());
        for other in others {
            if !self.others.contains(other) {
                self.others.push(other.clone());
            }
        }
        true
    }

    /// Once the platform pays, customers' own keys are out of the question.
    pub(super) fn stay_with(&mut self, payer: Payer) {
        if payer == Payer::Platform {
            let is_platforms = |key: &KeyName| matches!(key.parent, KeyParent::Platform);
            self.others.retain(is_platforms);
            self.throttled.retain(|(key, _)| is_platforms(key));
        }
    }

    /// Excludes the current key. Returns whether another key is left.
    pub(super) fn skip_current(&mut self) -> bool {
        if let Some(current) = self.current.take()
            && !self.excluded.contains(&current)
        {
            self.excluded.push(current);
            self.excluded.sort();
        }
        self.others.iter().any(|key| !self.excluded.contains(key))
    }

    /// Records when the current key is free again.
    pub(super) fn throttle_current(&mut self, until: Instant) {
        if let Some(current) = &self.current {
            self.throttled.push((current.clone(), until));
        }
    }

    /// The time until the first throttled key is free again.
    pub(super) fn first_free(&self, now: Instant) -> Option<Duration> {
        let first = self.throttled.iter().map(|(_, until)| *until).min()?;
        Some(first.saturating_duration_since(now))
    }

    /// Admits the throttled keys again that are free by now.
    pub(super) fn readmit(&mut self, now: Instant) {
        let throttled = std::mem::take(&mut self.throttled).into_iter();
        let (free, throttled): (Vec<_>, _) = throttled.partition(|(_, until)| *until <= now);
        self.throttled = throttled;
        self.excluded
            .retain(|key| !free.iter().any(|(freed, _)| freed == key));
    }
}
