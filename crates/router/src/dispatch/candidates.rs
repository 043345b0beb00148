//! The keys of one model, as a request tries them.

use std::time::Duration;

use latchkey_contract::names::{KeyName, KeyParent};
use tokio::time::Instant;

use crate::domain::attempt::Payer;

/// Which key was tried, which are left, which is free again first.
#[derive(Default)]
pub(super) struct Candidates {
    pub(super) current: Option<KeyName>,
    others: Vec<KeyName>,
    pub(super) excluded: Vec<KeyName>,
    /// Keys that are left alone for a while, and for how long from when that was learnt.
    busy: Vec<(KeyName, Instant)>,
}

impl Candidates {
    /// Notes the usable keys that the vault did not choose.
    pub(super) fn know(&mut self, others: &[KeyName]) {
        for other in others {
            if !self.others.contains(other) {
                self.others.push(other.clone());
            }
        }
    }

    /// Who pays for the current key is known. From the platform's there is no way back.
    pub(super) fn stay_with(&mut self, payer: Payer) {
        if payer == Payer::Platform {
            let is_platforms = |key: &KeyName| matches!(key.parent, KeyParent::Platform);
            self.others.retain(is_platforms);
            self.busy.retain(|(key, _)| is_platforms(key));
        }
    }

    /// Leaves the current key out. False when there is no other.
    pub(super) fn pass_over(&mut self) -> bool {
        if let Some(current) = self.current.take()
            && !self.excluded.contains(&current)
        {
            self.excluded.push(current);
            self.excluded.sort();
        }
        self.others.iter().any(|key| !self.excluded.contains(key))
    }

    /// The current key is free again in so long.
    pub(super) fn free_in(&mut self, wait: Duration) {
        if let Some(current) = &self.current {
            self.busy.push((current.clone(), Instant::now() + wait));
        }
    }

    /// How long until the first of those that are left alone is free again.
    pub(super) fn first_to_be_free(&self) -> Option<Duration> {
        let first = self.busy.iter().map(|(_, free)| *free).min()?;
        Some(first.saturating_duration_since(Instant::now()))
    }

    /// Takes those in again that are free by now.
    pub(super) fn readmit(&mut self) {
        let now = Instant::now();
        let (free, busy): (Vec<_>, Vec<_>) = self.busy.drain(..).partition(|(_, at)| *at <= now);
        self.busy = busy;
        self.excluded
            .retain(|key| !free.iter().any(|(freed, _)| freed == key));
    }
}
