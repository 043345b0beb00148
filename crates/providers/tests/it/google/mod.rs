//! Tests of Google AI Studio and Vertex AI.

mod lists;
mod refusals;
mod requests;
mod round_trips;
