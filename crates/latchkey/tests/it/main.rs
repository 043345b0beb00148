//! Runs the commands of the README and of the cookbook.

#![expect(
    clippy::unwrap_used,
    reason = "a test states what must hold, and panics where it does not"
)]

mod command_line;
mod cookbook;
mod dev;
mod platform_keys;
mod process;
mod reflection_client;
