//! The open keys of one workspace: seals, MACs, fingerprints and digests.

use latchkey_contract::ProviderId;
use latchkey_envelope::{
    BranchKey, DataKey, DataKeyContext, IntegrityError, LookupKey, MacKey, PayloadContext, Purpose,
    Sealed as Blob, Secret, Suite,
};
use ring::rand::{SecureRandom as _, SystemRandom};
use zeroize::Zeroizing;

use super::{CustodyError, IntegrityFailure, MacRow};
use crate::domain::data_key;
use crate::domain::key::Key;
use crate::domain::material::Material;
use crate::domain::stamped::Stamped;
use crate::domain::uid::{BranchKeyUid, DataKeyUid, DeploymentUid, KeyUid, WorkspaceUid};
use crate::domain::version::{KeyVersion, WrappedBy};

/// The keys of a workspace.
pub struct WorkspaceKeys {
    deployment: DeploymentUid,
    workspace: WorkspaceUid,
    current: Branch,
    older: Vec<Branch>,
    rows: MacKey,
    fingerprints: MacKey,
    requests: MacKey,
}

struct Branch {
    uid: BranchKeyUid,
    version: u64,
    key: BranchKey,
}

/// A sealed value, ready to be stored.
pub struct Sealed {
    /// The branch key that wrapped the data key.
    pub wrapped_by: WrappedBy,
    /// The data key under the branch key.
    pub wrapped_data_key: Vec<u8>,
    /// The sealed value, under the data key.
    pub payload: Vec<u8>,
}

const FINGERPRINT_LEN: usize = 16;
/// For AES-256-GCM.
const LEASED_KEY_LEN: usize = 32;

impl WorkspaceKeys {
    pub(super) fn new(
        deployment: DeploymentUid,
        workspace: WorkspaceUid,
        lookup: &LookupKey,
        uid: BranchKeyUid,
        version: u64,
        key: BranchKey,
    ) -> Self {
        Self {
            deployment,
            workspace,
            current: Branch { uid, version, key },
            older: Vec::new(),
            rows: lookup.mac_key("row/1"),
            fingerprints: lookup.mac_key("fingerprint/1"),
            requests: lookup.mac_key("request/1"),
        }
    }

    pub(super) fn add_older(&mut self, uid: BranchKeyUid, version: u64, key: BranchKey) {
        self.older.push(Branch { uid, version, key });
    }

    /// A value with the MAC of its row.
    pub fn stamp<T: MacRow>(&self, value: T) -> Stamped<T> {
        let canonical = value
            .canonical()
            .expect("a value that is stored is within the bounds of its columns");
        let mac = self.rows.tag(&[T::TABLE.as_bytes(), &canonical]);
        Stamped::new(value, mac.to_vec())
    }

    /// Checks the MAC of a row and returns the value.
    pub fn check<T: MacRow>(&self, stamped: Stamped<T>) -> Result<T, CustodyError> {
        let (value, mac) = stamped.into_unchecked();
        let verified = value.canonical().is_some_and(|canonical| {
            let parts = [T::TABLE.as_bytes(), &canonical];
            self.rows.verify(&parts, &mac).is_ok()
        });
        if verified {
            Ok(value)
        } else {
            Err(IntegrityFailure::of(&value).into())
        }
    }

    /// The fingerprint of a material. Equal materials of a workspace have equal fingerprints; those of
    /// different workspaces can't be compared.
    pub fn fingerprint(&self, provider: ProviderId, material: &Material) -> [u8; FINGERPRINT_LEN] {
        let identity = material.identity();
        let tag = self
            .fingerprints
            .tag(&[&[provider.as_str().as_bytes()][..], &identity].concat());
        let mut fingerprint = [0; FINGERPRINT_LEN];
        fingerprint.copy_from_slice(&tag[..FINGERPRINT_LEN]);
        fingerprint
    }

    /// The digest that tells a repeated request from another one. It is keyed, because requests contain
    /// material.
    pub fn request_digest(&self, method: &str, request: &[u8]) -> Vec<u8> {
        self.requests.tag(&[method.as_bytes(), request]).to_vec()
    }

    /// Seals a material under a fresh data key.
    pub fn seal(
        &self,
        rng: &SystemRandom,
        key: KeyUid,
        version: u64,
        provider: ProviderId,
        material: &Material,
    ) -> Result<Sealed, CustodyError> {
        let context = self.payload_context(
            key.to_bytes(),
            version,
            provider.as_str(),
            material.kind().as_str(),
        );
        self.seal_payload(rng, &material.to_payload(), context)
    }

    /// Opens the material of a version.
    pub fn open(&self, key: &Key, version: &KeyVersion) -> Result<Material, CustodyError> {
        let kind = version.secret_kind;
        let context = self.payload_context(
            key.uid.to_bytes(),
            version.version,
            key.provider.as_str(),
            kind.as_str(),
        );
        let (wrapped_by, wrapped) = (version.wrapped_by, &version.wrapped_data_key);
        let material = self
            .open_payload(wrapped_by, wrapped, &version.payload, context)
            .ok()
            .and_then(|plain| Material::from_payload(kind, plain));
        Ok(material.ok_or_else(|| IntegrityFailure::of(version))?)
    }

    /// Makes a data key for routers, and seals it.
    pub fn make_data_key(
        &self,
        rng: &SystemRandom,
        uid: DataKeyUid,
    ) -> Result<(Secret, Sealed), CustodyError> {
        let mut bytes = Zeroizing::new(vec![0; LEASED_KEY_LEN]);
        rng.fill(&mut bytes).map_err(|_| CustodyError::Randomness)?;
        let key = Secret::from(bytes);
        let sealed = self.seal_payload(rng, &key, self.data_key_payload(uid))?;
        Ok((key, sealed))
    }

    /// Opens a data key of routers.
    pub fn open_data_key(&self, key: &data_key::DataKey) -> Result<Secret, CustodyError> {
        let (wrapped_by, wrapped) = (key.wrapped_by, &key.wrapped_data_key);
        let context = self.data_key_payload(key.uid);
        self.open_payload(wrapped_by, wrapped, &key.payload, context)
            .map_err(|_: IntegrityError| IntegrityFailure::of(key).into())
    }

    fn seal_payload(
        &self,
        rng: &SystemRandom,
        plain: &Secret,
        context: PayloadContext<'_>,
    ) -> Result<Sealed, CustodyError> {
        let suite = Suite::default();
        let wrapped_by = WrappedBy {
            branch_key: self.current.uid,
            branch_version: self.current.version,
            wrap_revision: 1,
        };
        let data_key = DataKey::generate(rng)?;
        let payload = data_key.seal_payload(rng, suite, plain.expose(), &context)?;
        let context = data_key_context(context, wrapped_by, payload.commitment());
        let wrapped = self
            .current
            .key
            .wrap_data_key(rng, suite, &data_key, &context)?;
        Ok(Sealed {
            wrapped_by,
            wrapped_data_key: wrapped.into_bytes(),
            payload: payload.into_bytes(),
        })
    }

    fn open_payload(
        &self,
        wrapped_by: WrappedBy,
        wrapped_data_key: &[u8],
        payload: &[u8],
        context: PayloadContext<'_>,
    ) -> Result<Secret, IntegrityError> {
        let commitment = Blob::parse(payload, Purpose::Payload)?.commitment();
        let wrap_context = data_key_context(context, wrapped_by, commitment);
        let branch = self.branch(wrapped_by)?;
        let data_key = branch.unwrap_data_key(wrapped_data_key, &wrap_context)?;
        data_key.open_payload(payload, &context)
    }

    fn branch(&self, wrapped_by: WrappedBy) -> Result<&BranchKey, IntegrityError> {
        std::iter::once(&self.current)
            .chain(&self.older)
            .find(|branch| {
                branch.uid == wrapped_by.branch_key && branch.version == wrapped_by.branch_version
            })
            .map(|branch| &branch.key)
            .ok_or(IntegrityError)
    }

    /// The context of a data key, which has one version and no provider. No provider has the id
    /// `transcript`, so a data key never opens as material, nor material as a data key.
    fn data_key_payload(&self, uid: DataKeyUid) -> PayloadContext<'static> {
        self.payload_context(uid.to_bytes(), 1, "transcript", "data_key")
    }

    fn payload_context(
        &self,
        key: [u8; 16],
        version: u64,
        provider: &'static str,
        secret_kind: &'static str,
    ) -> PayloadContext<'static> {
        PayloadContext {
            deployment: self.deployment.to_bytes(),
            workspace: self.workspace.to_bytes(),
            key,
            version,
            provider,
            secret_kind,
        }
    }
}

fn data_key_context(
    payload: PayloadContext<'_>,
    wrapped_by: WrappedBy,
    payload_commitment: [u8; 32],
) -> DataKeyContext<'_> {
    DataKeyContext {
        payload,
        branch_key: wrapped_by.branch_key.to_bytes(),
        branch_version: wrapped_by.branch_version,
        wrap_revision: wrapped_by.wrap_revision,
        payload_commitment,
    }
}

#[cfg(test)]
mod tests;
