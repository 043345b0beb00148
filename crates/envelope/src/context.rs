//! What a blob is bound to: the owner, the key, the version, the keys above it.
//!
//! A context is not stored in the blob. The opener states where the blob was found, and a blob that
//! was moved, or that belongs to another version, does not open.
//! Text is bound byte for byte; callers bring it in its canonical form (lower-case registry ids).

use crate::error::TlvError;
use crate::sealed::Purpose;
use crate::tlv::Tlv;

/// What a sealed payload belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PayloadContext<'a> {
    /// The deployment's id, raw UUID bytes.
    pub deployment: [u8; 16],
    /// The workspace's id, raw UUID bytes.
    pub workspace: [u8; 16],
    /// The id of the customer's key, raw UUID bytes.
    pub key: [u8; 16],
    /// The version of that key.
    pub version: u64,
    /// The provider's registry id.
    pub provider: &'a str,
    /// What kind of secret it is.
    pub secret_kind: &'a str,
}

/// What a wrapped data key belongs to: one payload, under one branch key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DataKeyContext<'a> {
    /// The payload that the data key seals.
    pub payload: PayloadContext<'a>,
    /// The wrapping branch key's id, raw UUID bytes.
    pub branch_key: [u8; 16],
    /// The wrapping branch key's version.
    pub branch_version: u64,
    /// Counts the wraps of this data key, so that an earlier wrap does not pass for the latest.
    pub wrap_revision: u64,
    /// The commitment of the sealed payload, so that a wrap fits exactly one ciphertext.
    pub payload_commitment: [u8; 32],
}

/// What a wrapped branch key or lookup key belongs to: one workspace, under one root key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BranchKeyContext<'a> {
    /// The deployment's id, raw UUID bytes.
    pub deployment: [u8; 16],
    /// The workspace's id, raw UUID bytes.
    pub workspace: [u8; 16],
    /// The wrapped key's id, raw UUID bytes.
    pub branch_key: [u8; 16],
    /// The wrapped key's version.
    pub branch_version: u64,
    /// The root key's id at its provider.
    pub root_key: &'a str,
    /// The root key's version at its provider.
    pub root_version: u64,
}

/// A context that can be bound to: its purpose travels with its type, so that no blob is sealed
/// for one purpose with the fields of another.
pub(crate) trait Context {
    /// The purpose byte of the header.
    const PURPOSE: Purpose;

    /// The canonical bytes.
    fn encode(&self) -> Result<Vec<u8>, TlvError>;
}

/// The first byte of every context.
const SCHEMA: u8 = 1;

/// Tags are never renumbered and never reused.
mod tag {
    pub(super) const DEPLOYMENT: u8 = 1;
    pub(super) const WORKSPACE: u8 = 2;
    pub(super) const KEY: u8 = 3;
    pub(super) const VERSION: u8 = 4;
    pub(super) const PROVIDER: u8 = 5;
    pub(super) const SECRET_KIND: u8 = 6;
    pub(super) const BRANCH_KEY: u8 = 7;
    pub(super) const BRANCH_VERSION: u8 = 8;
    pub(super) const WRAP_REVISION: u8 = 9;
    pub(super) const PAYLOAD_COMMITMENT: u8 = 10;
    pub(super) const ROOT_KEY: u8 = 11;
    pub(super) const ROOT_VERSION: u8 = 12;
}

impl Context for PayloadContext<'_> {
    const PURPOSE: Purpose = Purpose::Payload;

    fn encode(&self) -> Result<Vec<u8>, TlvError> {
        self.fields().finish()
    }
}

impl Context for DataKeyContext<'_> {
    const PURPOSE: Purpose = Purpose::DataKey;

    fn encode(&self) -> Result<Vec<u8>, TlvError> {
        self.payload
            .fields()
            .bytes(tag::BRANCH_KEY, &self.branch_key)
            .u64(tag::BRANCH_VERSION, self.branch_version)
            .u64(tag::WRAP_REVISION, self.wrap_revision)
            .bytes(tag::PAYLOAD_COMMITMENT, &self.payload_commitment)
            .finish()
    }
}

impl Context for BranchKeyContext<'_> {
    const PURPOSE: Purpose = Purpose::BranchKey;

    fn encode(&self) -> Result<Vec<u8>, TlvError> {
        Tlv::new(SCHEMA)
            .bytes(tag::DEPLOYMENT, &self.deployment)
            .bytes(tag::WORKSPACE, &self.workspace)
            .bytes(tag::BRANCH_KEY, &self.branch_key)
            .u64(tag::BRANCH_VERSION, self.branch_version)
            .bytes(tag::ROOT_KEY, self.root_key.as_bytes())
            .u64(tag::ROOT_VERSION, self.root_version)
            .finish()
    }
}

impl PayloadContext<'_> {
    fn fields(&self) -> Tlv {
        Tlv::new(SCHEMA)
            .bytes(tag::DEPLOYMENT, &self.deployment)
            .bytes(tag::WORKSPACE, &self.workspace)
            .bytes(tag::KEY, &self.key)
            .u64(tag::VERSION, self.version)
            .bytes(tag::PROVIDER, self.provider.as_bytes())
            .bytes(tag::SECRET_KIND, self.secret_kind.as_bytes())
    }
}
