//! What every gRPC service shares: who calls ([`identity`]), who may call which method
//! ([`access`]), how a refusal is encoded ([`refusal`]), how a list is paged ([`page`]), and the
//! [`client`] channel to another service. Methods, roles and scopes are names here; no resource
//! or tenant is known.

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
