//! Differences between the providers of this dialect, as a table. The rest of the dialect reads the
//! table and never compares providers.

use latchkey_contract::ProviderId;

use crate::encode::SamplingSupport;

/// One provider's variant of the dialect.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a table row of independent capabilities"
)]
pub(crate) struct Flavour {
    /// The maximum number of stop sequences.
    max_stop_sequences: usize,
    top_k: bool,
    seed: bool,
    penalties: bool,
    /// Whether a tool can be forced while the model reasons.
    pub(super) forced_tools_beside_reasoning: bool,
    /// Whether a tool without arguments may omit its schema.
    pub(super) bare_tools: bool,
    /// Whether answers can be constrained by a schema.
    pub(super) schemas: bool,
    /// Whether usage in a stream must be requested.
    pub(super) usage_on_demand: bool,
    /// Whether a content that consists of texts may be a list.
    pub(super) text_parts: bool,
    /// Whether an assistant message without text has a null content instead of an empty one.
    pub(super) null_content: bool,
    /// Whether an assistant message has a field for one refusal.
    pub(super) refusals: bool,
    /// Whether tool results may include images.
    pub(super) tool_images: bool,
    pub(super) parallel: Parallel,
    pub(super) files: Files,
    pub(super) thinking: Thinking,
    pub(super) replay: Replay,
    /// Finish reasons of answers that failed.
    pub(super) failures: &'static [&'static str],
    /// Whether a complete answer may omit the finish reason.
    pub(super) optional_finish_reason: bool,
    /// Whether an empty answer means that the model is still starting.
    pub(super) cold_starts: bool,
    /// Provider options that are merged into a field of the body.
    pub(super) merged_options: &'static [&'static str],
}

/// Whether parallel tool calls, which are on by default, can be requested or forbidden.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Parallel {
    Both,
    /// Only forbidding is sent: requiring the field would exclude upstreams that do not know it.
    Forbidden,
    Neither,
}

/// Where a file may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Files {
    Inline,
    InlineOrLinked,
    /// Only in the provider's storage, which belongs to one account.
    Stored,
}

/// How reasoning controls are spelled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Thinking {
    /// `reasoning_effort`.
    Effort,
    /// `reasoning`, with an effort or a budget.
    Object,
    /// `thinking` to turn reasoning on or off, and `reasoning_effort`.
    Switch,
}

/// How reasoning is sent back to its provider.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Replay {
    /// As text, in `reasoning_content`.
    Content,
    /// As the received `reasoning_details`, or as text in `reasoning` if there were none.
    Details,
    /// Reasoning is not sent back.
    Nothing,
}

impl Flavour {
    /// The variant of a provider.
    pub(crate) fn of(provider: ProviderId) -> &'static Self {
        match provider {
            ProviderId::DeepSeek => &DEEPSEEK,
            ProviderId::OpenRouter => &OPENROUTER,
            ProviderId::Azure | ProviderId::OpenAi => &OPENAI,
            // The other providers do not offer the dialect.
            ProviderId::Custom
            | ProviderId::Anthropic
            | ProviderId::Google
            | ProviderId::Vertex => &CUSTOM,
        }
    }

    /// Whether one refusal per message is marked as a refusal.
    pub(crate) fn marks_refusals(&self) -> bool {
        self.refusals
    }

    /// Whether reasoning is sent back.
    pub(crate) fn replays_reasoning(&self) -> bool {
        self.replay != Replay::Nothing
    }

    /// Provider options that are merged into a field of the body.
    pub(crate) fn merged_options(&self) -> &'static [&'static str] {
        self.merged_options
    }

    /// The sampling parameters that the provider has fields for.
    pub(super) fn sampling_support(&self) -> SamplingSupport {
        SamplingSupport {
            max_temperature: 2.0,
            penalties: self.penalties,
            seed: self.seed,
            max_stop_sequences: self.max_stop_sequences,
            top_k: self.top_k,
        }
    }
}

/// OpenAI's documented dialect, also at Azure.
const OPENAI: Flavour = Flavour {
    max_stop_sequences: 4,
    top_k: false,
    seed: true,
    penalties: true,
    forced_tools_beside_reasoning: true,
    bare_tools: true,
    schemas: true,
    usage_on_demand: true,
    text_parts: true,
    null_content: true,
    refusals: true,
    tool_images: false,
    parallel: Parallel::Both,
    files: Files::Inline,
    thinking: Thinking::Effort,
    replay: Replay::Nothing,
    failures: &[],
    optional_finish_reason: false,
    cold_starts: false,
    merged_options: &[],
};

/// Requests use only what most servers support. Answers may vary freely.
const CUSTOM: Flavour = Flavour {
    max_stop_sequences: usize::MAX,
    bare_tools: false,
    text_parts: false,
    refusals: false,
    failures: &["error", "insufficient_system_resource"],
    optional_finish_reason: true,
    ..OPENAI
};

/// DeepSeek has no penalties and seeds, and ignores unknown fields.
const DEEPSEEK: Flavour = Flavour {
    max_stop_sequences: 16,
    seed: false,
    penalties: false,
    forced_tools_beside_reasoning: false,
    schemas: false,
    text_parts: false,
    null_content: false,
    refusals: false,
    parallel: Parallel::Neither,
    files: Files::Stored,
    thinking: Thinking::Switch,
    replay: Replay::Content,
    failures: &["insufficient_system_resource"],
    ..OPENAI
};

/// OpenRouter forwards requests to servers of all kinds.
const OPENROUTER: Flavour = Flavour {
    top_k: true,
    bare_tools: false,
    usage_on_demand: false,
    refusals: false,
    tool_images: true,
    parallel: Parallel::Forbidden,
    files: Files::InlineOrLinked,
    thinking: Thinking::Object,
    replay: Replay::Details,
    failures: &["error"],
    cold_starts: true,
    merged_options: &["provider"],
    ..OPENAI
};
