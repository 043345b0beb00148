//! The router service. It takes a request for a workspace, leases a key from the vault, calls the
//! provider, and records the exact usage and the payer of each call.
//!
//! A router has neither the list of keys nor the keys that encrypt them. It has only leases, each for
//! one workspace, provider and host. Start reading at [`dispatch`], and follow a call from
//! `services/inference/generate.rs` through [`leases`], [`provider_call`] and [`ledger`].

pub mod app;
pub mod catalogue;
pub mod config;
pub mod dispatch;
pub mod domain;
mod error;
pub mod health;
pub mod key_check;
pub mod leases;
pub mod ledger;
pub mod listing;
pub mod provider_call;
pub mod services;
pub mod sessions;
pub mod store;
pub mod vault_client;

pub use error::RouterError;
