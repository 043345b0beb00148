//! Static bearer tokens (RFC 6750), known by their digests.

use std::fmt;
use std::sync::Arc;

use data_encoding::HEXLOWER_PERMISSIVE;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Deserializer};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};
use thiserror::Error;

use super::{IdentityConfig, IdentityError, Rejection};

/// The name of a token: 1 to 63 of `a-z 0-9 - _ .`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TokenName(Arc<str>);

impl TokenName {
    /// Parses a name.
    pub fn parse(text: &str) -> Result<Self, MalformedName> {
        let allowed = |c| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
        if (1..=63).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(MalformedName)
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TokenName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A text is not the name of a token.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("a token's name must be 1 to 63 of `a-z`, `0-9`, `-`, `_`, `.`")]
pub struct MalformedName;

/// The SHA-256 of a token.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// The digest of a token.
    pub fn of(token: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }

    /// Parses 64 hexadecimal digits of either case.
    pub fn parse(hex: &str) -> Result<Self, MalformedDigest> {
        let bytes = HEXLOWER_PERMISSIVE
            .decode(hex.as_bytes())
            .map_err(|_| MalformedDigest)?;
        bytes.try_into().map(Self).map_err(|_| MalformedDigest)
    }
}

/// Hides the digest: a guessed token could be checked against it.
impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(..)")
    }
}

impl<'de> Deserialize<'de> for TokenDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A text is not a SHA-256.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("a SHA-256 must be 64 hexadecimal digits")]
pub struct MalformedDigest;

/// The tokens of a listener.
#[derive(Clone)]
pub(super) struct Tokens(Arc<[(TokenDigest, TokenName)]>);

impl Tokens {
    pub(super) fn new(config: &IdentityConfig) -> Result<Self, IdentityError> {
        let mut known: Vec<(TokenDigest, TokenName)> = Vec::new();
        for token in &config.tokens {
            let name = token.name.clone();
            if known.iter().any(|(_, other)| *other == name) {
                return Err(IdentityError::NameTwice { name });
            }
            if let Some((_, first)) = known.iter().find(|(digest, _)| *digest == token.sha256) {
                return Err(IdentityError::TokenTwice {
                    first: first.clone(),
                    second: name,
                });
            }
            known.push((token.sha256, name));
        }
        Ok(Self(known.into()))
    }

    /// The name of the token in the `authorization` header; `None` when there is no such header.
    pub(super) fn identify(&self, headers: &HeaderMap) -> Option<Result<TokenName, Rejection>> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let value = values.next()?;
        if values.next().is_some() {
            return Some(Err(Rejection::MalformedAuthorization));
        }
        let token = value.to_str().ok().and_then(bearer);
        Some(match token {
            Some(token) => self.find(token).ok_or(Rejection::UnknownToken),
            None => Err(Rejection::MalformedAuthorization),
        })
    }

    /// Compares with every digest in constant time, so that the time reveals neither how much of a
    /// digest was guessed nor which token matched.
    fn find(&self, token: &str) -> Option<TokenName> {
        let shown = TokenDigest::of(token);
        let mut found = u32::MAX;
        for (index, (digest, _)) in (0..).zip(self.0.iter()) {
            let same: Choice = shown.0.ct_eq(&digest.0);
            found.conditional_assign(&index, same);
        }
        let (_, name) = self.0.get(usize::try_from(found).ok()?)?;
        Some(name.clone())
    }
}

/// The token of `Bearer <token>`; the scheme in any case (RFC 9110 11.1), the token in the
/// characters of `b64token` (RFC 6750 2.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    let unpadded = token.trim_end_matches('=');
    let allowed = |c: u8| c.is_ascii_alphanumeric() || b"-._~+/".contains(&c);
    let well_formed = scheme.eq_ignore_ascii_case("bearer")
        && !unpadded.is_empty()
        && unpadded.bytes().all(allowed);
    well_formed.then_some(token)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::identity::TokenConfig;

    fn config(tokens: &[(&str, &str)]) -> IdentityConfig {
        let tokens = tokens.iter().map(|(name, token)| TokenConfig {
            name: TokenName::parse(name).unwrap(),
            sha256: TokenDigest::of(token),
        });
        IdentityConfig {
            tokens: tokens.collect(),
        }
    }

    fn identify(headers: &[&[u8]]) -> Option<Result<String, Rejection>> {
        let tokens = Tokens::new(&config(&[("admin", "s3cret"), ("ops", "other==")])).unwrap();
        let mut map = HeaderMap::new();
        for header in headers {
            map.append(AUTHORIZATION, HeaderValue::from_bytes(header).unwrap());
        }
        let found = tokens.identify(&map)?;
        Some(found.map(|name| name.to_string()))
    }

    #[test]
    fn a_known_token_has_its_name() {
        assert_eq!(identify(&[b"Bearer s3cret"]), Some(Ok("admin".to_owned())));
        assert_eq!(identify(&[b"bearer  other=="]), Some(Ok("ops".to_owned())));
    }

    #[test]
    fn a_request_without_the_header_has_no_credential() {
        assert_eq!(identify(&[]), None);
    }

    #[test]
    fn an_unknown_token_is_rejected_and_not_ignored() {
        for header in [&b"Bearer s3cre"[..], b"Bearer s3cret0", b"Bearer S3CRET"] {
            assert_eq!(identify(&[header]), Some(Err(Rejection::UnknownToken)));
        }
    }

    #[test]
    fn a_malformed_header_is_rejected_and_not_ignored() {
        for header in [
            &b""[..],
            b"s3cret",
            b"Bearer",
            b"Bearer ",
            b"Bearer ==",
            b"Bearer s3 cret",
            b"Bearer s=3",
            b"Bearer \xff",
            b"Basic s3cret",
        ] {
            assert_eq!(
                identify(&[header]),
                Some(Err(Rejection::MalformedAuthorization)),
                "{header:?}"
            );
        }
    }

    #[test]
    fn two_headers_are_refused_even_when_both_are_good() {
        assert_eq!(
            identify(&[b"Bearer s3cret", b"Bearer s3cret"]),
            Some(Err(Rejection::MalformedAuthorization))
        );
    }

    #[test]
    fn a_digest_is_the_sha_256_of_the_token() {
        // FIPS 180-2, appendix B.1.
        let hex = "BA7816BF8F01CFEA414140DE5DAE2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(TokenDigest::parse(hex), Ok(TokenDigest::of("abc")));
        for malformed in ["", &hex[1..], &hex.replace('B', "g"), &format!("{hex}00")] {
            assert_eq!(TokenDigest::parse(malformed), Err(MalformedDigest));
        }
    }

    #[test]
    fn a_name_with_other_characters_is_refused() {
        TokenName::parse("admin-1_a.b").unwrap();
        for malformed in ["", "Admin", "a b", "ä", &"a".repeat(64)] {
            assert_eq!(TokenName::parse(malformed), Err(MalformedName));
        }
    }

    #[test]
    fn a_name_or_a_token_twice_is_refused() {
        let name = |name| TokenName::parse(name).unwrap();
        assert_eq!(
            Tokens::new(&config(&[("a", "1"), ("a", "2")])).err(),
            Some(IdentityError::NameTwice { name: name("a") })
        );
        assert_eq!(
            Tokens::new(&config(&[("a", "1"), ("b", "1")])).err(),
            Some(IdentityError::TokenTwice {
                first: name("a"),
                second: name("b")
            })
        );
    }
}
