//! The addresses that Azure's portal shows, taken apart: the resource's own, and the longer ones that
//! name an interface, a deployment and a version too.
//!
//! The path before the segment `openai` belongs to the resource, or to a gateway in front of it. A
//! router writes the rest of the path by itself.

use url::Url;

use super::ApiVersion;

/// The reason for which an address is not one of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AzureAddressError {
    /// Not a version.
    #[error("has an invalid api-version: use YYYY-MM-DD, YYYY-MM-DD-preview or v1")]
    ApiVersion,
    /// The v1 interface has no dated versions.
    #[error("names the v1 interface and a dated api-version: remove one of the two")]
    Contradiction,
    /// The name of the deployment is malformed.
    #[error("names an invalid deployment: use the form [A-Za-z0-9_.-]{{1,64}}")]
    Deployment,
    /// Azure has no such path.
    #[error("has an unknown path after `openai`: give the resource's endpoint alone")]
    Path,
    /// The query holds another parameter.
    #[error("must have nothing but api-version in its query")]
    Query,
}

/// The parts of an address.
pub(super) struct Parts {
    /// The resource's own address.
    pub(super) resource: Url,
    /// The version, if one is named.
    pub(super) api_version: Option<ApiVersion>,
    /// The deployment, if one is named.
    pub(super) deployment: Option<String>,
}

impl Parts {
    /// An address of the resource alone.
    pub(super) fn whole(resource: Url) -> Self {
        Self {
            resource,
            api_version: None,
            deployment: None,
        }
    }
}

/// The first segments of operations, which may follow the interface.
const OPERATIONS: [&str; 9] = [
    "audio",
    "batches",
    "chat",
    "completions",
    "embeddings",
    "files",
    "images",
    "models",
    "responses",
];

/// The path after the segment `openai`.
enum Interface<'a> {
    Deployment(&'a str),
    Unsaid,
    V1,
}

pub(super) fn take_apart(url: &Url) -> Result<Parts, AzureAddressError> {
    let queried = version_of(url)?;
    let segments: Vec<_> = url
        .path()
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    let mut interfaces = segments
        .iter()
        .enumerate()
        .filter(|(_, segment)| **segment == "openai")
        .filter_map(|(at, _)| Some((at, Interface::of(&segments[at + 1..])?)));
    let (length, interface) = match interfaces.next() {
        Some(interface) => interface,
        None if segments.contains(&"openai") => return Err(AzureAddressError::Path),
        None => (segments.len(), Interface::Unsaid),
    };
    let (api_version, deployment) = match (interface, queried) {
        (Interface::V1, Some(ApiVersion::Dated(_))) => {
            return Err(AzureAddressError::Contradiction);
        }
        (Interface::V1, _) => (Some(ApiVersion::V1), None),
        (Interface::Deployment(name), queried) => {
            let name = is_deployment(name).then(|| name.to_owned());
            (queried, Some(name.ok_or(AzureAddressError::Deployment)?))
        }
        (Interface::Unsaid, queried) => (queried, None),
    };
    let path = segments[..length].join("/");
    let mut resource = url.clone();
    resource.set_path(&path);
    resource.set_query(None);
    Ok(Parts {
        resource,
        api_version,
        deployment,
    })
}

impl<'a> Interface<'a> {
    fn of(rest: &[&'a str]) -> Option<Self> {
        let operation = |rest: &[&str]| rest.first().is_none_or(|first| OPERATIONS.contains(first));
        match rest {
            ["v1", rest @ ..] if operation(rest) => Some(Self::V1),
            ["deployments", name, rest @ ..] if operation(rest) => Some(Self::Deployment(name)),
            rest if operation(rest) => Some(Self::Unsaid),
            _ => None,
        }
    }
}

fn version_of(url: &Url) -> Result<Option<ApiVersion>, AzureAddressError> {
    let mut version = None;
    for (name, value) in url.query_pairs() {
        if name != "api-version" || version.is_some() {
            return Err(AzureAddressError::Query);
        }
        version = Some(match &*value {
            // The v1 interface's own names for its current and its next state.
            "latest" | "preview" => ApiVersion::V1,
            value => ApiVersion::parse(value)
                .ok()
                .flatten()
                .ok_or(AzureAddressError::ApiVersion)?,
        });
    }
    Ok(version)
}

/// Whether a text can be the name of a deployment: `[A-Za-z0-9_.-]{1,64}`. It becomes part of a path.
pub(in crate::domain) fn is_deployment(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
        // These would change the path.
        && text != "."
        && text != ".."
}
