//! The code, the reason and the details of every error.

use std::collections::HashMap;

use latchkey_contract::Reason;
use latchkey_contract::router::v1::loss;
use latchkey_egress::EgressError;
use latchkey_providers::ErrorClass;
use latchkey_providers::encode::{EncodeError, EncodeErrorKind};
use latchkey_rpc::access::Denied;
use latchkey_rpc::page::PageTokenError;
use sea_orm::DbErr;
use tonic_types::StatusExt as _;
use uuid::Uuid;

use super::*;
use crate::domain::attempt::{AttemptId, AttemptName};
use crate::domain::session::TooLong;
use crate::ledger::JournalError;
use crate::store::StoreError;

/// One row of the table.
struct Row {
    error: RouterError,
    code: Code,
    reason: &'static str,
    /// The field in `BadRequest`; empty for none.
    violation: &'static str,
    /// The seconds in `RetryInfo`.
    retry: Option<u64>,
}

fn row(error: impl Into<RouterError>, code: Code, reason: &'static str) -> Row {
    Row {
        error: error.into(),
        code,
        reason,
        violation: "",
        retry: None,
    }
}

impl Row {
    fn naming(self, violation: &'static str) -> Self {
        Self { violation, ..self }
    }

    fn again_after(self, seconds: u64) -> Self {
        Self {
            retry: Some(seconds),
            ..self
        }
    }
}

/// All errors. [`is_listed`] does not compile until a new variant is added there.
fn table() -> Vec<Row> {
    let mut table = requests();
    table.extend(sessions());
    table.extend(vault());
    table.extend(provider());
    table.extend(internal());
    table
}

fn requests() -> Vec<Row> {
    use Code::{FailedPrecondition, InvalidArgument, NotFound, PermissionDenied};
    let encode = |kind| EncodeError {
        field: "messages[0]".into(),
        kind,
        message: "is wrong".into(),
    };
    let invalid = encode(EncodeErrorKind::Invalid);
    let unsupported = encode(EncodeErrorKind::UnsupportedByProvider);
    vec![
        row(Denied, PermissionDenied, "PERMISSION_DENIED"),
        row(
            RouterError::field("model", "is"),
            InvalidArgument,
            "FIELD_INVALID",
        )
        .naming("model"),
        row(PageTokenError, InvalidArgument, "PAGE_TOKEN_INVALID").naming("page_token"),
        row(invalid, InvalidArgument, "FIELD_INVALID").naming("messages[0]"),
        row(unsupported, InvalidArgument, "UNSUPPORTED_BY_PROVIDER").naming("messages[0]"),
        row(
            EgressError::NotPublic,
            FailedPrecondition,
            "EGRESS_FORBIDDEN",
        ),
        row(cost_limit(None), FailedPrecondition, "EXPECTATION_UNMET"),
        row(RouterError::AttemptNotFound, NotFound, "ATTEMPT_NOT_FOUND"),
        row(RouterError::ModelNotFound, NotFound, "MODEL_NOT_FOUND"),
    ]
}

fn sessions() -> Vec<Row> {
    use Code::{Aborted, AlreadyExists, DataLoss, FailedPrecondition, NotFound};
    let loss = Loss {
        field: "messages[1].parts[0]".to_owned(),
        kind: loss::Kind::Reasoning.into(),
        provider: "anthropic".to_owned(),
    };
    vec![
        row(
            RouterError::LossySwitch(vec![loss]),
            FailedPrecondition,
            "LOSSY_SWITCH",
        )
        .naming("messages[1].parts[0]"),
        row(RouterError::SessionNotFound, NotFound, "SESSION_NOT_FOUND"),
        row(RouterError::SessionBusy, Aborted, "SESSION_BUSY"),
        row(RouterError::SessionContinued, Aborted, "SESSION_CONTINUED"),
        row(RouterError::SessionExists, AlreadyExists, "SESSION_EXISTS"),
        row(TooLong, FailedPrecondition, "SESSION_TOO_LONG"),
        row(
            RouterError::RequestIdReused,
            AlreadyExists,
            "REQUEST_ID_REUSED",
        )
        .naming("request_id"),
        row(RouterError::EtagMismatch, Aborted, "ETAG_MISMATCH"),
        row(
            RouterError::Integrity("turn 1 is missing".to_owned()),
            DataLoss,
            "INTEGRITY",
        ),
    ]
}

fn cost_limit(highest_nanos: Option<i64>) -> RouterError {
    RouterError::CostLimitExceeded { highest_nanos }
}

fn vault() -> Vec<Row> {
    use Code::{DataLoss, FailedPrecondition, InvalidArgument, NotFound, Unavailable};
    let refused = |reason: Reason, violations: &[&str]| {
        RouterError::Refused(Box::new(VaultRefusal {
            reason,
            message: "no".to_owned(),
            metadata: HashMap::from([("key".to_owned(), "KEY_DISABLED".to_owned())]),
            fallbacks: Vec::new(),
            violations: violations
                .iter()
                .map(|field| ((*field).to_owned(), "is wrong".to_owned()))
                .collect(),
        }))
    };
    let passed_on = |code, reason: Reason| row(refused(reason, &[]), code, reason.as_str());
    let field = refused(Reason::FieldInvalid, &["key"]);
    vec![
        row(field, InvalidArgument, "FIELD_INVALID").naming("key"),
        passed_on(NotFound, Reason::WorkspaceNotFound),
        passed_on(FailedPrecondition, Reason::OwnKeyRequired),
        passed_on(FailedPrecondition, Reason::PolicyForbids),
        passed_on(FailedPrecondition, Reason::ExpectationUnmet),
        passed_on(DataLoss, Reason::Integrity),
        row(
            RouterError::VaultUnavailable,
            Unavailable,
            "VAULT_UNAVAILABLE",
        )
        .again_after(1),
    ]
}

fn provider() -> Vec<Row> {
    use Code::{
        DeadlineExceeded, FailedPrecondition, InvalidArgument, ResourceExhausted, Unavailable,
    };
    let failed = |class, code, reason| row(provider_error(class, None), code, reason);
    let throttled = provider_error(ErrorClass::Throttled, Some(Duration::from_secs(38)));
    let overloaded = provider_error(ErrorClass::Overloaded, Some(Duration::from_secs(5)));
    vec![
        failed(
            ErrorClass::Revoked,
            FailedPrecondition,
            "PROVIDER_REJECTED_KEY",
        ),
        failed(
            ErrorClass::NoPermission,
            FailedPrecondition,
            "PROVIDER_REJECTED_KEY",
        ),
        failed(
            ErrorClass::NoCredit,
            FailedPrecondition,
            "PROVIDER_NO_CREDIT",
        ),
        failed(
            ErrorClass::ModelUnavailable,
            FailedPrecondition,
            "MODEL_UNAVAILABLE",
        ),
        failed(
            ErrorClass::RejectedRequest,
            InvalidArgument,
            "PROVIDER_REJECTED_REQUEST",
        ),
        failed(
            ErrorClass::Throttled,
            ResourceExhausted,
            "PROVIDER_THROTTLED",
        )
        .again_after(1),
        row(throttled, ResourceExhausted, "PROVIDER_THROTTLED").again_after(38),
        row(overloaded, Unavailable, "PROVIDER_UNAVAILABLE").again_after(5),
        failed(ErrorClass::Unknown, Unavailable, "PROVIDER_UNAVAILABLE").again_after(1),
        failed(ErrorClass::Malformed, Unavailable, "PROVIDER_MALFORMED").again_after(1),
        failed(ErrorClass::Truncated, Unavailable, "STREAM_TRUNCATED").again_after(1),
        failed(ErrorClass::Timeout, DeadlineExceeded, "PROVIDER_TIMEOUT"),
        row(
            RouterError::BreakerOpen(Duration::from_secs(7)),
            Unavailable,
            "PROVIDER_UNAVAILABLE",
        )
        .again_after(7),
        row(
            RouterError::DeadlineExceeded,
            DeadlineExceeded,
            "DEADLINE_EXCEEDED",
        ),
        row(
            RouterError::Unreachable("gone"),
            Unavailable,
            "PROVIDER_UNAVAILABLE",
        )
        .again_after(1),
    ]
}

fn internal() -> Vec<Row> {
    let store = StoreError::Database(DbErr::Custom("secret of the database".to_owned()));
    vec![
        row(
            JournalError::TooLong,
            Code::Unavailable,
            "JOURNAL_UNAVAILABLE",
        )
        .again_after(1),
        row(store, Code::Unavailable, "DATABASE_UNAVAILABLE").again_after(1),
    ]
}

fn provider_error(class: ErrorClass, retry_after: Option<Duration>) -> ProviderError {
    ProviderError {
        class,
        http_status: Some(418),
        code: Some("teapot".to_owned()),
        message: "short and stout".to_owned(),
        retry_after,
        should_retry: None,
        request_id: Some("req_1".to_owned()),
    }
}

/// Fails to compile when a variant is added, which then belongs in [`table`].
fn is_listed(error: &RouterError) {
    match error {
        RouterError::Denied(_)
        | RouterError::Field { .. }
        | RouterError::Encode(_)
        | RouterError::Refused(_)
        | RouterError::VaultUnavailable
        | RouterError::Destination(_)
        | RouterError::Provider(_)
        | RouterError::Unreachable(_)
        | RouterError::BreakerOpen(_)
        | RouterError::CostLimitExceeded { .. }
        | RouterError::DeadlineExceeded
        | RouterError::Tried { .. }
        | RouterError::Journal(_)
        | RouterError::LossySwitch(_)
        | RouterError::SessionNotFound
        | RouterError::SessionBusy
        | RouterError::SessionContinued
        | RouterError::SessionExists
        | RouterError::SessionTooLong(_)
        | RouterError::RequestIdReused
        | RouterError::EtagMismatch
        | RouterError::Integrity(_)
        | RouterError::AttemptNotFound
        | RouterError::ModelNotFound
        | RouterError::Store(_) => {}
    }
}

#[test]
fn every_error_has_its_code_reason_and_details() {
    for row in table() {
        is_listed(&row.error);
        let text = row.error.to_string();
        assert_eq!(row.error.reason().as_str(), row.reason);
        let status = Status::from(row.error);
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!(
            (status.code(), &*info.reason),
            (row.code, row.reason),
            "{text}"
        );
        assert_eq!(info.domain, "router.latchkey");
        assert_eq!(status.message(), text);
        let violations = details
            .bad_request()
            .map_or(&[][..], |bad| &bad.field_violations);
        let named: Vec<_> = violations
            .iter()
            .map(|violation| &*violation.field)
            .collect();
        let expected: Vec<_> = [row.violation]
            .into_iter()
            .filter(|field| !field.is_empty())
            .collect();
        assert_eq!(named, expected, "{text}");
        let delay = details.retry_info().and_then(|info| info.retry_delay);
        assert_eq!(delay, row.retry.map(Duration::from_secs), "{text}");
    }
}

#[test]
fn the_providers_error_is_in_the_metadata() {
    let status = Status::from(RouterError::from(provider_error(ErrorClass::Unknown, None)));
    let details = status.get_error_details();
    let metadata = &details.error_info().unwrap().metadata;
    let expected = [
        ("provider_code", "teapot"),
        ("provider_message", "short and stout"),
        ("provider_request_id", "req_1"),
        ("provider_status", "418"),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(*metadata, HashMap::from(expected));
}

fn attempt_name(id: u128) -> AttemptName {
    AttemptName {
        workspace: "workspaces/acme".parse().unwrap(),
        id: AttemptId(Uuid::from_u128(id)),
    }
}

#[test]
fn failed_attempts_before_an_error_change_only_its_metadata() {
    for row in table() {
        let text = row.error.to_string();
        let tried = RouterError::Tried {
            cause: Box::new(row.error),
            attempts: [1, 2].map(attempt_name).to_vec(),
        };
        assert_eq!(tried.reason().as_str(), row.reason);
        let status = Status::from(tried);
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!((status.code(), &*info.reason), (row.code, row.reason));
        let names = [1, 2].map(|id| attempt_name(id).to_string()).join(" ");
        assert_eq!(info.metadata["attempts"], names);
        let delay = details.retry_info().and_then(|info| info.retry_delay);
        assert_eq!(delay, row.retry.map(Duration::from_secs), "{text}");
        let violation = details
            .bad_request()
            .map(|bad| bad.field_violations[0].field.clone());
        let expected = Some(row.violation).filter(|field| !field.is_empty());
        assert_eq!(violation.as_deref(), expected);
    }
}

#[test]
fn the_vaults_metadata_is_passed_on() {
    for row in vault() {
        if matches!(row.error, RouterError::Refused(_)) {
            let status = Status::from(row.error);
            let details = status.get_error_details();
            let metadata = &details.error_info().unwrap().metadata;
            assert_eq!(
                metadata.get("key").map(String::as_str),
                Some("KEY_DISABLED")
            );
        }
    }
}

#[test]
fn the_databases_message_is_not_sent_to_the_caller() {
    let error = StoreError::Database(DbErr::Custom("secret of the database".to_owned()));
    let status = Status::from(RouterError::from(error));
    assert!(!format!("{status:?}").contains("secret"));
}

#[test]
fn the_fields_of_an_inner_request_are_named_from_the_outer_one() {
    for row in table() {
        // Only creations have a request id, and a creation is never part of another request.
        let inner = !matches!(row.error, RouterError::RequestIdReused);
        if inner && !row.violation.is_empty() {
            let status = Status::from(row.error.within("request"));
            let details = status.get_error_details();
            let violations = &details.bad_request().unwrap().field_violations;
            assert_eq!(violations[0].field, format!("request.{}", row.violation));
        }
    }
}

#[test]
fn the_highest_cost_is_in_the_metadata_when_it_is_known() {
    for (highest, expected) in [(Some(616), Some("616")), (None, None)] {
        let mut metadata: HashMap<_, _> = refusal(&cost_limit(highest)).into_metadata().collect();
        assert_eq!(metadata["expectation"], "max_cost_nanos");
        assert_eq!(metadata.remove("highest_cost_nanos").as_deref(), expected);
    }
}
