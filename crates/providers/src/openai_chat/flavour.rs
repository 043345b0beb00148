//! What sets the providers apart that speak the dialect: a table, so that the rest asks what is so
//! and not who it is.

use latchkey_contract::ProviderId;

use crate::encode::SamplingSupport;

/// One provider's way with the dialect.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a table row of independent capabilities"
)]
pub(crate) struct Flavour {
    /// Stop sequences at most.
    stops: usize,
    top_k: bool,
    seed: bool,
    penalties: bool,
    /// Whether a tool can be forced on a model that reasons.
    pub(super) forced_tools_beside_reasoning: bool,
    /// Whether a tool without arguments may come without a schema.
    pub(super) bare_tools: bool,
    /// Whether answers can be held to a schema.
    pub(super) schemas: bool,
    /// Whether usage in a stream must be asked for.
    pub(super) usage_on_demand: bool,
    /// Whether a content of texts alone may be a list of them.
    pub(super) text_parts: bool,
    /// Whether an assistant's message without words says null, and not an empty text.
    pub(super) null_content: bool,
    /// Whether an assistant's message has a field for one refusal.
    pub(super) refusals: bool,
    /// Whether tools may answer with pictures.
    pub(super) tool_images: bool,
    pub(super) parallel: Parallel,
    pub(super) files: Files,
    pub(super) thinking: Thinking,
    pub(super) replay: Replay,
    /// What a finish reason says when there is no answer but a failure.
    pub(super) failures: &'static [&'static str],
    /// Whether an answer without a finish reason is one, if it is whole.
    pub(super) loose_ends: bool,
    /// Whether an answer of nothing at all is a model that is not up yet.
    pub(super) cold_starts: bool,
    /// Options of the caller's that are worked into the body rather than added to it.
    pub(super) merged_options: &'static [&'static str],
}

/// Whether several tool calls at once, which are everybody's default, can be asked for or forbidden.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Parallel {
    Both,
    /// Upstreams that do not know the field would not be asked, so it says only what it must.
    Forbidden,
    Neither,
}

/// Where a document may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Files {
    Inline,
    InlineOrLinked,
    /// Only in the provider's own storage, which is bound to one account.
    Stored,
}

/// How the depth of reasoning is spelled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Thinking {
    /// `reasoning_effort`.
    Effort,
    /// `reasoning`, with an effort or a budget.
    Object,
    /// `thinking` to switch it on or off, and `reasoning_effort`.
    Switch,
}

/// How reasoning goes back to where it came from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Replay {
    /// As text, in `reasoning_content`.
    Content,
    /// As the very `reasoning_details` that it came with, or as text in `reasoning` without any.
    Details,
    /// Not at all.
    Nothing,
}

impl Flavour {
    /// A provider's.
    pub(crate) fn of(provider: ProviderId) -> &'static Self {
        match provider {
            ProviderId::DeepSeek => &DEEPSEEK,
            ProviderId::OpenRouter => &OPENROUTER,
            ProviderId::Azure | ProviderId::OpenAi => &OPENAI,
            // The others do not speak the dialect.
            ProviderId::Custom
            | ProviderId::Anthropic
            | ProviderId::Google
            | ProviderId::Vertex => &CUSTOM,
        }
    }

    /// Whether one refusal of a message keeps its mark.
    pub(crate) fn marks_refusals(&self) -> bool {
        self.refusals
    }

    /// Whether reasoning goes back.
    pub(crate) fn replays_reasoning(&self) -> bool {
        self.replay != Replay::Nothing
    }

    /// Options of the caller's that are worked into the body.
    pub(crate) fn merged_options(&self) -> &'static [&'static str] {
        self.merged_options
    }

    /// The sampling that there are fields for.
    pub(super) fn sampling_support(&self) -> SamplingSupport {
        SamplingSupport {
            max_temperature: 2.0,
            penalties: self.penalties,
            seed: self.seed,
            stops: self.stops,
            top_k: self.top_k,
        }
    }
}

/// As OpenAI documents it, at Azure too.
const OPENAI: Flavour = Flavour {
    stops: 4,
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
    loose_ends: false,
    cold_starts: false,
    merged_options: &[],
};

/// Requests keep to the part of the dialect that most servers know, answers may be anything.
const CUSTOM: Flavour = Flavour {
    stops: usize::MAX,
    bare_tools: false,
    text_parts: false,
    refusals: false,
    failures: &["error", "insufficient_system_resource"],
    loose_ends: true,
    ..OPENAI
};

/// Penalties and seeds are none of its fields, and it passes over fields that are not its own.
const DEEPSEEK: Flavour = Flavour {
    stops: 16,
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

/// What it hands on goes to servers of all kinds.
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
