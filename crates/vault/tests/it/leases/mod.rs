//! The methods of `LeaseService`.

mod attend;
mod choice;
mod fallbacks;
mod list;
mod quarantine;
mod release;
mod resolve;
