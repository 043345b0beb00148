//! `UsageService`.

mod get_attempt;
mod list_attempts;
mod operations;
mod summarize_usage;
