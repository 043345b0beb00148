//! The crate as its users see it.
#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

mod cases;
mod documented;
mod embeddings;
mod golden;
mod google;
mod images;
mod invalid_requests;
mod media;
mod prices;
mod properties;
mod refusals;
mod round_trips;
mod streams;

use std::sync::LazyLock;

use latchkey_providers::catalogue::Catalogue;

/// Read once, since properties ask for it hundreds of times.
static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::builtin);
