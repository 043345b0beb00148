//! An attempt: one call to a provider with one key. It is the unit of account.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use latchkey_clock::Timestamp;
use latchkey_contract::ProviderId;
use latchkey_contract::names::{KeyVersionName, Scope, WorkspaceName};
use latchkey_contract::router::v1::{self, Usage};
use latchkey_contract::uid::{KeyUid, ProjectUid, WorkspaceUid};
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

/// Identifies a journal. Each stored attempt names its journal, so that a router closes only the open
/// attempts of its own.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct JournalId(pub Uuid);

/// The party that pays the provider.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Payer {
    /// The owner of the key.
    OwnKey,
    /// The platform.
    Platform,
}

/// The kind of work that a request belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// A program that runs on its own.
    Automation,
    /// Work for which a person waits.
    Interactive,
}

impl Origin {
    /// The origin of a request; interactive where it is unspecified.
    pub fn of(origin: v1::Origin) -> Self {
        match origin {
            v1::Origin::Automation => Self::Automation,
            v1::Origin::Unspecified | v1::Origin::Interactive => Self::Interactive,
        }
    }
}

/// The operation that an attempt requests from a provider.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operation {
    /// The number of a prompt's tokens.
    CountTokens,
    /// Embedding vectors.
    Embed,
    /// A generated answer, whole or streamed.
    Generate,
    /// Generated images.
    GenerateImages,
}

/// The identities behind the names of an attempt. They are none where an earlier release recorded it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct AttemptUids {
    /// The workspace of the request.
    pub workspace: Option<WorkspaceUid>,
    /// The project of the request; none for one of the workspace itself.
    pub project: Option<ProjectUid>,
    /// The key.
    pub key: Option<KeyUid>,
}

/// The facts of an attempt that are known before the call.
#[derive(Clone, Debug)]
pub struct AttemptStart {
    /// The identity.
    pub id: AttemptId,
    /// The scope of the request, by its name.
    pub scope: Scope,
    /// The identities of the scope and of the key.
    pub uids: AttemptUids,
    /// The key version of the call, by its name.
    pub key_version: KeyVersionName,
    /// The last four characters of the key's material.
    pub material_tail: String,
    /// The party that pays.
    pub payer: Payer,
    /// The provider.
    pub provider: ProviderId,
    /// The requested model.
    pub model: ModelId,
    /// The identity that made the request.
    pub requester: Arc<str>,
    /// The origin of the request.
    pub origin: Origin,
    /// The operation.
    pub operation: Operation,
    /// Whether the answer is streamed.
    pub streamed: bool,
    /// The time of the call.
    pub start_time: Timestamp,
}

/// The facts of an attempt that are known at its end.
#[derive(Clone, Debug, Default)]
pub struct AttemptOutcome {
    /// The state.
    pub state: State,
    /// The reason of a failure, as in `ErrorInfo`; empty on success.
    pub error_reason: Cow<'static, str>,
    /// The provider's HTTP status; 0 when it sent none.
    pub http_status: u16,
    /// The provider's id of the call; empty when it sent none.
    pub provider_request_id: String,
    /// The model that answered, as the provider named it.
    pub served_model: String,
    /// The service tier that the provider reported.
    pub service_tier: String,
    /// The time until the first byte of the answer's body.
    pub first_byte_micros: Option<i64>,
    /// The time until the end.
    pub latency_micros: Option<i64>,
    /// The usage; none when the provider reported none.
    pub usage: Option<Usage>,
    /// Whether the usage is complete.
    pub certainty: Certainty,
    /// The cost by the catalogue's prices, in nano-dollars.
    pub cost_nanos: Option<i64>,
    /// The catalogue's version.
    pub price_version: String,
}

/// The state of an attempt.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum State {
    /// The caller cancelled the request.
    Cancelled,
    /// The provider refused, or the exchange broke.
    Failed,
    /// The attempt has not ended.
    #[default]
    Started,
    /// The provider's answer is complete.
    Succeeded,
    /// The router ended before the attempt did.
    Unknown,
}

/// Whether the recorded usage is complete.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Certainty {
    /// The provider reported the usage.
    Reported,
    /// The provider reported no usage, or only a part. The recorded usage is a lower bound.
    #[default]
    Unknown,
}

/// An attempt: its start and its present outcome.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The start.
    pub start: AttemptStart,
    /// The outcome.
    pub outcome: AttemptOutcome,
}

impl Attempt {
    /// The attempt's name.
    pub fn name(&self) -> AttemptName {
        AttemptName {
            workspace: self.start.scope.workspace().clone(),
            id: self.start.id,
        }
    }
}

macro_rules! as_text {
    ($type:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        impl $type {
            /// The text in rows and records.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Parses the text of a row or record; none where it is not known.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

as_text!(Payer { OwnKey = "own_key", Platform = "platform" });
as_text!(Origin { Automation = "automation", Interactive = "interactive" });
as_text!(Operation {
    CountTokens = "count_tokens",
    Embed = "embed",
    Generate = "generate",
    GenerateImages = "generate_images",
});
as_text!(Certainty { Reported = "reported", Unknown = "unknown" });
as_text!(State {
    Cancelled = "cancelled",
    Failed = "failed",
    Started = "started",
    Succeeded = "succeeded",
    Unknown = "unknown",
});
