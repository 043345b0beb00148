//! A router to test, its callers, and the vault and the provider on its other sides.

mod bodies;
mod config;
mod data_keys;
mod members;
mod provider;
mod refusal;
mod remote_deadline;
mod requests;
mod router;
mod stored_keys;
mod vault;

pub(crate) use bodies::{anthropic, chat, responses};
pub(crate) use config::{
    ADA, ANONYMOUS, APP, BOB, BOT, Caller, ONCE, OPERATOR, OTHER_APP, OTHER_CALLER, OWNER, QUICK,
    STRANGER, WITHOUT_ROLE,
};
pub(crate) use members::membership;
pub(crate) use provider::{Answer, FakeProvider};
pub(crate) use refusal::{Refused, refused};
pub(crate) use requests::{ACME, WEB, claude, gpt, on, streamed};
pub(crate) use router::{Router, START};
pub(crate) use stored_keys::{StoredKeys, of, own, shared};
pub(crate) use vault::{FRESHNESS, Received, SECRET, api_key, key, uid_of, version, version_uid};
