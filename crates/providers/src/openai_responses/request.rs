//! The body of Responses requests.

use latchkey_contract::router::v1::GenerateRequest;
use serde::Serialize;
use serde_json::value::RawValue;

use super::input::{Item, input};
use crate::encode::{
    AllowedSampling, AnswerFormat, Call, Choice, EncodeError, Reasoning, Reserved, SamplingSupport,
    answer_format, choice, parallel, reasoning, sampling, schema_name, tool_schema,
};

/// Fields that change how the answer must be read.
const RESERVED: Reserved = &["background", "stream"];

/// Writes the body of a generation request.
pub(crate) fn encode(call: &Call<'_>) -> Result<(Vec<u8>, Reserved), EncodeError> {
    let reasoning = reasoning(call)?.without_budget()?;
    let AllowedSampling {
        temperature, top_p, ..
    } = sampling(call, &SAMPLING_SUPPORT, reasoning.reasons)?;
    let body = Body {
        temperature,
        top_p,
        max_output_tokens: call.request.max_output_tokens,
        include: Some([ENCRYPTED_REASONING]),
        store: Some(false),
        stream: call.stream.then_some(true),
        ..prompt(call, &reasoning)?
    };
    Ok((crate::encode::write(call.request, &body), RESERVED))
}

/// Writes the body of a token count: the prompt only.
pub(crate) fn encode_count(call: &Call<'_>) -> Result<(Vec<u8>, Reserved), EncodeError> {
    let prompt = prompt(call, &reasoning(call)?.without_budget()?)?;
    Ok((crate::encode::write(call.request, &prompt), RESERVED))
}

/// Writes the prompt, without the fields that control the answer.
fn prompt<'a>(call: &Call<'a>, reasoning: &Reasoning) -> Result<Body<'a>, EncodeError> {
    Ok(Body {
        model: call.model,
        input: input(call)?,
        tools: tools(call.request)?,
        tool_choice: choice(call)?.map(ToolChoice::from),
        parallel_tool_calls: parallel(call.request),
        text: text(call.request)?,
        temperature: None,
        top_p: None,
        max_output_tokens: None,
        reasoning: reasoning.effort.map(|effort| ReasoningConfig {
            effort: effort.as_str(),
        }),
        include: None,
        store: None,
        stream: None,
    })
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    input: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<TextConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<ReasoningConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    include: Option<[&'static str; 1]>,
    /// Always false. OpenAI's default is true, and stores the conversation for a month.
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
}

#[derive(Serialize)]
struct ReasoningConfig {
    effort: &'static str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Tool<'a> {
    Function {
        name: &'a str,
        #[serde(skip_serializing_if = "str::is_empty")]
        description: &'a str,
        parameters: Option<&'a RawValue>,
        /// OpenAI's default is true here, which refuses most schemas. Elsewhere it is false.
        strict: bool,
    },
}

fn tools(request: &GenerateRequest) -> Result<Vec<Tool<'_>>, EncodeError> {
    let tools = request.tools.iter().enumerate();
    tools
        .map(|(index, tool)| {
            Ok(Tool::Function {
                name: &tool.name,
                description: &tool.description,
                parameters: tool_schema(index, tool)?,
                strict: tool.strict.unwrap_or(false),
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
    Function { name: &'a str },
}

impl<'a> From<Choice<'a>> for ToolChoice<'a> {
    fn from(choice: Choice<'a>) -> Self {
        match choice {
            Choice::Auto => Self::Mode("auto"),
            Choice::None => Self::Mode("none"),
            Choice::Required => Self::Mode("required"),
            Choice::Named(name) => Self::Named(NamedTool::Function { name }),
        }
    }
}

#[derive(Serialize)]
struct TextConfig<'a> {
    format: Format<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format<'a> {
    JsonObject,
    JsonSchema {
        name: &'a str,
        schema: &'a RawValue,
        #[serde(skip_serializing_if = "str::is_empty")]
        description: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
}

fn text(request: &GenerateRequest) -> Result<Option<TextConfig<'_>>, EncodeError> {
    let format = match answer_format(request)? {
        AnswerFormat::Text => return Ok(None),
        AnswerFormat::JsonObject => Format::JsonObject,
        AnswerFormat::JsonSchema(format, schema) => Format::JsonSchema {
            name: schema_name(format)?,
            schema,
            description: &format.description,
            strict: format.strict,
        },
    };
    Ok(Some(TextConfig { format }))
}

/// Requests encrypted reasoning, which can be sent back without being stored.
const ENCRYPTED_REASONING: &str = "reasoning.encrypted_content";

const SAMPLING_SUPPORT: SamplingSupport = SamplingSupport {
    max_temperature: 2.0,
    penalties: false,
    seed: false,
    max_stop_sequences: 0,
    top_k: false,
};
