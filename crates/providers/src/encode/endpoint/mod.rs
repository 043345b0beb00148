//! Where a request goes and which headers it carries.

mod headers;
mod path;

use http::Uri;
use url::Url;

use super::{EncodeError, EncodeErrorKind, refuse};
use crate::{Api, Target};

pub(crate) use headers::{JSON, USER_AGENT, headers};

/// What is asked of a provider. Models are named as the provider does; at Azure, by deployment.
#[derive(Clone, Copy)]
pub(crate) enum Endpoint<'a> {
    /// What checks a key and costs nothing.
    Check,
    /// The size of a prompt.
    CountTokens { api: Api, model: &'a str },
    /// Vectors. Google has several methods for them; others have none to choose from.
    Embed {
        model: &'a str,
        method: &'static str,
    },
    /// An answer.
    Generate {
        api: Api,
        model: &'a str,
        stream: bool,
    },
    /// Pictures.
    Images { model: &'a str },
    /// A page of the list of models; the first one's token is empty.
    Models { page_token: &'a str },
}

impl Endpoint<'_> {
    /// The URL below the base that the provider, the operator or the customer gave. `/v1` is never
    /// added to a custom one.
    pub(crate) fn uri(self, target: &Target<'_>) -> Result<Uri, EncodeError> {
        let path = path::path(self, target)?;
        below("base_url", target.base_url, &path)
    }
}

/// A path below a URL that somebody gave in a field.
pub(crate) fn below(field: &'static str, base: &Url, path: &str) -> Result<Uri, EncodeError> {
    let clean = matches!(base.scheme(), "https" | "http")
        && base.query().is_none()
        && base.fragment().is_none()
        && base.username().is_empty()
        && base.password().is_none();
    if !clean {
        return refuse(
            field,
            EncodeErrorKind::Invalid,
            "must be an http or https URL without user, query or fragment",
        );
    }
    let base = base.as_str().trim_end_matches('/');
    let mut text = String::with_capacity(base.len() + path.len());
    text.push_str(base);
    text.push_str(path);
    match Uri::try_from(text) {
        Ok(uri) => Ok(uri),
        Err(_) => refuse(field, EncodeErrorKind::Invalid, "is not a URL"),
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
}
