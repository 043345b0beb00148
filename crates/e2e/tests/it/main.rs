//! Whole-system tests: both services, real databases, real sockets.

#![expect(
    clippy::unwrap_used,
    reason = "a test states what must hold, and panics where it does not"
)]

mod architecture;
mod configuration;
mod conversation;
mod documentation;
mod explain;
mod integrity;
mod journey;
mod leaks;
mod mutual_tls;
mod names_used_again;
mod provider_faults;
mod update_masks;

use latchkey_e2e::on_both_databases;
