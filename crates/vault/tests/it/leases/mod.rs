//! The methods of `LeaseService`.

mod attend;
mod choice;
mod fallbacks;
mod foresight;
mod funding;
mod list;
mod quarantine;
mod release;
mod resolve;
