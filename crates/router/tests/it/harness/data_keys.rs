//! The data keys of a test's vault: it really keeps them, and really destroys them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use latchkey_contract::Reason;
use latchkey_contract::vault::v1::{
    CreateDataKeyRequest, DataKey, DestroyDataKeyRequest, DestroyDataKeyResponse,
    LeaseDataKeyRequest,
};
use latchkey_rpc::refusal::Refusal;
use tonic::{Response, Status};

/// The keys by their names, and what became of them.
#[derive(Default)]
pub(crate) struct DataKeys(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    keys: BTreeMap<String, Vec<u8>>,
    made: u8,
    leased: usize,
    refusing: Option<Status>,
}

impl DataKeys {
    /// The names of the keys there are.
    pub(crate) fn names(&self) -> Vec<String> {
        self.kept().keys.keys().cloned().collect()
    }

    /// Their materials.
    pub(crate) fn materials(&self) -> Vec<Vec<u8>> {
        self.kept().keys.values().cloned().collect()
    }

    /// How often one was leased again.
    pub(crate) fn leased(&self) -> usize {
        self.kept().leased
    }

    /// Loses every key.
    pub(crate) fn lose(&self) {
        self.kept().keys.clear();
    }

    /// From now on it refuses to destroy, or no longer.
    pub(crate) fn refuses_to_destroy(&self, status: Option<Status>) {
        self.kept().refusing = status;
    }

    pub(super) fn create(
        &self,
        request: &CreateDataKeyRequest,
    ) -> Result<Response<DataKey>, Status> {
        in_session(&request.router_session)?;
        let mut kept = self.kept();
        kept.made += 1;
        let made = kept.made;
        let name = format!(
            "{}/dataKeys/019aa5b1-0000-7000-8000-{made:012x}",
            request.workspace
        );
        let material = vec![0xd0 ^ made; 32];
        kept.keys.insert(name.clone(), material.clone());
        Ok(Response::new(DataKey { name, material }))
    }

    pub(super) fn lease(&self, request: &LeaseDataKeyRequest) -> Result<Response<DataKey>, Status> {
        in_session(&request.router_session)?;
        let mut kept = self.kept();
        kept.leased += 1;
        let Some(material) = kept.keys.get(&request.name).cloned() else {
            let words = "there is no such data key";
            let refusal = Refusal::new(Reason::DataKeyNotFound, words);
            return Err(refusal.into_status("vault.latchkey"));
        };
        let name = request.name.clone();
        Ok(Response::new(DataKey { name, material }))
    }

    pub(super) fn destroy(
        &self,
        request: &DestroyDataKeyRequest,
    ) -> Result<Response<DestroyDataKeyResponse>, Status> {
        in_session(&request.router_session)?;
        let mut kept = self.kept();
        if let Some(status) = &kept.refusing {
            return Err(status.clone());
        }
        kept.keys.remove(&request.name);
        Ok(Response::new(DestroyDataKeyResponse {}))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap()
    }
}

fn in_session(session: &str) -> Result<(), Status> {
    if session.starts_with('s') {
        return Ok(());
    }
    let refusal = Refusal::new(Reason::RouterSessionUnknown, "who is that?");
    Err(refusal.into_status("vault.latchkey"))
}
