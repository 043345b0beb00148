//! The router session with the vault, and memberships from the vault.

mod members;
mod router_session;
