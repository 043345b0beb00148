//! Starting and stopping a process: configuration, telemetry, TLS, peer identity, health, drain.
