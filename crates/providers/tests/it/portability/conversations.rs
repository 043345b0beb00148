//! Random conversations with a unique word in every leaf.

use latchkey_contract::router::v1::GenerateRequest;
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use super::planting::plant;

/// A conversation and its unique words.
#[derive(Clone, Debug)]
pub(super) struct Planted {
    pub(super) request: GenerateRequest,
    pub(super) leaves: Vec<Leaf>,
}

/// A unique word or similar mark, and its place.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// `messages[3].parts[0]`.
    pub(super) field: String,
    pub(super) what: What,
    /// The spellings in which a body may have it.
    pub(super) spellings: Vec<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum What {
    Blank,
    /// Ties a result to its call. At Google the order ties them.
    CallId,
    Filename,
    Reasoning,
    Refusal,
    State,
    /// Contents, which are always sent.
    Words,
}

/// Conversations of up to four turns.
pub(super) fn conversations() -> impl Strategy<Value = Planted> {
    let kinds = (any::<[bool; 4]>(), weighted(0.5, vec(marks(), 1..3)));
    (kinds, vec(turns(), 1..5)).prop_map(|((kinds, system), turns)| {
        let [files, tool_images, details, blanks] = kinds;
        let kinds = Kinds {
            files,
            tool_images,
            details,
            blanks,
        };
        plant(kinds, system.as_deref(), &turns)
    })
}

/// The features that a conversation may have. Hardly any model supports all of them.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "independent features")]
pub(super) struct Kinds {
    pub(super) files: bool,
    pub(super) tool_images: bool,
    pub(super) details: bool,
    pub(super) blanks: bool,
}

/// The provider whose state a part has.
pub(super) type Mark = Option<&'static str>;

#[derive(Clone, Debug)]
pub(super) struct Turn {
    pub(super) user: Vec<(UserPart, Mark)>,
    pub(super) assistant: Vec<(AssistantPart, Mark)>,
    pub(super) results: Vec<Answered>,
}

/// A tool result, whether it failed, and state that a result must not have.
pub(super) type Answered = (Vec<(ResultPart, Mark)>, bool, Mark);

#[derive(Clone, Copy, Debug)]
pub(super) enum UserPart {
    Text,
    LinkedImage,
    InlineImage,
    LinkedFile,
    Pdf,
    PlainFile,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum AssistantPart {
    Text,
    Blank,
    Refusal,
    Reasoning,
    Redacted,
    Call,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum ResultPart {
    Text,
    Blank,
    Image,
}

fn marks() -> impl Strategy<Value = Mark> {
    weighted(0.6, select(MARKS.as_slice()))
}

const MARKS: [&str; 9] = [
    "anthropic",
    "azure",
    "custom",
    "deepseek",
    "google",
    "openai",
    "openrouter",
    "vertex",
    "vertex/anthropic",
];

fn turns() -> impl Strategy<Value = Turn> {
    use {AssistantPart as A, ResultPart as R, UserPart as U};
    let user = select(vec![
        U::Text,
        U::Text,
        U::LinkedImage,
        U::InlineImage,
        U::LinkedFile,
        U::Pdf,
        U::PlainFile,
    ]);
    let assistant = select(vec![
        A::Text,
        A::Blank,
        A::Refusal,
        A::Reasoning,
        A::Redacted,
        A::Call,
        A::Call,
    ]);
    let result = select(vec![R::Text, R::Text, R::Blank, R::Image]);
    let results = (vec((result, marks()), 0..3), any::<bool>(), marks());
    (
        vec((user, marks()), 1..4),
        vec((assistant, marks()), 1..6),
        vec(results, 6),
    )
        .prop_map(|(user, assistant, results)| Turn {
            user,
            assistant,
            results,
        })
}
