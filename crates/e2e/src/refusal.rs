//! A refusal as a caller sees it.

use std::collections::HashMap;

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// What a status says.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// The canonical code.
    pub code: Code,
    /// The reason of its `ErrorInfo`.
    pub reason: String,
    /// The domain of its `ErrorInfo`.
    pub domain: String,
    /// The facts of its `ErrorInfo`.
    pub metadata: HashMap<String, String>,
    /// The fields to blame.
    pub fields: Vec<String>,
    /// When to try again, in seconds.
    pub retry_seconds: Option<u64>,
}

/// Reads a status. One without `ErrorInfo` is a fault.
pub fn refused(status: &Status) -> Refused {
    let details = status.get_error_details();
    let info = details
        .error_info()
        .unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    let violations = details.bad_request().map(|bad| &bad.field_violations);
    Refused {
        code: status.code(),
        reason: info.reason.clone(),
        domain: info.domain.clone(),
        metadata: info.metadata.clone(),
        fields: violations
            .into_iter()
            .flatten()
            .map(|each| each.field.clone())
            .collect(),
        retry_seconds: details
            .retry_info()
            .and_then(|info| info.retry_delay)
            .map(|delay| delay.as_secs()),
    }
}
