//! A router to test, its callers, and the vault and the provider on its other sides.

mod bodies;
mod config;
mod data_keys;
mod leasing;
mod members;
mod patient;
mod provider;
mod refusal;
mod requests;
mod router;
mod vault;

pub(crate) use bodies::{anthropic, chat, responses};
pub(crate) use config::{
    ADA, ANONYMOUS, APP, BOB, BOT, NOBODY, ONCE, OPERATOR, OTHER_APP, OTHER_CALLER, OWNER, QUICK,
    STRANGER, Who,
};
pub(crate) use leasing::{Leasing, of, own, shared};
pub(crate) use members::told;
pub(crate) use provider::{Answer, FakeProvider};
pub(crate) use refusal::{Refused, refused};
pub(crate) use requests::{ACME, WEB, claude, gpt, on, streamed};
pub(crate) use router::{Router, START};
pub(crate) use vault::{FRESHNESS, Heard, SECRET, api_key, key, version};
