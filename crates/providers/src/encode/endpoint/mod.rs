//! The URL and headers of a request.

mod headers;
mod path;

use http::Uri;
use url::Url;

use super::{EncodeError, EncodeErrorKind, refuse};
use crate::{Api, Target};

pub(crate) use headers::{JSON, USER_AGENT, headers};

/// An operation of a provider's API. Models have the provider's name; at Azure, the name of the
/// deployment.
#[derive(Clone, Copy)]
pub(crate) enum Endpoint<'a> {
    /// A key check, free of charge.
    Check,
    /// Counts the tokens of a prompt.
    CountTokens { api: Api, model: &'a str },
    /// Computes embeddings. `method` is the name of the method at Google; other providers have one
    /// only.
    Embed {
        model: &'a str,
        method: &'static str,
    },
    /// Generates an answer.
    Generate {
        api: Api,
        model: &'a str,
        stream: bool,
    },
    /// Generates images.
    Images { model: &'a str },
    /// Lists models, one page at a time. The token of the first page is empty.
    Models { page_token: &'a str },
}

impl Endpoint<'_> {
    /// The URL of the operation below the target's base URL. `/v1` is never added to a custom base
    /// URL.
    pub(crate) fn uri(self, target: &Target<'_>) -> Result<Uri, EncodeError> {
        let path = path::path(self, target)?;
        join("base_url", target.base_url, &path)
    }
}

/// Appends a path to a base URL. `field` names the base URL in errors.
pub(crate) fn join(field: &'static str, base: &Url, path: &str) -> Result<Uri, EncodeError> {
    let clean = matches!(base.scheme(), "https" | "http")
        && base.query().is_none()
        && base.fragment().is_none()
        && base.username().is_empty()
        && base.password().is_none();
    if !clean {
        return refuse(
            field,
            EncodeErrorKind::Invalid,
            "must be an http or https URL without user, query and fragment",
        );
    }
    let base = base.as_str().trim_end_matches('/');
    let mut text = String::with_capacity(base.len() + path.len());
    text.push_str(base);
    text.push_str(path);
    match Uri::try_from(text) {
        Ok(uri) => Ok(uri),
        Err(_) => refuse(field, EncodeErrorKind::Invalid, "must be a valid URL"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Credential;
    use latchkey_contract::ProviderId;

    const CHAT: Endpoint<'static> = Endpoint::Generate {
        api: Api::ChatCompletions,
        model: "m",
        stream: false,
    };

    fn uri(base: &str) -> Result<String, EncodeError> {
        let base = Url::parse(base).unwrap();
        let target = Target::new(ProviderId::OpenAi, &base, Credential::None);
        CHAT.uri(&target).map(|uri| uri.to_string())
    }

    #[test]
    fn a_trailing_slash_of_the_base_url_makes_no_difference() {
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
}
