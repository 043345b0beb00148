//! A request as it is put to models, where it may name a session.

use std::borrow::Cow;

use latchkey_contract::router::v1::GenerateRequest;

use crate::error::RouterError;

/// The request with what its session adds to it; for methods that read a session and don't continue it.
pub(super) fn prepared(
    request: Cow<'_, GenerateRequest>,
) -> Result<Cow<'_, GenerateRequest>, RouterError> {
    if request.session.is_empty() {
        return Ok(request);
    }
    Err(RouterError::field(
        "session",
        "names a session, and this router keeps none",
    ))
}
