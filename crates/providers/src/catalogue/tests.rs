mod builtin;
mod cost;
mod faults;
mod layers;
mod names;

use super::*;

/// A catalogue of defaults for all providers.
fn base() -> String {
    let of = |provider: ProviderId| {
        let api = match provider {
            ProviderId::Anthropic => "messages",
            ProviderId::Google | ProviderId::Vertex => "generate_content",
            _ => "chat_completions",
        };
        format!("[defaults.{provider}]\napi = \"{api}\"\n{DEFAULTS}\n")
    };
    let all: String = ProviderId::ALL.into_iter().map(of).collect();
    format!("version = \"1\"\n{all}")
}

/// Parses the defaults and more.
fn parse(more: &str) -> Result<Catalogue, CatalogueError> {
    Catalogue::parse(&format!("{}\n{more}", base()))
}

/// A model of `OpenAI` with the name `m`.
fn model(more: &str) -> String {
    format!("[[models]]\nprovider = \"openai\"\nid = \"m\"\n{more}")
}

const DEFAULTS: &str = r#"
    system_role = "system"
    token_limit = "max_completion_tokens"
    sampling = "always"
    stop_sequences = true
    forced_tool_choice = true
    prefill = true
    mid_conversation_system = true
    stream_usage = true
    reasoning_efforts = []
    reasoning_budget = false
    reasons_by_default = false
"#;
