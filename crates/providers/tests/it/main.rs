//! The crate as its users see it.
#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

mod cases;
mod golden;
mod google;
mod invalid_requests;
mod properties;
mod refusals;
mod streams;
