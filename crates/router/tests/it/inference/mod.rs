//! `InferenceService`.

mod failures;
mod generate;
mod stream_generate;
