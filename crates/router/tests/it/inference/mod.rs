//! `InferenceService`.

mod count_tokens;
mod embed;
mod failures;
mod generate;
mod generate_images;
mod list_models;
mod stream_generate;
