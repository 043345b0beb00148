//! A vault to test, callers of every kind, and a router to attend it.

mod fixtures;
mod raw;
mod refusal;
mod router;
mod vault;

pub(crate) use fixtures::{
    SECRET_TAIL, api_key, create_key, key_of, mask, material, resolve, secret,
};
pub(crate) use refusal::refused;
pub(crate) use router::{Outcome, Router, alive, hello, rejected, unreachable};
pub(crate) use vault::{
    ACME_OWNER, ANONYMOUS, NOBODY, OPERATOR, OTHER_ROUTER, OWNER, ROUTER, START, STRANGER, Vault,
    config,
};
