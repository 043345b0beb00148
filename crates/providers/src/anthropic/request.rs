//! The body of Anthropic requests.

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::GenerateRequest;
use serde::Serialize;
use serde_json::value::RawValue;

use super::messages::{System, WireMessage, conversation};
use crate::catalogue::Effort;
use crate::encode::{
    AllowedSampling, AnswerFormat, Call, Choice, EncodeError, EncodeErrorKind, Reasoning, Reserved,
    SamplingSupport, answer_format, choice, parallel, reasoning, refuse, sampling, tool_schema,
};

/// Fields that change how the answer must be read, or which model answers.
const RESERVED: Reserved = &["model", "stream"];

/// Writes the body of a generation request.
pub(crate) fn encode(call: &Call<'_>) -> Result<(Vec<u8>, Reserved), EncodeError> {
    let body = body(call)?;
    Ok((crate::encode::write(call.request, &body), RESERVED))
}

/// Writes the body of a token count: the prompt only.
pub(crate) fn encode_count(call: &Call<'_>) -> Result<(Vec<u8>, Reserved), EncodeError> {
    let prompt = Body {
        // The path has no model, even at Vertex AI.
        model: Some(call.model),
        max_tokens: None,
        temperature: None,
        top_p: None,
        top_k: None,
        stop_sequences: &[],
        stream: None,
        ..body(call)?
    };
    Ok((crate::encode::write(call.request, &prompt), RESERVED))
}

fn body<'a>(call: &Call<'a>) -> Result<Body<'a>, EncodeError> {
    let reasoning = reasoning(call)?;
    let max_tokens = max_tokens(call)?;
    let AllowedSampling {
        temperature,
        top_p,
        top_k,
        stop: stop_sequences,
        seed: _,
        presence_penalty: _,
        frequency_penalty: _, // refused: the dialect has no field for the three
    } = sampling(call, &SAMPLING_SUPPORT, reasoning.reasons)?;
    if let Some(blank) = stop_sequences
        .iter()
        .position(|stop| stop.trim().is_empty())
    {
        return refuse(
            format!("sampling.stop_sequences[{blank}]"),
            EncodeErrorKind::UnsupportedByProvider,
            "the provider does not accept blank stop sequences",
        );
    }
    let choice = choice(call)?;
    check_budget(&reasoning, max_tokens, temperature, choice)?;
    let (system, messages) = conversation(call)?;
    let at_vertex = call.target.provider == ProviderId::Vertex;
    Ok(Body {
        model: (!at_vertex).then_some(call.model),
        anthropic_version: at_vertex.then_some(VERTEX_VERSION),
        max_tokens: Some(max_tokens),
        system,
        messages,
        tools: tools(call.request)?,
        tool_choice: tool_choice(choice, parallel(call.request)),
        thinking: Thinking::of(&reasoning),
        output_config: output_config(call.request, reasoning.effort)?,
        temperature,
        top_p,
        top_k,
        stop_sequences,
        stream: call.stream.then_some(true),
    })
}

#[derive(Serialize)]
struct Body<'a> {
    /// None at Vertex AI, where the path names the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    /// Sent at Vertex AI only. Elsewhere the version is a header.
    #[serde(skip_serializing_if = "Option::is_none")]
    anthropic_version: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<System<'a>>,
    messages: Vec<WireMessage<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<i32>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
}

#[derive(Serialize)]
struct Tool<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    input_schema: Schema<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Schema<'a> {
    /// A tool without arguments. Anthropic requires a schema anyway.
    Empty {
        r#type: &'static str,
    },
    Given(&'a RawValue),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ToolChoice<'a> {
    Any {
        #[serde(skip_serializing_if = "is_false")]
        disable_parallel_tool_use: bool,
    },
    Auto {
        #[serde(skip_serializing_if = "is_false")]
        disable_parallel_tool_use: bool,
    },
    None,
    Tool {
        name: &'a str,
        #[serde(skip_serializing_if = "is_false")]
        disable_parallel_tool_use: bool,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Thinking {
    Adaptive,
    Disabled,
    Enabled { budget_tokens: i64 },
}

impl Thinking {
    fn of(reasoning: &Reasoning) -> Option<Self> {
        match (reasoning.effort, reasoning.budget) {
            (Some(Effort::None), _) => Some(Self::Disabled),
            (Some(_), _) => Some(Self::Adaptive),
            (None, Some(budget_tokens)) => Some(Self::Enabled { budget_tokens }),
            (None, None) => None,
        }
    }
}

#[derive(Serialize)]
struct OutputConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format<'a> {
    JsonSchema { schema: &'a RawValue },
}

/// The output limit, which Anthropic requires. Defaults to the limit of the model.
fn max_tokens(call: &Call<'_>) -> Result<i64, EncodeError> {
    let limit = call.request.max_output_tokens;
    match limit.or(call.traits.default_max_output_tokens) {
        Some(limit) => Ok(limit),
        None => refuse(
            "max_output_tokens",
            EncodeErrorKind::Invalid,
            "is required by the provider, and the limit of the model is unknown",
        ),
    }
}

/// Checks the conditions of manual thinking.
fn check_budget(
    reasoning: &Reasoning,
    max_tokens: i64,
    temperature: Option<f64>,
    choice: Option<Choice<'_>>,
) -> Result<(), EncodeError> {
    let Some(budget) = reasoning.budget else {
        return Ok(());
    };
    if budget >= max_tokens {
        return refuse(
            "reasoning.budget_tokens",
            EncodeErrorKind::Invalid,
            format!("must be below max_output_tokens, which is {max_tokens}"),
        );
    }
    #[expect(clippy::float_cmp, reason = "only the exact default is accepted")]
    if temperature.is_some_and(|temperature| temperature != 1.0) {
        return refuse(
            "sampling.temperature",
            EncodeErrorKind::UnsupportedByProvider,
            "must be 1 with a reasoning budget",
        );
    }
    if matches!(choice, Some(Choice::Named(_) | Choice::Required)) {
        return refuse(
            "tool_choice.mode",
            EncodeErrorKind::UnsupportedByProvider,
            "a tool cannot be forced with a reasoning budget",
        );
    }
    Ok(())
}

fn tools(request: &GenerateRequest) -> Result<Vec<Tool<'_>>, EncodeError> {
    let tools = request.tools.iter().enumerate();
    tools
        .map(|(index, tool)| {
            Ok(Tool {
                name: &tool.name,
                description: &tool.description,
                input_schema: match tool_schema(index, tool)? {
                    Some(schema) => Schema::Given(schema),
                    None => Schema::Empty { r#type: "object" },
                },
                strict: tool.strict,
            })
        })
        .collect()
}

fn tool_choice(choice: Option<Choice<'_>>, parallel: Option<bool>) -> Option<ToolChoice<'_>> {
    let disable_parallel_tool_use = parallel == Some(false);
    match choice {
        Some(Choice::Auto) => Some(ToolChoice::Auto {
            disable_parallel_tool_use,
        }),
        Some(Choice::Required) => Some(ToolChoice::Any {
            disable_parallel_tool_use,
        }),
        Some(Choice::Named(name)) => Some(ToolChoice::Tool {
            name,
            disable_parallel_tool_use,
        }),
        Some(Choice::None) => Some(ToolChoice::None),
        None => disable_parallel_tool_use.then_some(ToolChoice::Auto {
            disable_parallel_tool_use,
        }),
    }
}

fn output_config(
    request: &GenerateRequest,
    effort: Option<Effort>,
) -> Result<Option<OutputConfig<'_>>, EncodeError> {
    let effort = effort.filter(|effort| *effort != Effort::None);
    let format = match answer_format(request)? {
        AnswerFormat::Text => None,
        AnswerFormat::JsonObject => {
            return refuse(
                "response_format.json_object",
                EncodeErrorKind::UnsupportedByProvider,
                "the provider requires a schema for JSON answers",
            );
        }
        AnswerFormat::JsonSchema(format, _) if !format.description.is_empty() => {
            return refuse(
                "response_format.json_schema.description",
                EncodeErrorKind::UnsupportedByProvider,
                "is not supported by the provider",
            );
        }
        // Anthropic always enforces schemas, and gives them no names.
        AnswerFormat::JsonSchema(_, schema) => Some(Format::JsonSchema { schema }),
    };
    let given = effort.is_some() || format.is_some();
    Ok(given.then_some(OutputConfig {
        effort: effort.map(Effort::as_str),
        format,
    }))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Vertex AI's name of the version that accepts sampling on every model that supports it.
const VERTEX_VERSION: &str = "vertex-2023-10-16";

const SAMPLING_SUPPORT: SamplingSupport = SamplingSupport {
    max_temperature: 1.0,
    penalties: false,
    seed: false,
    max_stop_sequences: usize::MAX,
    top_k: true,
};
