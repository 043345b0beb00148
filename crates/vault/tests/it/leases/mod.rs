//! The methods of `LeaseService`.

mod attend;
mod choice;
mod data_keys;
mod fallbacks;
mod list;
mod quarantine;
mod release;
mod resolve;
