//! The crate as its users see it.
#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

mod cases;
mod chat_completions;
mod failed_answers;
mod golden;
mod invalid_requests;
mod lists;
mod portability;
mod properties;
mod refusals;
mod streams;
