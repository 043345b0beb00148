//! The inference-router service: takes a request for a workspace, leases the right key from
//! the vault, calls the provider, and keeps an exact account of what was used and who pays.
//!
//! It never holds the vault: no list of keys and no key above them, only leases for a named workspace,
//! provider and host. Start reading at [`dispatch`], and follow a call from
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
