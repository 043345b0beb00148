//! `InferenceService`.

mod compare;
mod count_tokens;
mod embed;
mod explain;
mod failures;
mod generate;
mod generate_images;
mod list_models;
mod stream_generate;
