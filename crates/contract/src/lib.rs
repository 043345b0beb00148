//! The gRPC contract: generated messages and services, and the names that cross the wire as text.
//!
//! It has no conversions, no policy and no transport. Start with the `.proto` files in `proto/`.
//! [`names`] parses resource names, [`uid`] the identities behind them, [`ProviderId`] provider ids,
//! [`Reason`] the reasons of errors and [`ExclusionRule`] the rules that exclude a key.
//!
//! The generated modules are committed, so a build needs neither `protoc` nor a build script. After a
//! change of a `.proto` file, `LATCHKEY_REGENERATE=1 cargo test -p latchkey-contract` writes them.
//! Without the variable the same test fails if they are stale.

mod exclusion_rule;
mod fallbacks;
pub mod names;
mod provider_id;
mod reason;
mod redacted;
pub mod uid;

pub use exclusion_rule::{ExclusionRule, UnknownRule};
pub use fallbacks::{FALLBACKS_METADATA, decode_fallbacks, encode_fallbacks};
pub use provider_id::{ProviderId, UnknownProvider};
pub use reason::{Reason, UnknownReason};

/// The vault's contract.
pub mod vault {
    /// Version 1.
    pub use crate::generated::vault as v1;
}

/// The router's contract.
pub mod router {
    /// Version 1.
    pub use crate::generated::router as v1;
}

/// The descriptors of both packages with their comments, for server reflection. An encoded
/// `google.protobuf.FileDescriptorSet`.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("generated/latchkey.binpb");

/// The generated code. Lints are relaxed in this module only.
#[expect(
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes,
    missing_docs,
    unused_qualifications,
    reason = "generated"
)]
mod generated {
    #[rustfmt::skip]
    #[path = "latchkey.vault.v1.rs"]
    pub mod vault;
    #[rustfmt::skip]
    #[path = "latchkey.router.v1.rs"]
    pub mod router;
}
