//! The listener and the channel against each other, over real sockets.
#![expect(
    clippy::unwrap_used,
    reason = "a panic with its message is how a test fails"
)]

mod drain;
mod mtls;
mod panics;
mod pki;
mod probe;
mod tokens;
