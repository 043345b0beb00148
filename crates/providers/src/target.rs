//! Where a request goes, and as whom.

use latchkey_contract::ProviderId;
use url::Url;

/// A provider's address with what it depends on, and a credential. It has no `Debug`.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// Whom to ask.
    pub provider: ProviderId,
    /// Where: the endpoint's beginning, such as `https://api.openai.com/v1`.
    pub base_url: &'a Url,
    /// As whom.
    pub credential: Credential<'a>,
    /// Vertex: the region, which paths name again. Else empty.
    pub location: &'a str,
    /// Vertex: the project of Google Cloud. Else empty.
    pub cloud_project: &'a str,
    /// Azure: the dated version of the older addresses; empty for the v1 API. Else empty.
    pub api_version: &'a str,
}

/// What proves who asks. Exactly one header carries it.
#[derive(Clone, Copy)]
pub enum Credential<'a> {
    /// The provider's own kind of key, in the provider's own header.
    ApiKey(&'a str),
    /// A token of OAuth 2.0 (RFC 6750), got for a service account or an application.
    Bearer(&'a str),
    /// Nothing; some custom endpoints want none.
    None,
}

impl<'a> Target<'a> {
    /// A provider at an address that depends on nothing else.
    pub fn new(provider: ProviderId, base_url: &'a Url, credential: Credential<'a>) -> Self {
        Self {
            provider,
            base_url,
            credential,
            location: "",
            cloud_project: "",
            api_version: "",
        }
    }
}

impl<'a> Credential<'a> {
    /// A key; an empty one is none.
    pub fn api_key(key: &'a str) -> Self {
        if key.is_empty() {
            Self::None
        } else {
            Self::ApiKey(key)
        }
    }

    /// The secret, for taking it out of texts.
    pub fn secret(self) -> &'a str {
        match self {
            Self::ApiKey(secret) | Self::Bearer(secret) => secret,
            Self::None => "",
        }
    }
}

/// Where Vertex AI serves a location: a region, `global`, or one of the multi-regions `us` and `eu`.
/// None when the text is no location: it becomes part of a host's name.
pub fn vertex_base_url(location: &str) -> Option<Url> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if location.is_empty() || location.len() > 32 || !location.bytes().all(allowed) {
        return None;
    }
    let url = match location {
        "global" => "https://aiplatform.googleapis.com".to_owned(),
        "us" | "eu" => format!("https://aiplatform.{location}.rep.googleapis.com"),
        region => format!("https://{region}-aiplatform.googleapis.com"),
    };
    url.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_becomes_a_host() {
        for (location, host) in [
            ("global", "aiplatform.googleapis.com"),
            ("eu", "aiplatform.eu.rep.googleapis.com"),
            ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
        ] {
            let url = vertex_base_url(location).unwrap();
            assert_eq!(url.host_str(), Some(host));
        }
    }

    #[test]
    fn what_is_no_location_becomes_no_host() {
        for location in ["", "evil.example/", "Europe", "a@b", "x.y", &"a".repeat(33)] {
            assert!(vertex_base_url(location).is_none(), "{location}");
        }
    }
}
