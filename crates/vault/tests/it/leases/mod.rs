//! The methods of `LeaseService`.

mod attend;
mod choice;
mod data_keys;
mod fallbacks;
mod foresight;
mod funding;
mod list;
mod look_up_member;
mod quarantine;
mod release;
mod resolve;
