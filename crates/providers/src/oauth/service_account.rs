//! Tokens for a service account of Google Cloud.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use url::Url;
use zeroize::Zeroizing;

use super::private_key::{RsaKey, unescaped};
use super::{GOOGLE_TOKEN_URL, form};
use crate::encode::{EncodeError, EncodeErrorKind, WireRequest, join, refuse};
use crate::json::Text;

/// Requests a token with an assertion signed by the account (RFC 7523, 2.1).
pub(super) fn request(json: &str, url: &Url, now: SystemTime) -> Result<WireRequest, EncodeError> {
    let uri = join("token_url", url, "")?;
    let file = file(json)?;
    let assertion = assertion(&file, now)?;
    Ok(form(
        uri,
        &[("grant_type", GRANT_TYPE), ("assertion", &assertion)],
    ))
}

/// The part of the file that must be redacted: the private key as the file spells it.
pub(super) fn secret(json: &str) -> &str {
    let file = file(json);
    file.map_or("", |file| file.private_key.get().trim_matches('"'))
}

/// The fields of the file that are used. Its URLs are not.
#[derive(Deserialize)]
struct File<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    client_email: Text<'a>,
    #[serde(borrow)]
    private_key_id: Text<'a>,
    /// Raw, so that the only copies are zeroized ones.
    #[serde(borrow)]
    private_key: &'a RawValue,
}

fn file(json: &str) -> Result<File<'_>, EncodeError> {
    let Ok(file) = serde_json::from_str::<File<'_>>(json) else {
        return invalid(
            "service_account_json",
            "must be the JSON file of a service account",
        );
    };
    if file.kind.as_deref().is_some_and(|kind| kind != KIND) {
        return invalid(
            "service_account_json.type",
            "must be service_account: other types would make the router fetch or run things",
        );
    }
    if !file.client_email.contains('@') {
        return invalid(
            "service_account_json.client_email",
            "must be an email address",
        );
    }
    if file.private_key_id.is_empty() {
        return invalid("service_account_json.private_key_id", "is required");
    }
    Ok(file)
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    kid: &'a str,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'static str,
    aud: &'static str,
    iat: u64,
    exp: u64,
}

/// Builds the assertion: a JSON Web Token (RFC 7519) signed by the account.
fn assertion(file: &File<'_>, now: SystemTime) -> Result<Zeroizing<String>, EncodeError> {
    let key = unescaped(file.private_key.get()).and_then(|pem| RsaKey::parse(&pem));
    let Some(key) = key else {
        return invalid(
            "service_account_json.private_key",
            "must be an RSA key in PEM (PKCS#8) of 2,048 to 4,096 bits",
        );
    };
    let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH);
    let iat = since_epoch.unwrap_or_default().as_secs();
    let header = Header {
        alg: "RS256",
        typ: "JWT",
        kid: &file.private_key_id,
    };
    let claims = Claims {
        iss: &file.client_email,
        scope: SCOPE,
        // Always Google's own address, because Google verifies the audience even if the request
        // goes through a proxy.
        aud: GOOGLE_TOKEN_URL,
        iat,
        exp: iat + LIFETIME.as_secs(),
    };
    Ok(key.sign(&header, &claims))
}

fn invalid<T>(field: &'static str, message: &'static str) -> Result<T, EncodeError> {
    refuse(field, EncodeErrorKind::Invalid, message)
}

const KIND: &str = "service_account";
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// The maximum lifetime of an assertion at Google.
const LIFETIME: Duration = Duration::from_hours(1);
