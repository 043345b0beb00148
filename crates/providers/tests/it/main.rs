//! Tests of the crate's public interface.
#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

mod cases;
mod chat_completions;
mod documented;
mod embeddings;
mod failed_answers;
mod golden;
mod google;
mod images;
mod invalid_requests;
mod lists;
mod media;
mod portability;
mod prices;
mod properties;
mod refusals;
mod streams;
