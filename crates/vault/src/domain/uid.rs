//! Identities behind names: a name may be used again, an identity never is. Each noun has its own
//! type, so that identities can't be mixed up. Those that routers see are the contract's.

pub use latchkey_contract::uid::{DataKeyUid, KeyUid, KeyVersionUid, ProjectUid, WorkspaceUid};
use ring::rand::{SecureRandom, SystemRandom};
use uuid::{Builder, Uuid};

/// The system's source of randomness failed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the source of randomness failed")]
pub struct RandomnessError;

/// A random UUID (RFC 9562, version 4).
pub fn random_uuid(rng: &SystemRandom) -> Result<Uuid, RandomnessError> {
    let mut bytes = [0; 16];
    rng.fill(&mut bytes).map_err(|_| RandomnessError)?;
    Ok(Builder::from_random_bytes(bytes).into_uuid())
}

macro_rules! uid {
    ($name:ident, $noun:literal) => {
        #[doc = concat!("The identity of ", $noun, ".")]
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The 16 bytes, for seal contexts and row MACs.
            pub fn to_bytes(self) -> [u8; 16] {
                self.0.into_bytes()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uid!(DeploymentUid, "a deployment");
uid!(BranchKeyUid, "a branch key");
