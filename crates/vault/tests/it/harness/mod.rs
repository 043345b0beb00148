//! A running vault, callers of every kind, and a router with an open session.

mod fixtures;
mod materials;
mod members;
mod raw;
mod refusal;
mod router;
mod vault;

pub(crate) use fixtures::{
    SECRET_TAIL, api_key, create_key, key_of, mask, material, resolve, secret,
};
pub(crate) use materials::{
    AZURE, complete_key_of, create_key_of, entra, entra_client, private_key, service_account,
    service_account_file,
};
pub(crate) use members::{member, remove, role_of, set};
pub(crate) use refusal::refused;
pub(crate) use router::{Outcome, Router, alive, hello, limited, reachable, rejected, unreachable};
pub(crate) use vault::{
    ACME_OWNER, ADA, ANONYMOUS, BOB, BOT, OPERATOR, OTHER_ROUTER, OWNER, ROUTER, START, STRANGER,
    UNGRANTED, Vault, Who, config,
};
