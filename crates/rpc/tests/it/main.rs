//! The listener and the channel against each other, over real sockets.
#![expect(
    clippy::unwrap_used,
    reason = "a panic with its message is how a test fails"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "the test's own queues hold a few messages"
)]

mod drain;
mod mtls;
mod panics;
mod pki;
mod probe;
mod tokens;
