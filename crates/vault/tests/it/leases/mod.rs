//! The methods of `LeaseService`.

mod attend;
mod list;
mod quarantine;
mod release;
mod resolve;
