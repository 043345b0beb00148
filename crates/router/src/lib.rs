//! The inference-router service: takes a request for a workspace, borrows the right key from the
//! vault, calls the provider, and keeps an exact account of what was used and who pays.
//!
//! It never holds the vault: no list of keys and no key above them, only what was leased for a named
//! workspace, provider and host. Start reading at [`dispatch`] and follow a call from
//! `services/inference/generate.rs` through [`keys`], [`upstream`] and [`ledger`].

pub mod app;
pub mod catalogue;
pub mod config;
pub mod dispatch;
pub mod domain;
mod error;
pub mod keys;
pub mod ledger;
pub mod listing;
pub mod services;
pub mod sessions;
pub mod store;
pub mod upstream;

pub use error::RouterError;
