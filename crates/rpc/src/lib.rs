//! What every gRPC service shares.
//!
//! A call passes [`identity`] (who calls), [`transport_errors`] (refusals by the transport) and
//! [`access`] (who may call which method) before it reaches a handler. Handlers read paged lists
//! with [`page`] and update masks with [`mask`], and refuse with [`refusal`]. [`client`] opens the
//! channel to another service; [`reflection`] describes our own.
//!
//! Methods, roles and scopes are plain names here: this crate knows no resource and no tenant.

pub mod access;
pub mod client;
mod failure;
pub mod identity;
pub mod mask;
pub mod page;
pub mod reflection;
pub mod refusal;
mod request_body;
pub mod transport_errors;
