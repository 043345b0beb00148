use latchkey_contract::ExclusionRule;
use latchkey_contract::ProviderId;
use latchkey_envelope::SealError;
use latchkey_rpc::access::Denied;
use sea_orm::DbErr;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::*;
use crate::custody::IntegrityFailure;
use crate::domain::destination::BaseUrlError;
use crate::domain::key::IllegalTransition;
use crate::domain::material::{ApiKeyError, FormatError, MaterialError, TextError};
use crate::error::{Container, Nameable, Noun};

/// One row of the table.
struct Row {
    error: VaultError,
    code: Code,
    reason: &'static str,
    /// The field that `BadRequest` names, or nothing.
    violation: &'static str,
}

fn row(error: impl Into<VaultError>, code: Code, reason: &'static str) -> Row {
    Row {
        error: error.into(),
        code,
        reason,
        violation: "",
    }
}

impl Row {
    fn naming(self, violation: &'static str) -> Self {
        Self { violation, ..self }
    }
}

/// Every error there is. A new variant that is missing here is caught by [`is_listed`].
fn table() -> Vec<Row> {
    let mut table = requests();
    table.extend(conflicts());
    table.extend(outcomes());
    table.extend(custody());
    table
}

fn requests() -> Vec<Row> {
    use Code::{InvalidArgument, NotFound, PermissionDenied};
    vec![
        row(Denied, PermissionDenied, "PERMISSION_DENIED"),
        row(
            VaultError::field("key.priority", "is"),
            InvalidArgument,
            "FIELD_INVALID",
        )
        .naming("key.priority"),
        row(
            VaultError::field("page_token", "is"),
            InvalidArgument,
            "PAGE_TOKEN_INVALID",
        )
        .naming("page_token"),
        row(
            VaultError::MaterialRequired {
                field: "key.base_url",
            },
            InvalidArgument,
            "MATERIAL_REQUIRED",
        )
        .naming("key.base_url"),
        row(
            FormatError::from(ApiKeyError::Text(TextError::Short)),
            InvalidArgument,
            "KEY_FORMAT",
        )
        .naming("material.api_key"),
        row(
            MaterialError::Kind {
                field: "material.entra_client",
                takes: "api_key",
            },
            InvalidArgument,
            "FIELD_INVALID",
        )
        .naming("material.entra_client"),
        row(
            VaultError::Destination {
                field: "base_url".to_owned(),
                problem: BaseUrlError::NotAUrl,
            },
            InvalidArgument,
            "DESTINATION_FORBIDDEN",
        )
        .naming("base_url"),
        row(
            VaultError::NotFound(Noun::DataKey),
            NotFound,
            "DATA_KEY_NOT_FOUND",
        ),
        row(
            initial(VaultError::field("key.priority", "is")),
            InvalidArgument,
            "FIELD_INVALID",
        )
        .naming("initial_keys[3].key.priority"),
        row(VaultError::NotFound(Noun::Key), NotFound, "KEY_NOT_FOUND"),
        row(
            VaultError::NotFound(Noun::Member),
            NotFound,
            "MEMBER_NOT_FOUND",
        ),
        row(
            VaultError::NotFound(Noun::Project),
            NotFound,
            "PROJECT_NOT_FOUND",
        ),
        row(
            VaultError::NotFound(Noun::ProviderOverride),
            NotFound,
            "PROVIDER_OVERRIDE_NOT_FOUND",
        ),
        row(
            VaultError::NotFound(Noun::Workspace),
            NotFound,
            "WORKSPACE_NOT_FOUND",
        ),
    ]
}

fn conflicts() -> Vec<Row> {
    use Code::{Aborted, AlreadyExists, FailedPrecondition};
    let duplicate = Conflict::DuplicateMaterial("workspaces/w/keys/k".parse().unwrap());
    let member = Conflict::MemberExists("workspaces/w/members/m".parse().unwrap());
    let illegal = IllegalTransition {
        from: "deleted",
        verb: "enabled",
    };
    vec![
        row(duplicate, AlreadyExists, "DUPLICATE_MATERIAL"),
        row(Conflict::Etag, Aborted, "ETAG_MISMATCH"),
        row(member, AlreadyExists, "MEMBER_EXISTS").naming("member.identity"),
        row(Conflict::Exists(Nameable::Key), AlreadyExists, "KEY_EXISTS"),
        row(
            Conflict::Exists(Nameable::Project),
            AlreadyExists,
            "PROJECT_EXISTS",
        ),
        row(
            Conflict::Exists(Nameable::Workspace),
            AlreadyExists,
            "WORKSPACE_EXISTS",
        ),
        row(
            Conflict::NotEmpty(Container::Project),
            FailedPrecondition,
            "PROJECT_NOT_EMPTY",
        ),
        row(
            Conflict::NotEmpty(Container::Workspace),
            FailedPrecondition,
            "WORKSPACE_NOT_EMPTY",
        ),
        row(
            Conflict::RequestIdReused,
            AlreadyExists,
            "REQUEST_ID_REUSED",
        )
        .naming("request_id"),
        row(illegal, FailedPrecondition, "STATE_FORBIDS"),
    ]
}

fn outcomes() -> Vec<Row> {
    use Code::{Aborted, FailedPrecondition, InvalidArgument, Unavailable};
    let mismatch = ResolutionRefusal::ProviderMismatch {
        expected: ProviderId::OpenAi,
        actual: ProviderId::Custom,
    };
    let named = ResolutionRefusal::NamedUnusable {
        rule: ExclusionRule::KeyDisabled,
        detail: String::new(),
    };
    let exclusions = Vec::new();
    let unmet = ResolutionRefusal::ExpectationUnmet { exclusions };
    let forbidden = ResolutionRefusal::PolicyForbids {
        rule: ExclusionRule::FeatureOff,
    };
    let none = ResolutionRefusal::NoneUsable {
        exclusions: Vec::new(),
    };
    vec![
        row(unresolved(unmet), FailedPrecondition, "EXPECTATION_UNMET"),
        row(unresolved(forbidden), FailedPrecondition, "POLICY_FORBIDS"),
        row(TaskFailure::NoRouter, Unavailable, "NO_ROUTER_CONNECTED"),
        row(
            TaskFailure::Rejected(words()),
            FailedPrecondition,
            "PROVIDER_REJECTED_KEY",
        ),
        row(
            TaskFailure::Unreachable(words()),
            Unavailable,
            "PROVIDER_UNAVAILABLE",
        ),
        row(
            unresolved(mismatch),
            FailedPrecondition,
            "PROVIDER_MISMATCH",
        )
        .naming("provider"),
        row(unresolved(named), FailedPrecondition, "KEY_UNUSABLE"),
        row(unresolved(none), FailedPrecondition, "OWN_KEY_REQUIRED"),
        row(RouterSessionError::Fenced, Aborted, "ROUTER_SESSION_FENCED"),
        row(
            RouterSessionError::HelloRequired,
            InvalidArgument,
            "HELLO_REQUIRED",
        )
        .naming("hello"),
        row(
            RouterSessionError::Unknown,
            FailedPrecondition,
            "ROUTER_SESSION_UNKNOWN",
        ),
    ]
}

fn custody() -> Vec<Row> {
    use Code::{Aborted, DataLoss, FailedPrecondition, Internal, Unavailable};
    let failed = || DbErr::Custom("the table is on fire".to_owned());
    let damaged = StoreError::Inconsistent {
        table: "keys",
        column: "state",
        row: "7".to_owned(),
    };
    vec![
        row(IntegrityFailure::new("keys", 7), DataLoss, "INTEGRITY"),
        row(damaged, DataLoss, "INTEGRITY"),
        row(StoreError::Conflict, Aborted, "CONCURRENT_CHANGE"),
        row(
            VaultError::Overtaken(IntegrityFailure::new("key_versions", 7)),
            Aborted,
            "CONCURRENT_CHANGE",
        ),
        row(StoreError::Exists(failed()), Aborted, "CONCURRENT_CHANGE"),
        row(
            StoreError::Database(failed()),
            Unavailable,
            "DATABASE_UNAVAILABLE",
        ),
        row(
            StoreError::Migration(failed()),
            Unavailable,
            "DATABASE_UNAVAILABLE",
        ),
        row(
            CustodyError::RootKeyMissing,
            FailedPrecondition,
            "ROOT_KEY_MISSING",
        ),
        row(CustodyError::Randomness, Internal, "SEALING_FAILED"),
        row(
            CustodyError::Seal(SealError::Randomness),
            Internal,
            "SEALING_FAILED",
        ),
    ]
}

fn initial(problem: VaultError) -> VaultError {
    VaultError::InitialKey {
        index: 3,
        problem: Box::new(problem),
    }
}

fn unresolved(refusal: ResolutionRefusal) -> VaultError {
    VaultError::Resolution {
        refusal,
        fallbacks: Vec::new(),
    }
}

fn words() -> ProviderMessage {
    let message = "Incorrect API key provided".to_owned();
    ProviderMessage {
        http_status: 401,
        code: "invalid_api_key".to_owned(),
        message,
    }
}

/// Does not compile when a variant is added; then it belongs into the table too.
fn is_listed(error: &VaultError) {
    match error {
        VaultError::Denied(_)
        | VaultError::Field { .. }
        | VaultError::MaterialRequired { .. }
        | VaultError::KeyFormat(_)
        | VaultError::Destination { .. }
        | VaultError::NotFound(
            Noun::DataKey
            | Noun::Key
            | Noun::Member
            | Noun::Project
            | Noun::ProviderOverride
            | Noun::Workspace,
        )
        | VaultError::Conflict(
            Conflict::DuplicateMaterial(_)
            | Conflict::Etag
            | Conflict::Exists(_)
            | Conflict::MemberExists(_)
            | Conflict::NotEmpty(_)
            | Conflict::RequestIdReused,
        )
        | VaultError::InitialKey { .. }
        | VaultError::State(_)
        | VaultError::Verification(
            TaskFailure::NoRouter | TaskFailure::Rejected(_) | TaskFailure::Unreachable(_),
        )
        | VaultError::Resolution {
            refusal:
                ResolutionRefusal::ProviderMismatch { .. }
                | ResolutionRefusal::NamedUnusable { .. }
                | ResolutionRefusal::ExpectationUnmet { .. }
                | ResolutionRefusal::NoneUsable { .. }
                | ResolutionRefusal::PolicyForbids { .. },
            ..
        }
        | VaultError::RouterSession(
            RouterSessionError::Fenced
            | RouterSessionError::HelloRequired
            | RouterSessionError::Unknown,
        )
        | VaultError::Overtaken(_)
        | VaultError::Custody(
            CustodyError::Integrity(_)
            | CustodyError::Randomness
            | CustodyError::RootKeyMissing
            | CustodyError::Seal(_)
            | CustodyError::Store(
                StoreError::Exists(_)
                | StoreError::Conflict
                | StoreError::Inconsistent { .. }
                | StoreError::Migration(_)
                | StoreError::Database(_),
            ),
        ) => {}
    }
}

#[test]
fn every_error_has_its_code_its_reason_and_its_field() {
    for row in table() {
        is_listed(&row.error);
        let words = row.error.to_string();
        let status = Status::from(row.error);
        let details = status.get_error_details();
        let info = details
            .error_info()
            .expect("every refusal has an ErrorInfo");
        assert_eq!(
            (status.code(), info.reason.as_str()),
            (row.code, row.reason),
            "{words}"
        );
        assert_eq!(info.domain, "vault.latchkey");
        let violations = details
            .bad_request()
            .map_or(&[][..], |bad| &bad.field_violations[..]);
        let field = violations.first().map_or("", |violation| &violation.field);
        assert_eq!(field, row.violation, "{words}");
        assert!(
            violations
                .iter()
                .all(|violation| !violation.description.is_empty()),
            "{words}"
        );
    }
}

#[test]
fn a_temporary_failure_has_a_retry_delay() {
    for row in table() {
        let status = Status::from(row.error);
        let retry = status
            .get_error_details()
            .retry_info()
            .map(|info| info.retry_delay);
        let expected = (row.code == Code::Unavailable).then_some(Some(RETRY));
        assert_eq!(retry, expected, "{}", row.reason);
    }
}

#[test]
fn an_internal_failure_is_not_shown_to_the_caller() {
    for row in custody() {
        let status = Status::from(row.error);
        for word in ["fire", "keys", "state"] {
            assert!(!status.message().contains(word), "{}", status.message());
        }
    }
}

#[test]
fn the_providers_message_is_returned_as_metadata() {
    let status = Status::from(VaultError::from(TaskFailure::Rejected(words())));
    let details = status.get_error_details();
    let facts = &details.error_info().unwrap().metadata;
    assert_eq!(facts["provider_status"], "401");
    assert_eq!(facts["provider_code"], "invalid_api_key");
    assert_eq!(facts["provider_message"], "Incorrect API key provided");
}

#[test]
fn a_refused_choice_returns_the_rule_of_each_key() {
    let exclusions = vec![
        Exclusion {
            key: "workspaces/w/keys/a".parse().unwrap(),
            rule: ExclusionRule::KeyDisabled,
        },
        Exclusion {
            key: "platform/keys/b".parse().unwrap(),
            rule: ExclusionRule::ModelDenied,
        },
    ];
    let refusal = unresolved(ResolutionRefusal::NoneUsable { exclusions });
    let status = Status::from(refusal);
    let details = status.get_error_details();
    let facts = &details.error_info().unwrap().metadata;
    assert_eq!(facts["workspaces/w/keys/a"], "KEY_DISABLED");
    assert_eq!(facts["platform/keys/b"], "MODEL_DENIED");
    assert_eq!(facts.len(), 2);
}

#[test]
fn a_refused_choice_returns_the_fallbacks() {
    let named = ResolutionRefusal::NamedUnusable {
        rule: ExclusionRule::KeyDisabled,
        detail: String::new(),
    };
    let none = ResolutionRefusal::NoneUsable {
        exclusions: Vec::new(),
    };
    let mismatch = ResolutionRefusal::ProviderMismatch {
        expected: ProviderId::OpenAi,
        actual: ProviderId::Custom,
    };
    let lines = "anthropic/claude-sonnet-5\nopenrouter/deepseek/deepseek-flash";
    for (refusal, expected) in [(named, Some(lines)), (none, Some(lines)), (mismatch, None)] {
        let fallbacks = lines.lines().map(|line| line.parse().unwrap()).collect();
        let status = Status::from(VaultError::Resolution { refusal, fallbacks });
        let details = status.get_error_details();
        let facts = &details.error_info().unwrap().metadata;
        assert_eq!(facts.get("fallbacks").map(String::as_str), expected);
    }
}
