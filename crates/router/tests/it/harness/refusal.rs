//! Refusals and their details.

use std::collections::HashMap;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// The details of a refusal.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) message: String,
    pub(crate) metadata: HashMap<String, String>,
    pub(crate) fields: Vec<String>,
    pub(crate) retry_after: Option<Duration>,
}

/// Decodes a refusal. The test fails unless it has this code and reason.
#[track_caller]
pub(crate) fn refused<T>(outcome: Result<T, Status>, code: Code, reason: &str) -> Refused {
    let Err(status) = outcome else {
        panic!("the call was not refused with {reason}")
    };
    let details = status.get_error_details();
    let info = details
        .error_info()
        .cloned()
        .unwrap_or_else(|| panic!("the status has no ErrorInfo: {status:?}"));
    let found = (status.code(), info.reason.as_str());
    assert_eq!(found, (code, reason), "{}", status.message());
    assert_eq!(info.domain, "router.latchkey");
    let violations = details
        .bad_request()
        .map(|bad| bad.field_violations.clone());
    Refused {
        message: status.message().to_owned(),
        metadata: info.metadata,
        fields: violations
            .unwrap_or_default()
            .into_iter()
            .map(|violation| violation.field)
            .collect(),
        retry_after: details.retry_info().and_then(|info| info.retry_delay),
    }
}
