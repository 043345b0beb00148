//! The target of a request: a provider, its address and a credential.

use latchkey_contract::ProviderId;
use url::Url;

/// A provider, its address and a credential. It has no `Debug`.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// The provider.
    pub provider: ProviderId,
    /// The base URL, such as `https://api.openai.com/v1`.
    pub base_url: &'a Url,
    /// The credential.
    pub credential: Credential<'a>,
    /// Vertex AI: the location, which paths repeat. Empty for other providers.
    pub location: &'a str,
    /// Vertex AI: the Google Cloud project. Empty for other providers.
    pub cloud_project: &'a str,
    /// Azure: the dated API version of the older addresses. Empty for the v1 API and for other
    /// providers.
    pub api_version: &'a str,
}

/// The credential of a request, which is sent in exactly one header.
#[derive(Clone, Copy)]
pub enum Credential<'a> {
    /// The provider's API key, in the provider's own header.
    ApiKey(&'a str),
    /// An OAuth 2.0 bearer token (RFC 6750) of a service account or an application.
    Bearer(&'a str),
    /// No credential, for custom endpoints that require none.
    None,
}

impl<'a> Target<'a> {
    /// A target without location, project and API version.
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
    /// An API key. An empty key is [`Credential::None`].
    pub fn api_key(key: &'a str) -> Self {
        if key.is_empty() {
            Self::None
        } else {
            Self::ApiKey(key)
        }
    }

    /// The secret, which must be redacted from texts.
    pub fn secret(self) -> &'a str {
        match self {
            Self::ApiKey(secret) | Self::Bearer(secret) => secret,
            Self::None => "",
        }
    }
}

/// The base URL of a location of Vertex AI: a region, `global`, or the multi-region `us` or `eu`.
/// None when the text is not a valid location, because it becomes part of the host name.
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
    fn a_location_becomes_part_of_the_host() {
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
    fn an_invalid_location_has_no_base_url() {
        for location in ["", "evil.example/", "Europe", "a@b", "x.y", &"a".repeat(33)] {
            assert!(vertex_base_url(location).is_none(), "{location}");
        }
    }
}
