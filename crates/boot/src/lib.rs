//! Starting and stopping a process: configuration, telemetry, TLS, server, health, drain, exit codes.
//!
//! Every service of the workspace is assembled from these parts. They are independent of what a
//! service does: nothing here may name a resource, a tenant or a permission. A `main` reads from top
//! to bottom as [`config::load`], [`telemetry::init`], [`server::Listener::bind`],
//! [`drain::Drain::on_signals`], [`server::Listener::serve`], and ends in [`exit::report`].

pub mod config;
pub mod drain;
pub mod exit;
pub mod health;
pub mod server;
pub mod telemetry;
pub mod tls;
