//! What the router gets from the vault, and the session between them.

mod members;
mod router_session;
