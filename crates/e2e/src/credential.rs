//! The key that a request to a provider carries.

use http::HeaderMap;

/// The headers in which providers expect the key. A bearer token stands behind its scheme.
const HEADERS: [&str; 4] = ["authorization", "x-api-key", "x-goog-api-key", "api-key"];

/// The key, in whichever header; empty when there is none.
pub(crate) fn shown(headers: &HeaderMap) -> String {
    let value = HEADERS
        .iter()
        .filter_map(|name| headers.get(*name))
        .find_map(|value| value.to_str().ok())
        .unwrap_or_default();
    value.strip_prefix("Bearer ").unwrap_or(value).to_owned()
}
