//! The issuer of access tokens: Google's for service accounts (RFC 7523), Microsoft Entra's for
//! applications (RFC 6749, 4.4).

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

/// The client that a request for a token names, unchecked.
pub(super) fn client(body: &[u8]) -> Option<String> {
    let body = std::str::from_utf8(body).ok()?;
    let field = |name: &str| {
        let mut fields = body.split('&').filter_map(|field| field.split_once('='));
        fields
            .find(|(field, _)| *field == name)
            .map(|(_, value)| value)
    };
    if let Some(client) = field("client_id") {
        return Some(client.to_owned());
    }
    let payload = field("assertion")?.split('.').nth(1)?;
    let payload = BASE64URL_NOPAD.decode(payload.as_bytes()).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    claims["iss"].as_str().map(ToOwned::to_owned)
}

/// The answer to a client.
pub(super) fn granted(client: &str) -> Value {
    json!({
        "access_token": format!("token-of-{client}"),
        "expires_in": 3_599,
        "token_type": "Bearer",
    })
}
