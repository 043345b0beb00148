//! The key-vault service: custody, policy, leases, audit.
