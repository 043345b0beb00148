//! `UsageService`.

mod get_attempt;
mod list_attempts;
mod summarize_usage;
