//! SEAL: sealing and opening secrets under a hierarchy of keys.
//!
//! A [`RootKey`] wraps a workspace's [`BranchKey`], which wraps one [`DataKey`] per version of a
//! secret, which seals the secret itself; a [`LookupKey`] hangs beside the branch key and keys the
//! fingerprints and row MACs of the workspace. Every blob is bound to a context (who owns it, which
//! key, which version) and commits to its key, so a blob moved to another row does not open.
//!
//! Transcripts have a second, smaller format: a [`TranscriptKey`] seals the turns of one session.
//!
//! It is pure and synchronous, and does no I/O: where keys are stored, which root key is current
//! and who may open what is decided elsewhere. Start at [`DataKey`]; the bytes are described in
//! `README.md`, and made and checked in `seal.rs` and `turn.rs`.
//!
//! ```
//! use latchkey_envelope::{DataKey, PayloadContext, Suite};
//! use ring::rand::SystemRandom;
//!
//! let rng = SystemRandom::new();
//! let key = DataKey::generate(&rng)?;
//! let context = PayloadContext {
//!     deployment: [1; 16],
//!     workspace: [2; 16],
//!     key: [3; 16],
//!     version: 1,
//!     provider: "openai",
//!     secret_kind: "api_key",
//! };
//! let sealed = key.seal_payload(&rng, Suite::default(), b"sk-example", &context)?;
//!
//! let opened = key.open_payload(sealed.as_bytes(), &context)?;
//! assert_eq!(opened.expose(), b"sk-example");
//!
//! let elsewhere = PayloadContext { workspace: [9; 16], ..context };
//! assert!(key.open_payload(sealed.as_bytes(), &elsewhere).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod branch_key;
mod context;
mod data_key;
mod error;
mod hazmat;
mod key_bytes;
mod lookup_key;
mod mac_key;
mod root_key;
mod seal;
mod sealed;
mod secret;
mod suite;
mod tlv;
mod turn;

pub use branch_key::BranchKey;
pub use context::{BranchKeyContext, DataKeyContext, PayloadContext};
pub use data_key::DataKey;
pub use error::{IntegrityError, SealError, TlvError};
pub use lookup_key::LookupKey;
pub use mac_key::MacKey;
pub use root_key::RootKey;
pub use sealed::{Purpose, Sealed};
pub use secret::Secret;
pub use suite::Suite;
pub use tlv::Tlv;
pub use turn::{TranscriptKey, TurnContext};
