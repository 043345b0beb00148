//! The body of Chat Completions requests.

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::GenerateRequest;
use serde::Serialize;
use serde_json::value::RawValue;

use super::flavour::{Flavour, Parallel};
use super::message::{WireMessage, messages};
use super::preferences::{Preferences, preferences};
use super::thinking::{self, ReasoningObject, Switch};
use crate::catalogue::TokenLimit;
use crate::encode::{
    AllowedSampling, AnswerFormat, Call, Choice, EncodeError, EncodeErrorKind, Reasoning, Reserved,
    answer_format, choice, parallel, refuse, sampling, schema_name, tool_schema,
};

/// Fields that change how the answer must be read.
const RESERVED: Reserved = &[
    "audio",
    "function_call",
    "functions",
    "modalities",
    // OpenRouter would choose among other models, which the key's model rules did not judge.
    "models",
    "n",
    "preset",
    "route",
    "stream",
];

/// Writes the body.
pub(crate) fn encode(call: &Call<'_>) -> Result<(Vec<u8>, Reserved), EncodeError> {
    let flavour = Flavour::of(call.target.provider);
    let reasoning = thinking::reasoning(call, flavour)?;
    let AllowedSampling {
        temperature,
        top_p,
        top_k,
        seed,
        presence_penalty,
        frequency_penalty,
        stop,
    } = sampling(call, &flavour.sampling_support(), reasoning.reasons)?;
    let limit = call.request.max_output_tokens;
    let (max_tokens, max_completion_tokens) = match call.traits.token_limit {
        TokenLimit::MaxTokens => (limit, None),
        TokenLimit::MaxCompletionTokens => (None, limit),
    };
    let mut body = Body {
        model: call.model,
        messages: messages(call, flavour)?,
        tools: tools(call, flavour)?,
        tool_choice: tool_choice(call, flavour, &reasoning)?,
        parallel_tool_calls: parallel_tool_calls(call, flavour)?,
        response_format: response_format(call.request, flavour)?,
        temperature,
        top_p,
        top_k,
        seed,
        presence_penalty,
        frequency_penalty,
        stop,
        max_tokens,
        max_completion_tokens,
        reasoning_effort: thinking::effort(flavour, &reasoning),
        reasoning: ReasoningObject::of(flavour, &reasoning),
        thinking: Switch::of(flavour, &reasoning),
        provider: None,
        stream: call.stream.then_some(true),
        stream_options: asks_for_usage(call, flavour).then_some(StreamOptions {
            include_usage: true,
        }),
    };
    if call.target.provider == ProviderId::OpenRouter {
        let options = call.request.provider_options.as_ref();
        body.provider = preferences(options, body.has_parameters())?;
    }
    Ok((crate::encode::write(call.request, &body), RESERVED))
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<WireMessage<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<ReasoningObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Switch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<Preferences<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

impl Body<'_> {
    /// Whether the body has parameters other than the model and its messages.
    fn has_parameters(&self) -> bool {
        let numbers = [
            self.temperature.is_some(),
            self.top_p.is_some(),
            self.top_k.is_some(),
            self.seed.is_some(),
            self.presence_penalty.is_some(),
            self.frequency_penalty.is_some(),
            self.max_tokens.is_some(),
            self.max_completion_tokens.is_some(),
        ];
        numbers.contains(&true)
            || !self.tools.is_empty()
            || !self.stop.is_empty()
            || self.tool_choice.is_some()
            || self.parallel_tool_calls.is_some()
            || self.response_format.is_some()
            || self.reasoning.is_some()
    }
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// Whether to request usage in a stream. The model's server must support it and, at Azure's older
/// addresses, so must the API version.
fn asks_for_usage(call: &Call<'_>, flavour: &Flavour) -> bool {
    let version = call.target.api_version;
    let knows = version.is_empty() || version >= STREAM_OPTIONS_SINCE;
    call.stream && flavour.usage_on_demand && call.traits.stream_usage && knows
}

/// Versions are dates, so they are compared as texts.
const STREAM_OPTIONS_SINCE: &str = "2024-09-01";

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Tool<'a> {
    Function { function: Function<'a> },
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Parameters<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Parameters<'a> {
    Given(&'a RawValue),
    Empty(EmptySchema),
}

/// The schema of a tool without arguments. OpenAI accepts a missing schema; other servers fail
/// without one.
#[derive(Serialize)]
struct EmptySchema {
    r#type: &'static str,
    properties: Empty,
}

#[derive(Serialize)]
struct Empty {}

fn tools<'a>(call: &Call<'a>, flavour: &Flavour) -> Result<Vec<Tool<'a>>, EncodeError> {
    let tools = call.request.tools.iter().enumerate();
    tools
        .map(|(index, tool)| {
            let parameters = match tool_schema(index, tool)? {
                Some(schema) => Some(Parameters::Given(schema)),
                None if flavour.bare_tools => None,
                None => Some(Parameters::Empty(EmptySchema {
                    r#type: "object",
                    properties: Empty {},
                })),
            };
            Ok(Tool::Function {
                function: Function {
                    name: &tool.name,
                    description: &tool.description,
                    parameters,
                    strict: tool.strict,
                },
            })
        })
        .collect()
}

#[derive(Serialize)]
#[serde(untagged)]
enum ToolChoice<'a> {
    Mode(&'static str),
    Named(NamedTool<'a>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum NamedTool<'a> {
    Function { function: Name<'a> },
}

#[derive(Serialize)]
struct Name<'a> {
    name: &'a str,
}

impl<'a> From<Choice<'a>> for ToolChoice<'a> {
    fn from(choice: Choice<'a>) -> Self {
        match choice {
            Choice::Auto => Self::Mode("auto"),
            Choice::None => Self::Mode("none"),
            Choice::Required => Self::Mode("required"),
            Choice::Named(name) => Self::Named(NamedTool::Function {
                function: Name { name },
            }),
        }
    }
}

fn tool_choice<'a>(
    call: &Call<'a>,
    flavour: &Flavour,
    reasoning: &Reasoning,
) -> Result<Option<ToolChoice<'a>>, EncodeError> {
    let choice = choice(call)?;
    let forced = matches!(choice, Some(Choice::Named(_) | Choice::Required));
    if forced && reasoning.reasons && !flavour.forced_tools_beside_reasoning {
        return refuse(
            "tool_choice.mode",
            EncodeErrorKind::UnsupportedByProvider,
            "a tool cannot be forced while the model reasons; set reasoning.effort to NONE",
        );
    }
    Ok(choice.map(ToolChoice::from))
}

fn parallel_tool_calls(call: &Call<'_>, flavour: &Flavour) -> Result<Option<bool>, EncodeError> {
    match (parallel(call.request), flavour.parallel) {
        (Some(false), Parallel::Neither) => refuse(
            "tool_choice.parallel",
            EncodeErrorKind::UnsupportedByProvider,
            "is not supported by the provider",
        ),
        (Some(true), Parallel::Forbidden | Parallel::Neither) => Ok(None),
        (parallel, _) => Ok(parallel),
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ResponseFormat<'a> {
    JsonObject,
    JsonSchema { json_schema: JsonSchema<'a> },
}

#[derive(Serialize)]
struct JsonSchema<'a> {
    name: &'a str,
    schema: &'a RawValue,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

fn response_format<'a>(
    request: &'a GenerateRequest,
    flavour: &Flavour,
) -> Result<Option<ResponseFormat<'a>>, EncodeError> {
    Ok(match answer_format(request)? {
        AnswerFormat::Text => None,
        AnswerFormat::JsonObject => Some(ResponseFormat::JsonObject),
        AnswerFormat::JsonSchema(..) if !flavour.schemas => {
            return refuse(
                "response_format.json_schema",
                EncodeErrorKind::UnsupportedByProvider,
                "the provider does not support schemas; use response_format.json_object",
            );
        }
        AnswerFormat::JsonSchema(format, schema) => Some(ResponseFormat::JsonSchema {
            json_schema: JsonSchema {
                name: schema_name(format)?,
                schema,
                description: &format.description,
                strict: format.strict,
            },
        }),
    })
}
