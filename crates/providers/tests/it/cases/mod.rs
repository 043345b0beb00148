//! Neutral requests, and helpers that encode them as a router does.

pub(crate) mod anthropic;
pub(crate) mod azure;
pub(crate) mod deepseek;
pub(crate) mod embeddings;
pub(crate) mod google;
pub(crate) mod images;
pub(crate) mod openai_chat;
pub(crate) mod openai_responses;
pub(crate) mod openrouter;

use std::sync::LazyLock;

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{
    Blob, File, GenerateRequest, Image, JsonSchema, Message, Part, ProviderState, Reasoning,
    ReasoningControl, ResponseFormat, Role, Tool, ToolCall, ToolChoice, ToolResult, file, image,
    reasoning_control, response_format, tool_choice,
};
use latchkey_providers::catalogue::{Catalogue, ModelTraits};
use latchkey_providers::encode::{self, Call, EncodeError, Exchange};
use latchkey_providers::{Credential, Target, tokens, vertex_base_url};
use prost_types::value::Kind;
use prost_types::{Struct, Value};
use url::Url;

/// Parsed once, because parsing takes longer than most tests.
pub(crate) static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::builtin);

pub(crate) const KEY: &str = "sk-golden-0123456789";

/// A request to a model.
pub(crate) struct Case {
    pub(crate) provider: ProviderId,
    pub(crate) model: &'static str,
    pub(crate) traits: ModelTraits,
    /// A bearer token that replaces the key.
    pub(crate) token: Option<&'static str>,
    /// Azure's API version.
    pub(crate) api_version: &'static str,
    pub(crate) stream: bool,
    pub(crate) request: GenerateRequest,
}

impl Case {
    pub(crate) fn new(provider: ProviderId, model: &'static str, request: GenerateRequest) -> Self {
        Self {
            provider,
            model,
            traits: CATALOGUE.traits(provider, model).clone(),
            token: None,
            api_version: "",
            stream: false,
            request,
        }
    }

    pub(crate) fn streamed(self) -> Self {
        Self {
            stream: true,
            ..self
        }
    }

    /// Changes the traits of the model for this case.
    pub(crate) fn with_traits(mut self, change: impl FnOnce(&mut ModelTraits)) -> Self {
        change(&mut self.traits);
        self
    }

    pub(crate) fn encode(&self) -> Result<Exchange, EncodeError> {
        let base = base_url(self.provider);
        encode::generate(&self.call(&base))
    }

    /// Encodes a token count.
    pub(crate) fn count(&self) -> Result<tokens::Exchange, EncodeError> {
        let base = base_url(self.provider);
        tokens::request(&self.call(&base))
    }

    fn call<'a>(&'a self, base: &'a Url) -> Call<'a> {
        let mut target = target(self.provider, base);
        if let Some(token) = self.token {
            target.credential = Credential::Bearer(token);
        }
        target.api_version = self.api_version;
        Call {
            target,
            model: self.model,
            traits: &self.traits,
            request: &self.request,
            stream: self.stream,
        }
    }

    /// Returns the body, or the refused field.
    pub(crate) fn body(&self) -> Result<serde_json::Value, String> {
        match self.encode() {
            Ok(exchange) => Ok(serde_json::from_slice(&exchange.request.body).unwrap()),
            Err(error) => Err(error.field.into_owned()),
        }
    }
}

/// The base URL of a provider in these tests.
pub(crate) fn base_url(provider: ProviderId) -> Url {
    let url = match provider {
        ProviderId::Azure => "https://example.openai.azure.com",
        ProviderId::Custom => "https://llm.example.com/v1",
        ProviderId::Vertex => return vertex_base_url("europe-west4").unwrap(),
        other => latchkey_providers::default_base_url(other).unwrap(),
    };
    url.parse().unwrap()
}

/// A target with the key of these tests.
pub(crate) fn target(provider: ProviderId, base_url: &Url) -> Target<'_> {
    let mut target = Target::new(provider, base_url, Credential::ApiKey(KEY));
    if provider == ProviderId::Vertex {
        target.credential = Credential::Bearer(KEY);
        target.location = "europe-west4";
        target.cloud_project = "example-project";
    }
    target
}

pub(crate) fn conversation(messages: impl IntoIterator<Item = Message>) -> GenerateRequest {
    GenerateRequest {
        messages: messages.into_iter().collect(),
        ..GenerateRequest::default()
    }
}

pub(crate) fn message(role: Role, parts: impl IntoIterator<Item = Part>) -> Message {
    Message {
        role: role.into(),
        parts: parts.into_iter().collect(),
    }
}

pub(crate) fn system(text: &str) -> Message {
    message(Role::System, [self::text(text)])
}

pub(crate) fn user(text: &str) -> Message {
    message(Role::User, [self::text(text)])
}

pub(crate) fn assistant(text: &str) -> Message {
    message(Role::Assistant, [self::text(text)])
}

pub(crate) fn part(content: Content) -> Part {
    Part {
        content: Some(content),
        provider_state: None,
    }
}

pub(crate) fn text(text: &str) -> Part {
    part(Content::Text(text.to_owned()))
}

/// An image that the provider fetches.
pub(crate) fn photo(detail: image::Detail) -> Part {
    part(Content::Image(Image {
        source: Some(image::Source::Url("https://example.com/cat.jpg".to_owned())),
        detail: detail.into(),
    }))
}

/// The eight bytes that begin every PNG.
pub(crate) fn png() -> Part {
    part(Content::Image(Image {
        source: Some(image::Source::Blob(blob("image/png", b"\x89PNG\r\n\x1a\n"))),
        detail: 0,
    }))
}

pub(crate) fn pdf() -> Part {
    inline_file("application/pdf", b"%PDF-1.7\n", "a.pdf")
}

pub(crate) fn inline_file(mime_type: &str, data: &'static [u8], filename: &str) -> Part {
    part(Content::File(File {
        source: Some(file::Source::Blob(blob(mime_type, data))),
        filename: filename.to_owned(),
    }))
}

pub(crate) fn linked_pdf() -> Part {
    part(Content::File(File {
        source: Some(file::Source::Url("https://example.com/b.pdf".to_owned())),
        filename: String::new(),
    }))
}

fn blob(mime_type: &str, data: &'static [u8]) -> Blob {
    Blob {
        mime_type: mime_type.to_owned(),
        data: data.into(),
    }
}

pub(crate) fn call(id: &str, name: &str, arguments: &str) -> Part {
    part(Content::ToolCall(ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: arguments.to_owned(),
    }))
}

pub(crate) fn result(id: &str, parts: impl IntoIterator<Item = Part>) -> Part {
    part(Content::ToolResult(ToolResult {
        tool_call_id: id.to_owned(),
        parts: parts.into_iter().collect(),
        ..ToolResult::default()
    }))
}

pub(crate) fn failed(result: Part) -> Part {
    match result.content {
        Some(Content::ToolResult(result)) => part(Content::ToolResult(ToolResult {
            failed: true,
            ..result
        })),
        _ => result,
    }
}

pub(crate) fn reasoning(text: &str) -> Part {
    part(Content::Reasoning(Reasoning {
        text: text.to_owned(),
        redacted: false,
    }))
}

pub(crate) fn redacted() -> Part {
    part(Content::Reasoning(Reasoning {
        text: String::new(),
        redacted: true,
    }))
}

pub(crate) fn with_state(part: Part, provider: &str, data: &str) -> Part {
    Part {
        provider_state: Some(ProviderState {
            provider: provider.to_owned(),
            data: data.as_bytes().to_vec().into(),
        }),
        ..part
    }
}

pub(crate) fn weather_tool() -> Tool {
    Tool {
        name: "get_weather".to_owned(),
        description: "Weather of a city".to_owned(),
        json_schema: r#"{"type":"object","properties":{"city":{"type":"string"}},
            "required":["city"],"additionalProperties":false}"#
            .to_owned(),
        strict: Some(true),
    }
}

/// A tool without arguments.
pub(crate) fn now_tool() -> Tool {
    Tool {
        name: "now".to_owned(),
        ..Tool::default()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the field")]
pub(crate) fn choice(
    mode: tool_choice::Mode,
    tool: &str,
    parallel: Option<bool>,
) -> Option<ToolChoice> {
    Some(ToolChoice {
        mode: mode.into(),
        tool: tool.to_owned(),
        parallel,
    })
}

pub(crate) fn person_schema() -> JsonSchema {
    JsonSchema {
        name: "person".to_owned(),
        json_schema: r#"{"type":"object","properties":{"name":{"type":"string"},
            "age":{"type":"integer"}},"required":["name","age"],"additionalProperties":false}"#
            .to_owned(),
        description: "Somebody".to_owned(),
        strict: Some(true),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the field")]
pub(crate) fn schema_format(schema: JsonSchema) -> Option<ResponseFormat> {
    Some(ResponseFormat {
        format: Some(response_format::Format::JsonSchema(schema)),
    })
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the field")]
pub(crate) fn effort(effort: reasoning_control::Effort) -> Option<ReasoningControl> {
    Some(ReasoningControl {
        effort: effort.into(),
        budget_tokens: None,
    })
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the field")]
pub(crate) fn budget(tokens: i64) -> Option<ReasoningControl> {
    Some(ReasoningControl {
        effort: 0,
        budget_tokens: Some(tokens),
    })
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the field")]
pub(crate) fn options(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Option<Struct> {
    Some(object(fields))
}

pub(crate) fn option_object(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    option(Kind::StructValue(object(fields)))
}

pub(crate) fn option(kind: Kind) -> Value {
    Value { kind: Some(kind) }
}

pub(crate) fn option_text(text: &str) -> Value {
    option(Kind::StringValue(text.to_owned()))
}

fn object(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Struct {
    let fields = fields.into_iter();
    Struct {
        fields: fields
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    }
}

pub(crate) fn stops(stops: &[&str]) -> Vec<String> {
    stops.iter().map(|stop| (*stop).to_owned()).collect()
}
