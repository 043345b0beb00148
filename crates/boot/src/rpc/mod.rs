//! What every gRPC surface needs before its own meaning begins: who may call which method, how a
//! refusal is worded, how a list is paged. It knows methods, roles and scopes as names only.

pub mod access;
pub mod page;
pub mod reflection;
pub mod refusal;
mod request_body;
pub mod transport_errors;
