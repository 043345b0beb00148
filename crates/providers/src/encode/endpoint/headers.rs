//! The headers of a request: the credential and what the provider requires.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use latchkey_contract::ProviderId;
use zeroize::Zeroizing;

use super::super::{EncodeError, EncodeErrorKind, refuse};
use crate::{Credential, Target};

/// Returns the headers of a request.
pub(crate) fn headers(target: &Target<'_>, has_body: bool) -> Result<HeaderMap, EncodeError> {
    let mut headers = HeaderMap::with_capacity(6);
    match target.credential {
        Credential::ApiKey(key) => {
            let name = key_header(target.provider);
            let value = match name {
                header::AUTHORIZATION => bearer(key)?,
                _ => sensitive(HeaderValue::from_str(key).ok())?,
            };
            headers.insert(name, value);
        }
        Credential::Bearer(token) => {
            headers.insert(header::AUTHORIZATION, bearer(token)?);
        }
        Credential::None if target.provider == ProviderId::Custom => {}
        Credential::None => return refuse("api_key", EncodeErrorKind::Invalid, "is required"),
    }
    if has_body {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    }
    headers.insert(header::ACCEPT, HeaderValue::from_static(JSON));
    // Compression would delay the events of a stream, and answers are never decompressed here.
    headers.insert(
        header::ACCEPT_ENCODING,
        HeaderValue::from_static("identity"),
    );
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    if target.provider == ProviderId::Anthropic {
        headers.insert(
            HeaderName::from_static("anthropic-version"),
            HeaderValue::from_static(ANTHROPIC_VERSION),
        );
    }
    Ok(headers)
}

/// The header that carries an API key. Anthropic refuses a request with two credentials.
fn key_header(provider: ProviderId) -> HeaderName {
    match provider {
        ProviderId::Anthropic => HeaderName::from_static("x-api-key"),
        ProviderId::Azure => HeaderName::from_static("api-key"),
        // Never in the query: URLs end up in logs.
        ProviderId::Google => HeaderName::from_static("x-goog-api-key"),
        ProviderId::Custom
        | ProviderId::DeepSeek
        | ProviderId::OpenAi
        | ProviderId::OpenRouter
        | ProviderId::Vertex => header::AUTHORIZATION,
    }
}

fn bearer(token: &str) -> Result<HeaderValue, EncodeError> {
    let mut text = Zeroizing::new(String::with_capacity(BEARER.len() + token.len()));
    text.push_str(BEARER);
    text.push_str(token);
    sensitive(HeaderValue::from_str(&text).ok())
}

fn sensitive(value: Option<HeaderValue>) -> Result<HeaderValue, EncodeError> {
    let Some(mut value) = value else {
        return refuse(
            "api_key",
            EncodeErrorKind::Invalid,
            "has characters that are not allowed in an HTTP header",
        );
    };
    value.set_sensitive(true);
    Ok(value)
}

const BEARER: &str = "Bearer ";
pub(crate) const JSON: &str = "application/json";
pub(crate) const USER_AGENT: &str = concat!("latchkey/", env!("CARGO_PKG_VERSION"));

/// The version that every available model serves. 2026-10-21 refuses sampling parameters on all of
/// them.
const ANTHROPIC_VERSION: &str = "2023-06-01";

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    fn headers_of(
        provider: ProviderId,
        credential: Credential<'_>,
    ) -> Result<HeaderMap, EncodeError> {
        let base = Url::parse("https://host").unwrap();
        headers(&Target::new(provider, &base, credential), true)
    }

    #[test]
    fn one_sensitive_header_carries_the_key() {
        for (provider, name) in [
            (ProviderId::Anthropic, "x-api-key"),
            (ProviderId::Azure, "api-key"),
            (ProviderId::Custom, "authorization"),
            (ProviderId::DeepSeek, "authorization"),
            (ProviderId::Google, "x-goog-api-key"),
            (ProviderId::OpenAi, "authorization"),
            (ProviderId::OpenRouter, "authorization"),
        ] {
            let headers = headers_of(provider, Credential::ApiKey("sk-secret")).unwrap();
            let carriers: Vec<_> = headers
                .iter()
                .filter(|(_, value)| value.to_str().unwrap().contains("sk-secret"))
                .collect();
            assert_eq!(carriers.len(), 1);
            assert_eq!(carriers[0].0, name);
            assert!(carriers[0].1.is_sensitive());
        }
    }

    #[test]
    fn a_token_is_sent_as_bearer_to_every_provider() {
        for provider in [ProviderId::Azure, ProviderId::Vertex] {
            let headers = headers_of(provider, Credential::Bearer("token")).unwrap();
            assert_eq!(headers["authorization"], "Bearer token");
            assert!(headers["authorization"].is_sensitive());
            assert!(!headers.contains_key("api-key"));
        }
    }

    #[test]
    fn only_a_custom_endpoint_is_called_without_a_credential() {
        for provider in ProviderId::ALL {
            let headers = headers_of(provider, Credential::None);
            assert_eq!(headers.is_ok(), provider == ProviderId::Custom);
        }
    }

    #[test]
    fn a_key_with_a_line_break_is_refused_without_showing_it() {
        let error = headers_of(ProviderId::OpenAi, Credential::ApiKey("sk-a\nb")).unwrap_err();
        assert_eq!(error.field, "api_key");
        assert!(!error.to_string().contains("sk-a"));
    }
}
