//! The data keys of the fake vault, which creates, leases and destroys them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use latchkey_contract::Reason;
use latchkey_contract::vault::v1::{
    CreateDataKeyRequest, DataKey, DestroyDataKeyRequest, DestroyDataKeyResponse,
    LeaseDataKeyRequest,
};
use latchkey_rpc::refusal::Refusal;
use tonic::{Response, Status};

use super::vault::uid_of;

/// The data keys by name, with counters.
#[derive(Default)]
pub(crate) struct DataKeys(Mutex<State>);

#[derive(Default)]
struct State {
    keys: BTreeMap<String, Vec<u8>>,
    created: u32,
    lease_count: usize,
    refusing: Option<Status>,
}

impl DataKeys {
    /// The names of the existing keys.
    pub(crate) fn names(&self) -> Vec<String> {
        self.state().keys.keys().cloned().collect()
    }

    /// The materials of the existing keys.
    pub(crate) fn materials(&self) -> Vec<Vec<u8>> {
        self.state().keys.values().cloned().collect()
    }

    /// The number of `LeaseDataKey` calls.
    pub(crate) fn lease_count(&self) -> usize {
        self.state().lease_count
    }

    /// Deletes every key, as another router could.
    pub(crate) fn deletes_all(&self) {
        self.state().keys.clear();
    }

    /// Sets or clears the status that `DestroyDataKey` is refused with.
    pub(crate) fn refuses_destruction(&self, status: Option<Status>) {
        self.state().refusing = status;
    }

    pub(super) fn create(
        &self,
        request: &CreateDataKeyRequest,
    ) -> Result<Response<DataKey>, Status> {
        check_session(&request.router_session)?;
        let mut state = self.state();
        state.created += 1;
        let created = state.created;
        let name = format!(
            "{}/dataKeys/019aa5b1-0000-7000-8000-{created:012x}",
            request.workspace
        );
        let material = vec![0xd0 ^ created.to_le_bytes()[0]; 32];
        state.keys.insert(name.clone(), material.clone());
        Ok(Response::new(message(name, material)))
    }

    pub(super) fn lease(&self, request: &LeaseDataKeyRequest) -> Result<Response<DataKey>, Status> {
        check_session(&request.router_session)?;
        let mut state = self.state();
        state.lease_count += 1;
        let Some(material) = state.keys.get(&request.name).cloned() else {
            let message = "there is no such data key";
            let refusal = Refusal::new(Reason::DataKeyNotFound, message);
            return Err(refusal.into_status("vault.latchkey"));
        };
        let name = request.name.clone();
        Ok(Response::new(message(name, material)))
    }

    pub(super) fn destroy(
        &self,
        request: &DestroyDataKeyRequest,
    ) -> Result<Response<DestroyDataKeyResponse>, Status> {
        check_session(&request.router_session)?;
        let mut state = self.state();
        if let Some(status) = &state.refusing {
            return Err(status.clone());
        }
        state.keys.remove(&request.name);
        Ok(Response::new(DestroyDataKeyResponse {}))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

fn check_session(session: &str) -> Result<(), Status> {
    if session.starts_with('s') {
        return Ok(());
    }
    let refusal = Refusal::new(
        Reason::RouterSessionUnknown,
        "the router session is unknown",
    );
    Err(refusal.into_status("vault.latchkey"))
}

fn message(name: String, material: Vec<u8>) -> DataKey {
    let (workspace, _) = name.split_once("/dataKeys/").unwrap();
    DataKey {
        workspace_uid: uid_of(workspace),
        name,
        material,
    }
}
