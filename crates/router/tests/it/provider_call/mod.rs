//! Calls to providers: allowed addresses, connection pools, access tokens.

mod egress;
mod pools;
mod tokens;
