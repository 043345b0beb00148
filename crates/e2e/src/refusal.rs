//! A refusal as a caller receives it.

use std::collections::HashMap;

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// The content of an error status.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// The canonical code.
    pub code: Code,
    /// The reason of its `ErrorInfo`.
    pub reason: String,
    /// The domain of its `ErrorInfo`.
    pub domain: String,
    /// The metadata of its `ErrorInfo`.
    pub metadata: HashMap<String, String>,
    /// The invalid fields.
    pub fields: Vec<String>,
    /// The delay before a retry, in seconds.
    pub retry_seconds: Option<u64>,
}

/// Reads a status. Panics if it has no `ErrorInfo`: every refusal must have one.
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
