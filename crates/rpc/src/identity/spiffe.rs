//! SPIFFE IDs of workloads: `spiffe://trust-domain/path`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use thiserror::Error;

/// The SPIFFE ID of a workload, in the only form that the SPIFFE ID standard (section 2) allows:
/// lower-case scheme and trust domain, and a path of non-empty segments. There is one spelling for
/// each identity, so comparing bytes compares identities.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SpiffeId(Arc<str>);

const SCHEME: &str = "spiffe://";

/// Bytes of a whole ID (SPIFFE ID 2.3).
const MAX_LENGTH: usize = 2048;

/// Bytes of a trust domain (SPIFFE ID 2.3).
const MAX_TRUST_DOMAIN: usize = 255;

impl SpiffeId {
    /// Parses an ID. A workload's has a path (X.509-SVID 3.1).
    pub fn parse(text: &str) -> Result<Self, SpiffeIdError> {
        if text.len() > MAX_LENGTH {
            return Err(SpiffeIdError::TooLong);
        }
        let rest = text.strip_prefix(SCHEME).ok_or(SpiffeIdError::Scheme)?;
        let (trust_domain, path) = rest.split_once('/').ok_or(SpiffeIdError::NoPath)?;
        if !is_trust_domain(trust_domain) {
            return Err(SpiffeIdError::TrustDomain);
        }
        if path.is_empty() {
            return Err(SpiffeIdError::NoPath);
        }
        if !path.split('/').all(is_segment) {
            return Err(SpiffeIdError::Path);
        }
        Ok(Self(text.into()))
    }

    /// The whole ID.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The trust domain, `example.org`.
    pub fn trust_domain(&self) -> &str {
        self.split().0
    }

    /// The path with its leading slash, `/ns/default/sa/router`.
    pub fn path(&self) -> &str {
        self.split().1
    }

    fn split(&self) -> (&str, &str) {
        let rest = &self.0[SCHEME.len()..];
        rest.split_at(rest.find('/').unwrap_or(rest.len()))
    }
}

fn is_trust_domain(text: &str) -> bool {
    let allowed = |c| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_');
    (1..=MAX_TRUST_DOMAIN).contains(&text.len()) && text.bytes().all(allowed)
}

fn is_segment(text: &str) -> bool {
    let allowed = |c| matches!(c, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_');
    !matches!(text, "" | "." | "..") && text.bytes().all(allowed)
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SpiffeId {
    type Err = SpiffeIdError;

    fn from_str(text: &str) -> Result<Self, SpiffeIdError> {
        Self::parse(text)
    }
}

impl<'de> Deserialize<'de> for SpiffeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Why a text is not the SPIFFE ID of a workload.
#[derive(Clone, Copy, Debug, Eq, Error, Hash, PartialEq)]
pub enum SpiffeIdError {
    /// It is longer than 2048 bytes.
    #[error("longer than 2048 bytes")]
    TooLong,
    /// It does not begin with `spiffe://`.
    #[error("does not begin with `spiffe://`")]
    Scheme,
    /// The trust domain is empty, too long, or has other characters than `a-z 0-9 . - _`.
    #[error("the trust domain must be 1 to 255 of `a-z`, `0-9`, `.`, `-`, `_`")]
    TrustDomain,
    /// There is no path, so it names a trust domain and not a workload.
    #[error("has no path")]
    NoPath,
    /// A segment of the path is empty, `.`, `..`, or has other characters than
    /// `a-z A-Z 0-9 . - _`.
    #[error("each segment of the path must be of `a-z`, `A-Z`, `0-9`, `.`, `-`, `_`")]
    Path,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workload_is_split_into_trust_domain_and_path() {
        let id = SpiffeId::parse("spiffe://prod.example.org/ns/default/sa/Router_1").unwrap();
        assert_eq!(id.trust_domain(), "prod.example.org");
        assert_eq!(id.path(), "/ns/default/sa/Router_1");
        assert_eq!(
            id.to_string(),
            "spiffe://prod.example.org/ns/default/sa/Router_1"
        );
    }

    #[test]
    fn any_other_spelling_of_an_id_is_refused() {
        use SpiffeIdError::{NoPath, Path, Scheme, TrustDomain};
        for (text, error) in [
            ("", Scheme),
            ("https://example.org/a", Scheme),
            ("SPIFFE://example.org/a", Scheme),
            ("spiffe:/example.org/a", Scheme),
            ("spiffe:///a", TrustDomain),
            ("spiffe://Example.org/a", TrustDomain),
            ("spiffe://user@example.org/a", TrustDomain),
            ("spiffe://example.org:443/a", TrustDomain),
            ("spiffe://ex%41mple.org/a", TrustDomain),
            ("spiffe://exämple.org/a", TrustDomain),
            ("spiffe://example.org", NoPath),
            ("spiffe://example.org/", NoPath),
            ("spiffe://example.org?a", NoPath),
            ("spiffe://example.org/a/", Path),
            ("spiffe://example.org//a", Path),
            ("spiffe://example.org/a/./b", Path),
            ("spiffe://example.org/a/../b", Path),
            ("spiffe://example.org/a%2fb", Path),
            ("spiffe://example.org/a?b", Path),
            ("spiffe://example.org/a#b", Path),
            ("spiffe://example.org/a\0", Path),
        ] {
            assert_eq!(SpiffeId::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn an_id_beyond_the_standards_lengths_is_refused() {
        let long_path = format!("spiffe://example.org/{}", "a".repeat(2048 - 21));
        assert_eq!(long_path.len(), 2048);
        SpiffeId::parse(&long_path).unwrap();
        assert_eq!(
            SpiffeId::parse(&format!("{long_path}a")),
            Err(SpiffeIdError::TooLong)
        );

        let domain = "a".repeat(255);
        SpiffeId::parse(&format!("spiffe://{domain}/a")).unwrap();
        assert_eq!(
            SpiffeId::parse(&format!("spiffe://{domain}a/a")),
            Err(SpiffeIdError::TrustDomain)
        );
    }
}
