//! The key-vault service.

mod domain;
mod store;
