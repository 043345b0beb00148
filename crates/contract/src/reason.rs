//! Why a call fails: the `reason` of every `ErrorInfo` (AIP-193) and its canonical gRPC code.
//!
//! Each reason has exactly one code, so a service's error table names only the reason. The table for
//! callers is `docs/errors.md`.

use std::fmt;
use std::str::FromStr;

use tonic::Code;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal, $code:ident;)+) => {
        /// Why a call failed, in `UPPER_SNAKE_CASE` on the wire.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum Reason {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Reason {
            /// Every reason, in the order of the names.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// The canonical code of a call that fails for this reason.
            pub const fn code(self) -> Code {
                match self {
                    $(Self::$name => Code::$code,)+
                }
            }

            /// The meaning of the reason, in one sentence or two.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),+).trim_ascii_start(),)+
                }
            }
        }
    };
}

reasons! {
    /// No attempt has this name.
    AttemptNotFound = "ATTEMPT_NOT_FOUND", NotFound;
    /// The request is compressed in a way that the service does not read.
    CompressionUnknown = "COMPRESSION_UNKNOWN", Unimplemented;
    /// Another call changed the same row first.
    ConcurrentChange = "CONCURRENT_CHANGE", Aborted;
    /// The caller's certificate or token is not valid.
    CredentialsInvalid = "CREDENTIALS_INVALID", Unauthenticated;
    /// The call carries neither a client certificate nor a token.
    CredentialsRequired = "CREDENTIALS_REQUIRED", Unauthenticated;
    /// The database did not answer.
    DatabaseUnavailable = "DATABASE_UNAVAILABLE", Unavailable;
    /// The data key does not exist, or was destroyed.
    DataKeyNotFound = "DATA_KEY_NOT_FOUND", NotFound;
    /// The caller's deadline passed before there was an answer.
    DeadlineExceeded = "DEADLINE_EXCEEDED", DeadlineExceeded;
    /// A key may not be sent to this address.
    DestinationForbidden = "DESTINATION_FORBIDDEN", InvalidArgument;
    /// The same material is stored under another key of the workspace.
    DuplicateMaterial = "DUPLICATE_MATERIAL", AlreadyExists;
    /// The router's egress policy forbids the address of the key.
    EgressForbidden = "EGRESS_FORBIDDEN", FailedPrecondition;
    /// The etag is not the current one.
    EtagMismatch = "ETAG_MISMATCH", Aborted;
    /// No key meets the request's expectations.
    ExpectationUnmet = "EXPECTATION_UNMET", FailedPrecondition;
    /// A field of the request is not valid.
    FieldInvalid = "FIELD_INVALID", InvalidArgument;
    /// The first message of a router session was not Hello.
    HelloRequired = "HELLO_REQUIRED", InvalidArgument;
    /// A stored row fails its integrity check.
    Integrity = "INTEGRITY", DataLoss;
    /// The attempt could not be written to the journal, so the call was not made.
    JournalUnavailable = "JOURNAL_UNAVAILABLE", Unavailable;
    /// A key of this name exists.
    KeyExists = "KEY_EXISTS", AlreadyExists;
    /// The material does not have the form of the provider's keys.
    KeyFormat = "KEY_FORMAT", InvalidArgument;
    /// No key has this name.
    KeyNotFound = "KEY_NOT_FOUND", NotFound;
    /// The key that the request names can't be used; `rule` says why.
    KeyUnusable = "KEY_UNUSABLE", FailedPrecondition;
    /// The model can't be shown the whole conversation, and the request is strict.
    LossySwitch = "LOSSY_SWITCH", FailedPrecondition;
    /// The change concerns where a key is sent, so it needs the key's material again.
    MaterialRequired = "MATERIAL_REQUIRED", InvalidArgument;
    /// Another member of the workspace has this identity.
    MemberExists = "MEMBER_EXISTS", AlreadyExists;
    /// No member has this name.
    MemberNotFound = "MEMBER_NOT_FOUND", NotFound;
    /// The request's bytes are not a message of the method.
    MessageMalformed = "MESSAGE_MALFORMED", InvalidArgument;
    /// The request is larger than the service accepts.
    MessageTooLarge = "MESSAGE_TOO_LARGE", InvalidArgument;
    /// The service has no such method.
    MethodUnknown = "METHOD_UNKNOWN", Unimplemented;
    /// The catalogue has no such model.
    ModelNotFound = "MODEL_NOT_FOUND", NotFound;
    /// The provider does not serve the model to this key.
    ModelUnavailable = "MODEL_UNAVAILABLE", FailedPrecondition;
    /// No router that can check keys of this provider is connected.
    NoRouterConnected = "NO_ROUTER_CONNECTED", Unavailable;
    /// No key may be used for the request; the metadata names the rule for each.
    OwnKeyRequired = "OWN_KEY_REQUIRED", FailedPrecondition;
    /// The page token is not one of this list.
    PageTokenInvalid = "PAGE_TOKEN_INVALID", InvalidArgument;
    /// The caller's role does not allow the method in this scope.
    PermissionDenied = "PERMISSION_DENIED", PermissionDenied;
    /// A policy of the workspace, the project or the operator forbids the request; `rule` says which.
    PolicyForbids = "POLICY_FORBIDS", FailedPrecondition;
    /// A project of this name exists.
    ProjectExists = "PROJECT_EXISTS", AlreadyExists;
    /// The project still holds keys.
    ProjectNotEmpty = "PROJECT_NOT_EMPTY", FailedPrecondition;
    /// No project has this name.
    ProjectNotFound = "PROJECT_NOT_FOUND", NotFound;
    /// The provider's answer can't be read.
    ProviderMalformed = "PROVIDER_MALFORMED", Unavailable;
    /// The named key belongs to another provider than the request names.
    ProviderMismatch = "PROVIDER_MISMATCH", FailedPrecondition;
    /// The key's account at the provider has no credit.
    ProviderNoCredit = "PROVIDER_NO_CREDIT", FailedPrecondition;
    /// The workspace has no override for this provider.
    ProviderOverrideNotFound = "PROVIDER_OVERRIDE_NOT_FOUND", NotFound;
    /// The provider does not accept the key.
    ProviderRejectedKey = "PROVIDER_REJECTED_KEY", FailedPrecondition;
    /// The provider does not accept the request.
    ProviderRejectedRequest = "PROVIDER_REJECTED_REQUEST", InvalidArgument;
    /// The provider throttles the key.
    ProviderThrottled = "PROVIDER_THROTTLED", ResourceExhausted;
    /// The provider did not answer in time.
    ProviderTimeout = "PROVIDER_TIMEOUT", DeadlineExceeded;
    /// The provider failed, or could not be reached.
    ProviderUnavailable = "PROVIDER_UNAVAILABLE", Unavailable;
    /// The `request_id` was used for another request.
    RequestIdReused = "REQUEST_ID_REUSED", AlreadyExists;
    /// The vault's keyring lacks a root key that rows are sealed under.
    RootKeyMissing = "ROOT_KEY_MISSING", FailedPrecondition;
    /// The vault ended the router session.
    RouterSessionFenced = "ROUTER_SESSION_FENCED", Aborted;
    /// The router session does not exist, or is another router's.
    RouterSessionUnknown = "ROUTER_SESSION_UNKNOWN", FailedPrecondition;
    /// The vault could not seal or open what it stores.
    SealingFailed = "SEALING_FAILED", Internal;
    /// Another request is adding a turn to the session.
    SessionBusy = "SESSION_BUSY", Aborted;
    /// The session has a later turn than the request follows.
    SessionContinued = "SESSION_CONTINUED", Aborted;
    /// A session of this name exists.
    SessionExists = "SESSION_EXISTS", AlreadyExists;
    /// No session has this name, or it has ended.
    SessionNotFound = "SESSION_NOT_FOUND", NotFound;
    /// The session's transcript has reached its limit of turns or bytes.
    SessionTooLong = "SESSION_TOO_LONG", FailedPrecondition;
    /// The key's state does not allow the change.
    StateForbids = "STATE_FORBIDS", FailedPrecondition;
    /// The provider's stream ended before the answer did.
    StreamTruncated = "STREAM_TRUNCATED", Unavailable;
    /// The provider's interface can't express the field.
    UnsupportedByProvider = "UNSUPPORTED_BY_PROVIDER", InvalidArgument;
    /// The vault is shutting down; open a router session with another replica.
    VaultStopping = "VAULT_STOPPING", Unavailable;
    /// The router can't reach the vault, and holds no usable lease for the request.
    VaultUnavailable = "VAULT_UNAVAILABLE", Unavailable;
    /// A workspace of this name exists.
    WorkspaceExists = "WORKSPACE_EXISTS", AlreadyExists;
    /// The workspace still holds keys or projects.
    WorkspaceNotEmpty = "WORKSPACE_NOT_EMPTY", FailedPrecondition;
    /// No workspace has this name.
    WorkspaceNotFound = "WORKSPACE_NOT_FOUND", NotFound;
}

/// The error for a text that is not a reason of this version.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("is not a known reason")]
pub struct UnknownReason;

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(text: &str) -> Result<Self, UnknownReason> {
        Self::ALL
            .iter()
            .copied()
            .find(|reason| reason.as_str() == text)
            .ok_or(UnknownReason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_parses_from_its_name() {
        for reason in Reason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(*reason));
        }
        assert_eq!("NO_SUCH_REASON".parse::<Reason>(), Err(UnknownReason));
    }

    #[test]
    fn names_are_upper_snake_case_and_meanings_end_with_a_full_stop() {
        for reason in Reason::ALL {
            let name = reason.as_str();
            assert!(
                name.chars().all(|c| c.is_ascii_uppercase() || c == '_'),
                "{name}"
            );
            assert!(reason.meaning().ends_with('.'), "{name}");
        }
    }
}
