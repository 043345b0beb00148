//! Where a request goes and which headers it carries.

use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use url::Url;
use zeroize::Zeroizing;

use super::{EncodeError, EncodeErrorKind, refuse};
use crate::Provider;

/// What is asked of a provider.
#[derive(Clone, Copy)]
pub(crate) enum Endpoint {
    AnthropicModels,
    ChatCompletions,
    Messages,
    OpenAiModels,
    Responses,
}

impl Endpoint {
    /// The URL below the base that the operator or customer gave. `/v1` is never added to it.
    pub(crate) fn uri(self, base: &Url) -> Result<Uri, EncodeError> {
        let clean = matches!(base.scheme(), "https" | "http")
            && base.query().is_none()
            && base.fragment().is_none()
            && base.username().is_empty()
            && base.password().is_none();
        if !clean {
            return refuse(
                "base_url",
                EncodeErrorKind::Invalid,
                "must be an http or https URL without user, query or fragment",
            );
        }
        let base = base.as_str().trim_end_matches('/');
        let path = self.path();
        let mut text = String::with_capacity(base.len() + path.len());
        text.push_str(base);
        text.push_str(path);
        match Uri::try_from(text) {
            Ok(uri) => Ok(uri),
            Err(_) => refuse("base_url", EncodeErrorKind::Invalid, "is not a URL"),
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::AnthropicModels => "/v1/models?limit=1",
            Self::ChatCompletions => "/chat/completions",
            Self::Messages => "/v1/messages",
            Self::OpenAiModels => "/models",
            Self::Responses => "/responses",
        }
    }
}

/// The one header that carries the key.
#[derive(Clone, Copy)]
enum CredentialHeader {
    Bearer,
    XApiKey,
}

impl CredentialHeader {
    /// Anthropic refuses a request with both.
    fn of(provider: Provider) -> Self {
        match provider {
            Provider::Anthropic => Self::XApiKey,
            _ => Self::Bearer,
        }
    }

    fn name(self) -> HeaderName {
        match self {
            Self::Bearer => header::AUTHORIZATION,
            Self::XApiKey => HeaderName::from_static("x-api-key"),
        }
    }

    fn value(self, key: &str) -> Result<HeaderValue, EncodeError> {
        let value = match self {
            Self::Bearer => {
                let mut text = Zeroizing::new(String::with_capacity(BEARER.len() + key.len()));
                text.push_str(BEARER);
                text.push_str(key);
                HeaderValue::from_str(&text)
            }
            Self::XApiKey => HeaderValue::from_str(key),
        };
        let Ok(mut value) = value else {
            return refuse(
                "api_key",
                EncodeErrorKind::Invalid,
                "has characters that no HTTP header may carry",
            );
        };
        value.set_sensitive(true);
        Ok(value)
    }
}

/// The headers of every request. Custom endpoints may have no key; then none is sent.
pub(crate) fn headers(
    provider: Provider,
    api_key: &str,
    has_body: bool,
) -> Result<HeaderMap, EncodeError> {
    let mut headers = HeaderMap::with_capacity(6);
    if api_key.is_empty() {
        if provider != Provider::Custom {
            return refuse("api_key", EncodeErrorKind::Invalid, "is required");
        }
    } else {
        let credential = CredentialHeader::of(provider);
        headers.insert(credential.name(), credential.value(api_key)?);
    }
    if has_body {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    }
    headers.insert(header::ACCEPT, HeaderValue::from_static(JSON));
    // A compressed stream arrives in lumps, and we never decompress.
    headers.insert(
        header::ACCEPT_ENCODING,
        HeaderValue::from_static("identity"),
    );
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    if provider == Provider::Anthropic {
        headers.insert(
            HeaderName::from_static("anthropic-version"),
            HeaderValue::from_static(ANTHROPIC_VERSION),
        );
    }
    Ok(headers)
}

const BEARER: &str = "Bearer ";
const JSON: &str = "application/json";
const USER_AGENT: &str = concat!("latchkey/", env!("CARGO_PKG_VERSION"));

/// The version that every living model answers; 2026-10-21 refuses sampling on all of them.
const ANTHROPIC_VERSION: &str = "2023-06-01";

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(base: &str) -> Result<String, EncodeError> {
        let base = Url::parse(base).unwrap();
        Endpoint::ChatCompletions
            .uri(&base)
            .map(|uri| uri.to_string())
    }

    #[test]
    fn the_path_is_put_after_the_base_whatever_its_last_slash() {
        for base in ["https://host/v1", "https://host/v1/"] {
            assert_eq!(uri(base).unwrap(), "https://host/v1/chat/completions");
        }
        assert_eq!(
            uri("https://host").unwrap(),
            "https://host/chat/completions"
        );
        assert_eq!(
            uri("http://127.0.0.1:8080/a/b").unwrap(),
            "http://127.0.0.1:8080/a/b/chat/completions"
        );
    }

    #[test]
    fn a_base_with_user_query_or_fragment_is_refused() {
        for base in [
            "https://user@host/v1",
            "https://user:password@host/v1",
            "https://host/v1?key=x",
            "https://host/v1#x",
            "ftp://host/v1",
            "mailto:x@host",
        ] {
            assert_eq!(uri(base).unwrap_err().field, "base_url", "{base}");
        }
    }

    #[test]
    fn one_sensitive_header_carries_the_key() {
        for (provider, name) in [
            (Provider::OpenAi, "authorization"),
            (Provider::Custom, "authorization"),
            (Provider::Anthropic, "x-api-key"),
        ] {
            let headers = headers(provider, "sk-secret", true).unwrap();
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
    fn a_key_with_a_line_break_is_refused_without_showing_it() {
        let error = headers(Provider::OpenAi, "sk-a\nb", true).unwrap_err();
        assert_eq!(error.field, "api_key");
        assert!(!error.to_string().contains("sk-a"));
    }
}
