//! Keys that their providers refused. A router's report quarantines a key; a recheck with its provider
//! readmits the key once the provider accepts it.
//!
//! Any number of vaults may run rechecks side by side. Each change is made under the workspace's lock,
//! to a key that has not changed since its check began, and so by one vault alone.

mod refused;
mod report;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use latchkey_boot::drain::Drain;
use latchkey_clock::Timestamp;
use serde::Deserialize;

pub(crate) use self::report::quarantine_reported;

use self::refused::{Refused, unchecked_name};
use crate::audit;
use crate::custody::CustodyError;
use crate::domain::audit::Act;
use crate::domain::recheck::RecheckInterval;
use crate::domain::uid::KeyUid;
use crate::error::VaultError;
use crate::store::StoreError;
use crate::store::overdue::{self, Overdue};
use crate::vault::Vault;

/// Keys that are checked in one round. The others wait for the next round.
const MAX_PER_ROUND: usize = 32;
/// Keys that are checked at the same time.
const MAX_CONCURRENT_CHECKS: usize = 4;

/// The configuration of the quarantine.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuarantineConfig {
    /// Seconds after which a refused key is checked with its provider again. 0 means never; default
    /// 900.
    pub recheck_interval_seconds: u64,
}

impl Default for QuarantineConfig {
    fn default() -> Self {
        Self {
            recheck_interval_seconds: 900,
        }
    }
}

/// Checks refused keys again, in rounds.
pub struct Rechecks {
    vault: Arc<Vault>,
    interval: RecheckInterval,
    act: Act,
    turn: tokio::sync::Mutex<()>,
    /// Damaged keys that are in the audit log already. They stay in the queue until they are repaired.
    recorded: Mutex<HashSet<KeyUid>>,
}

/// Runs rounds of rechecks until the drain starts, which cuts a round short.
pub async fn watch_refused(rechecks: Arc<Rechecks>, drain: Drain) {
    let period = rechecks.interval.period();
    let round = || {
        let rechecks = Arc::clone(&rechecks);
        async move { rechecks.round().await }
    };
    repeat(period, round, drain).await;
}

async fn repeat<R: Future<Output = ()>>(period: Duration, round: impl Fn() -> R, drain: Drain) {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let rounds = async {
        loop {
            ticks.tick().await;
            round().await;
        }
    };
    tokio::select! {
        () = drain.started() => {}
        () = rounds => {}
    }
}

impl Rechecks {
    /// Rechecks of the keys in a vault.
    pub(crate) fn new(vault: Arc<Vault>, interval: RecheckInterval) -> Self {
        Self {
            vault,
            interval,
            act: Act::system("recheck"),
            turn: tokio::sync::Mutex::default(),
            recorded: Mutex::default(),
        }
    }

    /// Checks the keys that are due and that a connected router can verify, the longest unchecked
    /// first. A failure of one key does not stop the others.
    pub async fn round(&self) {
        // One round at a time, so that no key is checked twice at once.
        let _turn = self.turn.lock().await;
        match self.due().await {
            Ok(due) => {
                let checks = stream::iter(due).map(|key| self.check(key));
                checks
                    .buffer_unordered(MAX_CONCURRENT_CHECKS)
                    .collect::<()>()
                    .await;
            }
            Err(error) => {
                let chain = &error as &dyn std::error::Error;
                tracing::warn!(error = chain, "reading the refused keys failed");
            }
        }
    }

    async fn due(&self) -> Result<Vec<Refused>, StoreError> {
        let vault = &*self.vault;
        let mut due = Vec::new();
        let providers: Vec<_> = vault.leasing.verifiable_providers().into_iter().collect();
        if providers.is_empty() {
            return Ok(due);
        }
        let now = vault.now();
        let cutoff = self.interval.cutoff(now);
        let mut after = None;
        while due.len() < MAX_PER_ROUND {
            let room = MAX_PER_ROUND - due.len();
            let page =
                overdue::list(&vault.store, &providers, cutoff, now, after, room as u64).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.position);
            for row in page {
                due.extend(self.read(row, now).await);
            }
        }
        Ok(due)
    }

    /// Reads a key of the queue. `None` where it can't be read or is not due.
    async fn read(&self, row: Overdue, now: Timestamp) -> Option<Refused> {
        let (uid, parent) = (row.position.key, row.listed.parent);
        let slug = row.listed.slug.clone();
        match Refused::read(&self.vault, row).await {
            Ok(key) => key.filter(|key| self.interval.is_due(&key.key, &key.version, now)),
            Err(error) => {
                let name = unchecked_name(&self.vault, parent, &slug);
                self.failed(uid, name, &error).await;
                None
            }
        }
    }

    async fn check(&self, key: Refused) {
        let (uid, name) = (key.key.uid, std::future::ready(key.name.to_string()));
        match key.check(&self.vault, &self.act).await {
            // Deleted meanwhile.
            Ok(()) | Err(VaultError::NotFound(_)) => {}
            Err(error) => self.failed(uid, name, &error).await,
        }
    }

    async fn failed(&self, uid: KeyUid, name: impl Future<Output = String>, error: &VaultError) {
        let VaultError::Custody(damage @ CustodyError::Integrity(_)) = error else {
            let chain = error as &dyn std::error::Error;
            tracing::warn!(error = chain, "rechecking a refused key failed");
            return;
        };
        if self.is_unrecorded(uid) {
            audit::record_damage(&self.vault, &self.act, &name.await, damage).await;
        }
    }

    fn is_unrecorded(&self, damaged: KeyUid) -> bool {
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.insert(damaged)
    }
}

#[cfg(test)]
mod tests;
