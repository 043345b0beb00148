//! Traits of a model within its dialect.

use latchkey_contract::router::v1::reasoning_control;
use serde::Deserialize;

use crate::Api;

/// What a model accepts, and how requests to it are written.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a table row of independent capabilities"
)]
pub struct ModelTraits {
    /// The wire format.
    pub api: Api,
    /// The role of instructions.
    pub system_role: SystemRole,
    /// The field that limits the output.
    pub token_limit: TokenLimit,
    /// The output limit that is sent if the caller sets none and the dialect requires one.
    #[serde(default)]
    pub default_max_output_tokens: Option<i64>,
    /// When the model accepts sampling parameters.
    pub sampling: SamplingPolicy,
    /// Whether the model accepts stop sequences.
    pub stop_sequences: bool,
    /// Whether the model can be forced to call a tool.
    pub forced_tool_choice: bool,
    /// Whether the conversation may end with an assistant message, which the model continues.
    pub prefill: bool,
    /// Whether instructions may follow the first turn.
    pub mid_conversation_system: bool,
    /// Whether a streaming request asks for usage.
    pub stream_usage: bool,
    /// The reasoning efforts that the model accepts. If `none` is among them, the model reasons
    /// unless `none` is sent.
    pub reasoning_efforts: Vec<Effort>,
    /// Whether the model accepts a budget of reasoning tokens.
    pub reasoning_budget: bool,
    /// Whether the model reasons by default.
    pub reasons_by_default: bool,
    /// Gemini: whether the model signs and numbers its tool calls, and requires both back.
    #[serde(default)]
    pub thought_signatures: bool,
    /// Gemini: whether tool results may include images.
    #[serde(default)]
    pub tool_result_images: bool,
    /// Gemini: whether the model honours the `detail` of an image.
    #[serde(default)]
    pub image_detail: bool,
}

/// The role of instructions.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum SystemRole {
    /// `developer`, for OpenAI's reasoning models.
    Developer,
    /// `system`.
    System,
}

/// The field of Chat Completions that limits the output.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum TokenLimit {
    /// `max_completion_tokens`, which OpenAI requires.
    MaxCompletionTokens,
    /// `max_tokens`, which all other servers accept.
    MaxTokens,
}

/// When a model accepts sampling parameters other than the defaults.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum SamplingPolicy {
    /// Always.
    Always,
    /// Never.
    Never,
    /// Only while it does not reason.
    WithoutReasoning,
}

/// A reasoning effort.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// No reasoning.
    None,
    /// Minimal effort.
    Minimal,
    /// Low effort.
    Low,
    /// Medium effort.
    Medium,
    /// High effort.
    High,
    /// Extra high effort.
    Xhigh,
    /// Maximum effort.
    Max,
}

impl Effort {
    /// The name at OpenAI and Anthropic.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// Converts the contract's effort. None leaves the effort to the provider.
    pub(crate) fn of(effort: reasoning_control::Effort) -> Option<Self> {
        use reasoning_control::Effort as Neutral;
        match effort {
            Neutral::Unspecified => None,
            Neutral::None => Some(Self::None),
            Neutral::Minimal => Some(Self::Minimal),
            Neutral::Low => Some(Self::Low),
            Neutral::Medium => Some(Self::Medium),
            Neutral::High => Some(Self::High),
            Neutral::Xhigh => Some(Self::Xhigh),
            Neutral::Max => Some(Self::Max),
        }
    }
}
