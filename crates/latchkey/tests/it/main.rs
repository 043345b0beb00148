//! What the README and the cookbook say, run.

#![expect(
    clippy::unwrap_used,
    reason = "a test states what must hold, and panics where it does not"
)]

mod cookbook;
mod dev;
mod platform_keys;
mod process;
