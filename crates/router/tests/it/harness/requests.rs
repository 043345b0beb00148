//! Requests of callers.

use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{GenerateRequest, Message, Part, Role, StreamGenerateRequest};

/// The workspace of most tests.
pub(crate) const ACME: &str = "workspaces/acme";
/// A project in it.
pub(crate) const WEB: &str = "workspaces/acme/projects/web";

/// A greeting to a model that OpenAI answers by Chat Completions.
pub(crate) fn gpt() -> GenerateRequest {
    GenerateRequest {
        parent: ACME.to_owned(),
        provider: "openai".to_owned(),
        model: "gpt-4.1".to_owned(),
        messages: vec![Message {
            role: Role::User.into(),
            parts: vec![Part {
                content: Some(Content::Text("Hello".to_owned())),
                provider_state: None,
            }],
        }],
        ..GenerateRequest::default()
    }
}

/// The same greeting to a model of Anthropic.
pub(crate) fn claude() -> GenerateRequest {
    GenerateRequest {
        provider: "anthropic".to_owned(),
        model: "claude-sonnet-5".to_owned(),
        ..gpt()
    }
}

/// The same request for another scope.
pub(crate) fn on(parent: &str, request: GenerateRequest) -> GenerateRequest {
    GenerateRequest {
        parent: parent.to_owned(),
        ..request
    }
}

/// The same request for a streamed answer.
pub(crate) fn streamed(request: GenerateRequest) -> StreamGenerateRequest {
    StreamGenerateRequest {
        request: Some(request),
    }
}
