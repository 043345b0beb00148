//! Starting and stopping a process: configuration, telemetry, TLS, peer identity, health, drain.
//!
//! Every service of the workspace is put together from these parts, and none of them knows what
//! the service is for: nothing here may name a resource, a tenant or a permission. A `main` reads
//! top to bottom as [`config::load`], [`telemetry::init`], [`server::Listener::bind`],
//! [`drain::Drain::on_signals`], [`server::Listener::serve`], and ends in [`exit::report`].

pub mod client;
pub mod clock;
pub mod config;
pub mod drain;
pub mod egress;
pub mod exit;
pub mod health;
pub mod identity;
pub mod rpc;
pub mod server;
pub mod telemetry;
pub mod tls;
