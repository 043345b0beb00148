//! MACs of rows. Sealing protects the material, not `state = 'disabled'`: so each row's columns are
//! written down canonically (TLV, ascending tags) and `MACed` under the workspace's lookup key.
//!
//! A tag is never given to another column; a new column gets a new tag. A column that was added later
//! is written down only where it is not empty: rows from before it keep their MACs.

use latchkey_clock::Timestamp;
use latchkey_envelope::Tlv;
use ring::digest::{SHA256, digest};
use serde::Serialize;

use crate::domain::availability::ProviderAccess;
use crate::domain::data_key::DataKey;
use crate::domain::key::Key;
use crate::domain::member::Member;
use crate::domain::usage_rules::UsageRules;
use crate::domain::version::KeyVersion;
use crate::domain::workspace::{Project, Workspace, WorkspaceSlug};

/// A value whose row has a MAC.
pub trait MacRow {
    /// The table. It is part of the MAC, so that a row of one table never passes for one of another.
    const TABLE: &'static str;

    /// The row's primary key, for errors.
    fn primary_key(&self) -> String;

    /// The columns.
    fn columns(&self) -> Tlv;

    /// The columns in the canonical encoding. `None` where a column is longer than any value that was
    /// stored can be.
    fn canonical(&self) -> Option<Vec<u8>> {
        self.columns().finish().ok()
    }
}

const SCHEMA: u8 = 1;

impl MacRow for Workspace {
    const TABLE: &'static str = "workspaces";

    fn primary_key(&self) -> String {
        self.uid.to_string()
    }

    fn columns(&self) -> Tlv {
        let (kind, slug) = match &self.slug {
            WorkspaceSlug::Platform => (0, ""),
            WorkspaceSlug::Customer(id) => (1, id.as_str()),
            WorkspaceSlug::Deleted => (2, ""),
        };
        let tlv = Tlv::new(SCHEMA)
            .bytes(1, &self.uid.to_bytes())
            .u64(2, kind)
            .bytes(3, slug.as_bytes())
            .bytes(4, &hashed(&self.display_name))
            .u64(5, self.revision)
            .u64(6, self.audit_sequence)
            .u64(7, self.row_revision)
            .bytes(8, &time(self.create_time))
            .bytes(9, &time(self.update_time))
            .bytes(10, &optional_time(self.delete_time));
        let fallbacks: Vec<_> = self.fallbacks.iter().map(ToString::to_string).collect();
        let fallbacks = (!fallbacks.is_empty()).then(|| hashed(&fallbacks));
        let tlv = added(tlv, 11, &fallbacks.unwrap_or_default());
        added(tlv, 12, &policy(&self.funding, &self.rules))
    }
}

impl MacRow for Project {
    const TABLE: &'static str = "projects";

    fn primary_key(&self) -> String {
        self.uid.to_string()
    }

    fn columns(&self) -> Tlv {
        let tlv = Tlv::new(SCHEMA)
            .bytes(1, &self.uid.to_bytes())
            .bytes(2, &self.workspace.to_bytes())
            .bytes(
                3,
                self.slug
                    .as_ref()
                    .map_or("", |slug| slug.as_str())
                    .as_bytes(),
            )
            .bytes(4, &hashed(&self.display_name))
            .u64(5, self.row_revision)
            .bytes(6, &time(self.create_time))
            .bytes(7, &time(self.update_time))
            .bytes(8, &optional_time(self.delete_time));
        added(tlv, 9, &policy(&self.funding, &self.rules))
    }
}

impl MacRow for Member {
    const TABLE: &'static str = "members";

    fn primary_key(&self) -> String {
        format!("{}/{}", self.workspace, self.slug)
    }

    fn columns(&self) -> Tlv {
        Tlv::new(SCHEMA)
            .bytes(1, &self.workspace.to_bytes())
            .bytes(2, self.slug.as_str().as_bytes())
            .bytes(3, self.identity.as_str().as_bytes())
            .bytes(4, self.role.as_str().as_bytes())
            .bytes(5, &hashed(&self.display_name))
            .u64(6, self.row_revision)
            .bytes(7, &time(self.create_time))
            .bytes(8, &time(self.update_time))
    }
}

impl MacRow for Key {
    const TABLE: &'static str = "keys";

    fn primary_key(&self) -> String {
        self.uid.to_string()
    }

    fn columns(&self) -> Tlv {
        let project = self.project.map(crate::domain::uid::ProjectUid::to_bytes);
        let tlv = Tlv::new(SCHEMA)
            .bytes(1, &self.uid.to_bytes())
            .bytes(2, &self.workspace.to_bytes())
            .bytes(3, project.as_ref().map_or(&[], |bytes| &bytes[..]))
            .bytes(
                4,
                self.slug
                    .as_ref()
                    .map_or("", |slug| slug.as_str())
                    .as_bytes(),
            )
            .bytes(5, self.provider.as_str().as_bytes())
            .bytes(6, &hashed(&self.settings.display_name))
            .bytes(7, &hashed(&self.settings.default_model))
            .bytes(8, &hashed(&self.settings.allowed_models))
            .bytes(9, &hashed(&self.settings.denied_models))
            .bytes(10, &hashed(&self.settings.labels))
            .u64(11, self.settings.priority.into())
            .u64(12, self.settings.weight.into())
            .bytes(13, &optional_time(self.settings.expire_time))
            .bytes(14, self.state.as_str().as_bytes())
            .bytes(15, &hashed(&self.state_detail))
            .u64(16, self.current_version)
            .u64(17, self.row_revision)
            .bytes(18, &time(self.create_time))
            .bytes(19, &time(self.update_time))
            .bytes(20, &optional_time(self.delete_time));
        let deployments = &self.settings.deployments;
        let deployments = (!deployments.is_empty()).then(|| hashed(deployments));
        let tlv = added(tlv, 21, &deployments.unwrap_or_default());
        let tlv = added(tlv, 22, &unless_default(&self.settings.funding));
        let tlv = added(tlv, 23, &unless_default(&self.settings.allowed_callers));
        added(tlv, 24, self.settings.retention.as_str().as_bytes())
    }
}

impl MacRow for KeyVersion {
    const TABLE: &'static str = "key_versions";

    fn primary_key(&self) -> String {
        format!("{}/{}", self.key, self.version)
    }

    fn columns(&self) -> Tlv {
        let destination = &self.destination;
        let tlv = Tlv::new(SCHEMA)
            .bytes(1, &self.key.to_bytes())
            .u64(2, self.version)
            .bytes(3, &self.workspace.to_bytes())
            .bytes(4, self.state.as_str().as_bytes())
            .bytes(5, destination.base_url().as_bytes())
            .bytes(6, self.secret_kind.as_str().as_bytes())
            .bytes(7, self.material_tail.as_bytes())
            .bytes(8, &self.fingerprint)
            .bytes(9, &self.wrapped_by.branch_key.to_bytes())
            .u64(10, self.wrapped_by.branch_version)
            .u64(11, self.wrapped_by.wrap_revision)
            .bytes(12, digest(&SHA256, &self.wrapped_data_key).as_ref())
            .bytes(13, digest(&SHA256, &self.payload).as_ref())
            .bytes(14, self.verification.grade.as_str().as_bytes())
            .bytes(15, &hashed(&self.verification.detail))
            .bytes(16, &time(self.verification.time))
            .bytes(17, &time(self.create_time))
            .bytes(18, &optional_time(self.destroy_time));
        let tlv = added(tlv, 19, destination.location().as_bytes());
        let tlv = added(tlv, 20, destination.cloud_project().as_bytes());
        added(tlv, 21, destination.api_version().as_bytes())
    }
}

impl MacRow for ProviderAccess {
    const TABLE: &'static str = "provider_access";

    fn primary_key(&self) -> String {
        format!("{}/{}", self.workspace, self.provider)
    }

    fn columns(&self) -> Tlv {
        let terms = &self.terms;
        Tlv::new(SCHEMA)
            .bytes(1, &self.workspace.to_bytes())
            .bytes(2, self.provider.as_str().as_bytes())
            .bytes(3, switch(terms.own_keys))
            .bytes(4, switch(terms.chat))
            .bytes(5, switch(terms.embeddings))
            .bytes(6, switch(terms.images))
            .bytes(7, &hashed(&terms.allowed_models))
            .bytes(8, &hashed(&terms.denied_models))
            .bytes(9, &hashed(&terms.default_model))
            .u64(10, self.row_revision)
            .bytes(11, &time(self.update_time))
    }
}

impl MacRow for DataKey {
    const TABLE: &'static str = "data_keys";

    fn primary_key(&self) -> String {
        self.uid.to_string()
    }

    fn columns(&self) -> Tlv {
        Tlv::new(SCHEMA)
            .bytes(1, &self.uid.to_bytes())
            .bytes(2, &self.workspace.to_bytes())
            .bytes(3, &self.wrapped_by.branch_key.to_bytes())
            .u64(4, self.wrapped_by.branch_version)
            .u64(5, self.wrapped_by.wrap_revision)
            .bytes(6, digest(&SHA256, &self.wrapped_data_key).as_ref())
            .bytes(7, digest(&SHA256, &self.payload).as_ref())
            .bytes(8, &time(self.create_time))
    }
}

/// The digest of a funding policy and usage rules; empty where both are the defaults.
fn policy<F: Serialize + Default + PartialEq>(funding: &F, rules: &UsageRules) -> Vec<u8> {
    if *funding == F::default() && *rules == UsageRules::default() {
        return Vec::new();
    }
    hashed(&(funding, rules))
}

/// The digest of a value; empty for the default.
fn unless_default<T: Serialize + Default + PartialEq>(value: &T) -> Vec<u8> {
    if *value == T::default() {
        return Vec::new();
    }
    hashed(value)
}

/// Adds a column that the table did not have from the beginning.
fn added(tlv: Tlv, tag: u8, value: &[u8]) -> Tlv {
    if value.is_empty() {
        tlv
    } else {
        tlv.bytes(tag, value)
    }
}

/// Long and structured columns go in as a digest of their JSON, which is canonical here: maps are
/// sorted and there are no numbers.
fn hashed(value: &(impl Serialize + ?Sized)) -> Vec<u8> {
    let json = serde_json::to_vec(value).expect("texts, lists and maps of texts are valid JSON");
    digest(&SHA256, &json).as_ref().to_vec()
}

fn switch(value: Option<bool>) -> &'static [u8] {
    match value {
        None => &[],
        Some(false) => &[0],
        Some(true) => &[1],
    }
}

fn time(time: Timestamp) -> [u8; 8] {
    time.as_micros().to_be_bytes()
}

fn optional_time(value: Option<Timestamp>) -> Vec<u8> {
    value.map(|value| time(value).to_vec()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
