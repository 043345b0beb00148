//! An attempt: one key, one call. The unit of account.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use latchkey_clock::Timestamp;
use latchkey_contract::ProviderId;
use latchkey_contract::names::{KeyVersionName, Scope, WorkspaceName};
use latchkey_contract::router::v1::{self, Usage};
use uuid::Uuid;

use super::model_id::ModelId;

/// Identifies an attempt. A version 7 UUID (RFC 9562): in the order of time.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AttemptId(pub Uuid);

/// The name of an attempt: `workspaces/{workspace}/attempts/{attempt}`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct AttemptName {
    /// The workspace of the request.
    pub workspace: WorkspaceName,
    /// The last segment.
    pub id: AttemptId,
}

impl fmt::Display for AttemptName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/attempts/{}", self.workspace, self.id.0)
    }
}

/// Identifies a journal. Attempts are shipped in its name, so that no other journal's are doubled.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct JournalId(pub Uuid);

/// Who pays the provider.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Payer {
    /// The owner of the key.
    OwnKey,
    /// The platform.
    Platform,
}

/// Why a request is made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// A program runs on its own.
    Automation,
    /// A person waits for it.
    Interactive,
}

impl Origin {
    /// The origin in a request; interactive where it names none.
    pub fn of(origin: v1::Origin) -> Self {
        match origin {
            v1::Origin::Automation => Self::Automation,
            v1::Origin::Unspecified | v1::Origin::Interactive => Self::Interactive,
        }
    }
}

/// What is asked of a provider.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operation {
    /// The size of a prompt.
    CountTokens,
    /// Vectors.
    Embed,
    /// An answer, whole or streamed.
    Generate,
    /// Pictures.
    GenerateImages,
}

/// What is known of an attempt from its beginning.
#[derive(Clone, Debug)]
pub struct AttemptStart {
    /// Its identity.
    pub id: AttemptId,
    /// The scope of the request.
    pub scope: Scope,
    /// The key version that is used.
    pub key_version: KeyVersionName,
    /// The last four characters of its material.
    pub material_tail: String,
    /// Who pays the provider.
    pub payer: Payer,
    /// The provider.
    pub provider: ProviderId,
    /// The model that was asked for.
    pub model: ModelId,
    /// Who asked.
    pub requester: Arc<str>,
    /// Why.
    pub origin: Origin,
    /// What was asked.
    pub operation: Operation,
    /// Whether the answer is streamed.
    pub streamed: bool,
    /// When it was start.
    pub start_time: Timestamp,
}

/// What is known of an attempt at its end.
#[derive(Clone, Debug, Default)]
pub struct AttemptOutcome {
    /// How it ended.
    pub state: State,
    /// Why it failed, as in `ErrorInfo`; empty on success.
    pub error_reason: Cow<'static, str>,
    /// The provider's HTTP status; 0 when there was none.
    pub http_status: u16,
    /// The provider's name for the call.
    pub provider_request_id: String,
    /// The model that answered.
    pub served_model: String,
    /// The service tier that the provider says it served the call in.
    pub service_tier: String,
    /// Until the first byte of the answer's body.
    pub first_byte_micros: Option<i64>,
    /// Until the end.
    pub latency_micros: Option<i64>,
    /// What was used; nothing when nobody told.
    pub usage: Option<Usage>,
    /// Whether the usage is all of it.
    pub certainty: Certainty,
    /// What it costs by the catalogue, in nano-dollars.
    pub cost_nanos: Option<i64>,
    /// The catalogue's version.
    pub price_version: String,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum State {
    /// The caller went away.
    Cancelled,
    /// It was refused or broke.
    Failed,
    /// It has not ended.
    #[default]
    Started,
    /// The provider answered in full.
    Succeeded,
    /// The router ended before it learned the outcome.
    Unknown,
}

/// How sure the usage is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Certainty {
    /// The provider reported it.
    Reported,
    /// Nobody did; what is known is a lower bound.
    #[default]
    Unknown,
}

/// An attempt: its beginning and, so far, its end.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Its beginning.
    pub start: AttemptStart,
    /// Its end.
    pub outcome: AttemptOutcome,
}

impl Attempt {
    /// Its name.
    pub fn name(&self) -> AttemptName {
        AttemptName {
            workspace: self.start.scope.workspace().clone(),
            id: self.start.id,
        }
    }
}

macro_rules! words {
    ($type:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $type {
            /// The word for it in rows and records.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// What a row or record names.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words!(Payer { OwnKey = "own_key", Platform = "platform" });
words!(Origin { Automation = "automation", Interactive = "interactive" });
words!(Operation {
    CountTokens = "count_tokens",
    Embed = "embed",
    Generate = "generate",
    GenerateImages = "generate_images",
});
words!(Certainty { Reported = "reported", Unknown = "unknown" });
words!(State {
    Cancelled = "cancelled",
    Failed = "failed",
    Started = "started",
    Succeeded = "succeeded",
    Unknown = "unknown",
});
