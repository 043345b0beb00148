//! What sets a model apart within its dialect.

use latchkey_contract::router::v1::reasoning_control;
use serde::Deserialize;

use crate::Api;

/// What a model takes and how it spells it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a table row of independent capabilities"
)]
pub struct ModelTraits {
    /// The dialect to speak.
    pub api: Api,
    /// Which role instructions take.
    pub system_role: SystemRole,
    /// Which field limits the output.
    pub token_limit: TokenLimit,
    /// The limit to send when the caller gives none and the dialect demands one.
    #[serde(default)]
    pub default_max_output_tokens: Option<i64>,
    /// When it takes temperature and its like.
    pub sampling: SamplingPolicy,
    /// Whether it takes stop sequences.
    pub stop_sequences: bool,
    /// Whether it can be made to call a tool.
    pub forced_tool_choice: bool,
    /// Whether the conversation may end with a turn of the assistant's, to be continued.
    pub prefill: bool,
    /// Whether instructions may stand after the first turn.
    pub mid_conversation_system: bool,
    /// Whether to ask for usage in a stream.
    pub stream_usage: bool,
    /// The depths of reasoning that it takes; `none` among them means that it must be told.
    pub reasoning_efforts: Vec<Effort>,
    /// Whether it takes a budget of reasoning tokens.
    pub reasoning_budget: bool,
    /// Whether it reasons when nothing is said.
    pub reasons_by_default: bool,
    /// Gemini: whether it signs and numbers its tool calls, and wants both back.
    #[serde(default)]
    pub thought_signatures: bool,
    /// Gemini: whether tools may answer with pictures.
    #[serde(default)]
    pub tool_result_images: bool,
    /// Gemini: whether each picture may be looked at as closely as its `detail` says.
    #[serde(default)]
    pub image_detail: bool,
}

/// The role of instructions.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum SystemRole {
    /// `developer`, of OpenAI's reasoning models.
    Developer,
    /// `system`.
    System,
}

/// The field of Chat Completions that limits the output.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum TokenLimit {
    /// `max_completion_tokens`, which OpenAI wants.
    MaxCompletionTokens,
    /// `max_tokens`, which everybody else knows.
    MaxTokens,
}

/// When a model takes sampling parameters other than their defaults.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum SamplingPolicy {
    /// Always.
    Always,
    /// Never.
    Never,
    /// While it does not reason.
    WithoutReasoning,
}

/// A depth of reasoning.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// Not at all.
    None,
    /// Hardly.
    Minimal,
    /// A little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// Very much.
    Xhigh,
    /// As much as it can.
    Max,
}

impl Effort {
    /// As OpenAI and Anthropic spell it.
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

    /// The contract's; nothing when it leaves the depth to the provider.
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
