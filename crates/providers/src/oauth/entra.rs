//! Tokens for an application of Microsoft Entra.

use url::Url;

use super::form;
use crate::encode::{EncodeError, EncodeErrorKind, WireRequest, join, refuse};

/// Requests a token with the application's secret (RFC 6749, 4.4.2).
pub(super) fn request(
    tenant_id: &str,
    client_id: &str,
    client_secret: &str,
    authority: &Url,
) -> Result<WireRequest, EncodeError> {
    // It becomes a path segment.
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    let named = tenant_id.bytes().any(|byte| byte.is_ascii_alphanumeric());
    if !named || !tenant_id.bytes().all(allowed) {
        return refuse(
            "entra_client.tenant_id",
            EncodeErrorKind::Invalid,
            "must be a UUID or a domain",
        );
    }
    let uri = join(
        "authority",
        authority,
        &format!("/{tenant_id}/oauth2/v2.0/token"),
    )?;
    Ok(form(
        uri,
        &[
            ("client_id", client_id),
            ("client_secret", client_secret),
            ("scope", SCOPE),
            ("grant_type", "client_credentials"),
        ],
    ))
}

/// The scope of Azure's AI services.
const SCOPE: &str = "https://cognitiveservices.azure.com/.default";
