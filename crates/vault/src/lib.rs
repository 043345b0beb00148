//! The key-vault service: keeps provider keys sealed, decides which request may use which key, and
//! leases keys to routers one at a time.
//!
//! It never calls a provider: a connected router runs the tasks that need one. Start reading at
//! [`vault::Vault`] and `services/`. The rules are in [`domain`], the keys in [`custody`], the protocol
//! with routers in [`leasing`]; a key comes in through `intake` and is chosen in `resolve`. Folders
//! depend on each other in one direction: services, then the use cases, then `store` and [`domain`].

pub mod app;
mod audit;
mod availability;
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
