//! A provider's HTTP response, read to its end.

use std::time::SystemTime;

use http::{HeaderMap, StatusCode};

/// The response to a request that is answered in one piece.
#[derive(Clone, Copy)]
pub struct Reply<'a> {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body.
    pub body: &'a [u8],
    /// The secret that the request was sent with ([`Credential::secret`]). It is redacted from the
    /// provider's messages.
    ///
    /// [`Credential::secret`]: crate::Credential::secret
    pub secret: &'a str,
    /// The time of the reply, from which `Retry-After` dates are counted.
    pub now: SystemTime,
}

impl<'a> Reply<'a> {
    /// A reply at the Unix epoch, for requests that are not retried.
    pub fn undated(
        status: StatusCode,
        headers: &'a HeaderMap,
        body: &'a [u8],
        secret: &'a str,
    ) -> Self {
        Self {
            status,
            headers,
            body,
            secret,
            now: SystemTime::UNIX_EPOCH,
        }
    }
}
