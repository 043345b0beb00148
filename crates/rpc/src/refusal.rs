//! A refused call as gRPC encodes it: `google.rpc.Status` with `ErrorInfo` always (AIP-193).

use std::collections::HashMap;
use std::time::Duration;

use latchkey_contract::Reason;
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt as _};

/// A refusal before it is encoded. Each service makes them in its one error table.
#[derive(Debug)]
pub struct Refusal {
    reason: Reason,
    message: String,
    metadata: HashMap<String, String>,
    violations: Vec<(String, String)>,
    retry_after: Option<Duration>,
}

impl Refusal {
    /// A refusal for a reason, which determines the canonical code, with a message for people.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            metadata: HashMap::new(),
            violations: Vec::new(),
            retry_after: None,
        }
    }

    /// Its reason.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Its message for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The entries of `ErrorInfo.metadata`.
    pub fn into_metadata(self) -> impl Iterator<Item = (String, String)> {
        self.metadata.into_iter()
    }

    /// Adds an entry to `ErrorInfo.metadata`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.metadata.insert(key.to_owned(), value.into());
        self
    }

    /// Adds an invalid field, and what is wrong with it, to `BadRequest`.
    #[must_use]
    pub fn violation(mut self, field: impl Into<String>, problem: impl Into<String>) -> Self {
        self.violations.push((field.into(), problem.into()));
        self
    }

    /// The same refusal, with its fields prefixed by `outer`, the path of the message around them.
    #[must_use]
    pub fn within(mut self, outer: &str) -> Self {
        self.message = format!("{outer}: {}", self.message);
        for (field, _) in &mut self.violations {
            *field = format!("{outer}.{field}");
        }
        self.with("field", outer)
    }

    /// Sets the delay before a retry, in `RetryInfo`.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// The refusal as data: its reason, its message and its metadata.
    pub fn into_data(self) -> (Reason, String, HashMap<String, String>) {
        (self.reason, self.message, self.metadata)
    }

    /// Encodes the refusal. `domain` is the service's, such as `vault.latchkey`.
    pub fn into_status(self, domain: &'static str) -> Status {
        let mut details =
            ErrorDetails::with_error_info(self.reason.as_str(), domain, self.metadata);
        for (field, problem) in self.violations {
            details.add_bad_request_violation(field, problem);
        }
        if let Some(delay) = self.retry_after {
            details.set_retry_info(Some(delay));
        }
        Status::with_error_details(self.reason.code(), self.message, details)
    }
}
