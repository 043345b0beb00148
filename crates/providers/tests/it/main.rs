//! The crate as its users see it.
#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

mod cases;
mod documented;
mod embeddings;
mod golden;
mod images;
mod invalid_requests;
mod media;
mod properties;
mod refusals;
mod streams;
