//! The methods of `LeaseService`.

mod attend;
mod choice;
mod fallbacks;
mod list;
mod look_up_member;
mod quarantine;
mod release;
mod resolve;
