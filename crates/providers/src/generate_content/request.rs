//! The body of Google's requests.

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::{GenerateRequest, Role};
use serde::Serialize;
use serde_json::value::RawValue;

use super::contents::conversation;
use super::part::Content;
use super::thinking::{ThinkingConfig, thinking};
use super::tools::{Tool, ToolConfig, tool_config, tools};
use crate::encode::{
    AllowedSampling, AnswerFormat, Call, EncodeError, EncodeErrorKind, Reserved, SamplingSupport,
    answer_format, reasoning, refuse, sampling,
};

/// Alternative spellings of fields that the body sets. Google accepts both, so an option could
/// override a field.
const RESERVED: Reserved = &[
    "contents",
    "continuation_token",
    "generation_config",
    "model",
    "system_instruction",
    "tool_config",
];

/// Writes the body of a generation request. The model and the choice of streaming are in the path.
pub(crate) fn encode(call: &Call<'_>) -> Result<(Vec<u8>, Reserved), EncodeError> {
    let reasoning = reasoning(call)?;
    let thinking = thinking(reasoning)?;
    let allowed = sampling(call, &SAMPLING_SUPPORT, reasoning.reasons)?;
    let conversation = conversation(call)?;
    let body = Body {
        model: None,
        contents: conversation.contents,
        system_instruction: conversation.system,
        tools: tools(call.request)?,
        tool_config: tool_config(call)?,
        generation_config: generation_config(call, allowed, thinking)?,
        continuation_token: conversation.continuation,
    };
    Ok((crate::encode::write(call.request, &body), RESERVED))
}

/// Writes the body of a token count. AI Studio counts anything other than the conversation only
/// within a complete generation request.
pub(crate) fn count(call: &Call<'_>) -> Result<Vec<u8>, EncodeError> {
    let nested = call.target.provider != ProviderId::Vertex && !is_conversation_only(call.request);
    let body = crate::encode::body(call, |call| prompt(call, nested))?;
    if !nested {
        return Ok(body);
    }
    let mut outer = Vec::with_capacity(body.len() + NESTED.len() + 1);
    outer.extend_from_slice(NESTED);
    outer.extend_from_slice(&body);
    outer.push(b'}');
    Ok(outer)
}

fn prompt(call: &Call<'_>, named: bool) -> Result<(Vec<u8>, Reserved), EncodeError> {
    let conversation = conversation(call)?;
    let prompt = Body {
        model: named.then(|| format!("models/{}", call.model)),
        contents: conversation.contents,
        system_instruction: conversation.system,
        tools: tools(call.request)?,
        tool_config: None,
        generation_config: None,
        continuation_token: None,
    };
    Ok((crate::encode::write(call.request, &prompt), RESERVED))
}

/// Whether the request consists of the conversation only.
fn is_conversation_only(request: &GenerateRequest) -> bool {
    let first = request.messages.first();
    first.is_none_or(|message| message.role() != Role::System)
        && request.tools.is_empty()
        && request.provider_options.is_none()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    /// Set within a token count only. Elsewhere the path names the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    contents: Vec<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<[Tool<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation_config: Option<GenerationConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    continuation_token: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GenerationConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<i64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<ThinkingConfig>,
}

fn generation_config<'a>(
    call: &Call<'a>,
    allowed: AllowedSampling<'a>,
    thinking_config: Option<ThinkingConfig>,
) -> Result<Option<GenerationConfig<'a>>, EncodeError> {
    let (response_mime_type, response_json_schema) = match answer_format(call.request)? {
        AnswerFormat::Text => (None, None),
        AnswerFormat::JsonObject => (Some(JSON), None),
        AnswerFormat::JsonSchema(format, _) if !format.description.is_empty() => {
            return refuse(
                "response_format.json_schema.description",
                EncodeErrorKind::UnsupportedByProvider,
                "is not supported by the provider",
            );
        }
        // Google always enforces schemas, and gives them no names.
        AnswerFormat::JsonSchema(_, schema) => (Some(JSON), Some(schema)),
    };
    let max_output_tokens = call.request.max_output_tokens;
    let given = call.request.sampling.is_some()
        || max_output_tokens.is_some()
        || response_mime_type.is_some()
        || thinking_config.is_some();
    Ok(given.then_some(GenerationConfig {
        temperature: allowed.temperature,
        top_p: allowed.top_p,
        top_k: allowed.top_k,
        max_output_tokens,
        stop_sequences: allowed.stop,
        seed: seed(allowed.seed)?,
        presence_penalty: allowed.presence_penalty,
        frequency_penalty: allowed.frequency_penalty,
        response_mime_type,
        response_json_schema,
        thinking_config,
    }))
}

/// Converts a seed to Google's 32 bits.
fn seed(seed: Option<i64>) -> Result<Option<i32>, EncodeError> {
    match seed.map(i32::try_from).transpose() {
        Ok(seed) => Ok(seed),
        Err(_) => refuse(
            "sampling.seed",
            EncodeErrorKind::UnsupportedByProvider,
            "the provider accepts 32-bit seeds only",
        ),
    }
}

const NESTED: &[u8] = br#"{"generateContentRequest":"#;

const JSON: &str = "application/json";

const SAMPLING_SUPPORT: SamplingSupport = SamplingSupport {
    max_temperature: 2.0,
    penalties: true,
    seed: true,
    max_stop_sequences: 5,
    top_k: true,
};
