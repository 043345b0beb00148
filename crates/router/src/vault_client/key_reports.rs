//! Reports of keys that a provider refused, on their way to the vault, which quarantines them.

use std::sync::{Mutex, PoisonError};

use latchkey_contract::uid::KeyVersionUid;
use latchkey_contract::vault::v1::{KeyReport, ProviderRefusal};
use latchkey_providers::ProviderError;
use tokio::sync::mpsc;

use super::VaultClient;

const MAX_QUEUE: usize = 256;

/// The queue of reports.
pub(super) struct KeyReports {
    sender: mpsc::Sender<KeyReport>,
    /// Taken once, by the task that holds the router session.
    receiver: Mutex<Option<mpsc::Receiver<KeyReport>>>,
}

impl KeyReports {
    pub(super) fn new() -> Self {
        let (sender, receiver) = mpsc::channel(MAX_QUEUE);
        Self {
            sender,
            receiver: Mutex::new(Some(receiver)),
        }
    }

    pub(super) fn take_receiver(&self) -> Option<mpsc::Receiver<KeyReport>> {
        let mut receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner);
        receiver.take()
    }
}

impl VaultClient {
    /// Reports to the vault that a provider refused a key. Never waits: with a full queue the report
    /// is dropped, since the vault gets many reports already.
    pub fn report_refused_key(&self, key_version: KeyVersionUid, error: &ProviderError) {
        let report = KeyReport {
            key_version_uid: key_version.to_string(),
            refusal: Some(provider_refusal(error)),
        };
        if self.key_reports.sender.try_send(report).is_err() {
            tracing::warn!(%key_version, "the queue of key reports is full: a report was dropped");
        }
    }
}

/// A provider's error as the vault's contract has it.
pub(super) fn provider_refusal(error: &ProviderError) -> ProviderRefusal {
    ProviderRefusal {
        http_status: error.http_status.map(i32::from).unwrap_or_default(),
        code: error.code.clone().unwrap_or_default(),
        message: error.message.clone(),
    }
}
