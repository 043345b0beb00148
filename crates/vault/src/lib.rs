//! The key-vault service: keeps provider keys sealed, decides who may use which, and leases them to
//! routers one at a time.
//!
//! It makes no call to any provider and has no way out: where something must be asked of one, an
//! attached router runs the task. Start reading at [`vault::Vault`] and `services/`; the rules
//! are in [`domain`], the keys in [`custody`], the protocol with routers in [`leasing`].

mod access;
pub mod app;
mod audit;
pub mod bootstrap;
mod change;
pub mod config;
pub mod custody;
pub mod domain;
mod error;
mod intake;
pub mod leasing;
pub mod quarantine;
mod resolve;
mod rows;
pub mod services;
pub mod store;
pub mod vault;

pub use error::VaultError;
