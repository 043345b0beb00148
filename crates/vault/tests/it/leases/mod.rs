//! The methods of `LeaseService`.

mod choice;
mod data_keys;
mod dry_run;
mod fallbacks;
mod funding;
mod list;
mod look_up_member;
mod look_up_scope;
mod open_router_session;
mod quarantine;
mod release;
mod resolve;
