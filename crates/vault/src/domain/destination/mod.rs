//! The destination of a key. It is fixed when the material is stored: a caller who could redirect a
//! stored key to another host could read it.

mod azure;
mod base_url;

use latchkey_contract::ProviderId;
use latchkey_egress::EgressPolicy;

pub use azure::AzureAddressError;
pub(super) use azure::is_deployment;
pub use base_url::BaseUrlError;

use super::material::{Material, is_cloud_project};
use super::settings::FieldError;
use base_url::BaseUrl;

/// A base address that the egress policy allows, or the provider's own public address, and the other
/// parts of an address. Texts that a provider has no use for are empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Destination {
    base_url: Box<str>,
    location: Box<str>,
    cloud_project: Box<str>,
    api_version: Box<str>,
}

/// The destination as an owner gives it. An empty text stands for no value.
#[derive(Clone, Copy, Debug, Default)]
pub struct Directions<'a> {
    /// The base address.
    pub base_url: &'a str,
    /// Vertex's region.
    pub location: &'a str,
    /// The Google Cloud project whose models are called.
    pub cloud_project: &'a str,
    /// Azure's dated version, or `v1` for none.
    pub api_version: &'a str,
}

/// A destination, and the deployment that its address names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Located {
    /// The destination.
    pub destination: Destination,
    /// The deployment that an Azure address names.
    pub deployment: Option<String>,
}

/// The reason for which a destination is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DestinationError {
    /// The base address is not allowed.
    #[error("base_url {0}")]
    BaseUrl(BaseUrlError),
    /// Another field is malformed, missing, or of no use to the provider.
    #[error(transparent)]
    Field(#[from] FieldError),
}

/// The version of Azure's interface.
#[derive(Clone, Debug, Eq, PartialEq)]
enum ApiVersion {
    Dated(Box<str>),
    V1,
}

impl From<BaseUrlError> for DestinationError {
    fn from(error: BaseUrlError) -> Self {
        Self::BaseUrl(error)
    }
}

impl Destination {
    /// Reads directions to a new destination.
    pub fn parse(
        directions: &Directions<'_>,
        provider: ProviderId,
        policy: &EgressPolicy,
    ) -> Result<Located, DestinationError> {
        Self::default().redirect(directions, provider, policy)
    }

    /// This destination, with the given directions in place of its own.
    pub fn redirect(
        &self,
        directions: &Directions<'_>,
        provider: ProviderId,
        policy: &EgressPolicy,
    ) -> Result<Located, DestinationError> {
        check_use(directions, provider)?;
        let mut next = self.clone();
        let mut deployment = None;
        let mut api_version = ApiVersion::parse(directions.api_version)?;
        if !directions.base_url.is_empty() {
            let parsed = BaseUrl::parse(directions.base_url, provider, policy)?;
            next.base_url = parsed.address;
            deployment = parsed.deployment;
            api_version = agreed(api_version, parsed.api_version)?;
        }
        match api_version {
            Some(ApiVersion::Dated(date)) => next.api_version = date,
            Some(ApiVersion::V1) => next.api_version = Box::default(),
            None => {}
        }
        if !directions.location.is_empty() {
            next.location = directions.location.into();
        }
        if !directions.cloud_project.is_empty() {
            next.cloud_project = directions.cloud_project.into();
        }
        next.check_complete(provider)?;
        Ok(Located {
            destination: next,
            deployment,
        })
    }

    /// A stored destination. Its row must have passed the integrity check.
    pub fn from_row(
        base_url: String,
        location: String,
        cloud_project: String,
        api_version: String,
    ) -> Self {
        Self {
            base_url: base_url.into(),
            location: location.into(),
            cloud_project: cloud_project.into(),
            api_version: api_version.into(),
        }
    }

    /// The base address, or an empty text for the provider's own.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Vertex's region, or an empty text.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// The Google Cloud project, or an empty text for the material's own or none.
    pub fn cloud_project(&self) -> &str {
        &self.cloud_project
    }

    /// The Google Cloud project that is called with `material`, or an empty text for none.
    pub fn cloud_project_with<'a>(&'a self, material: &'a Material) -> &'a str {
        match self.cloud_project() {
            "" => material.cloud_project().unwrap_or_default(),
            project => project,
        }
    }

    /// Azure's dated version, or an empty text for its v1 interface and for other providers.
    pub fn api_version(&self) -> &str {
        &self.api_version
    }

    fn check_complete(&self, provider: ProviderId) -> Result<(), DestinationError> {
        let homeless = matches!(provider, ProviderId::Azure | ProviderId::Custom);
        if homeless && self.base_url.is_empty() {
            return Err(BaseUrlError::Missing.into());
        }
        if provider == ProviderId::Vertex && self.location.is_empty() {
            let problem = "is required for this provider: a region, or `global`, `us`, `eu`";
            return Err(FieldError::new("location", problem).into());
        }
        Ok(())
    }
}

impl ApiVersion {
    fn parse(text: &str) -> Result<Option<Self>, FieldError> {
        match text {
            "" => Ok(None),
            "v1" => Ok(Some(Self::V1)),
            date if is_dated(date) => Ok(Some(Self::Dated(date.into()))),
            _ => {
                let problem = "must have the form YYYY-MM-DD or YYYY-MM-DD-preview; empty means v1";
                Err(FieldError::new("api_version", problem))
            }
        }
    }
}

/// Refuses a field that the provider has no use for, or that can't be part of an address.
fn check_use(directions: &Directions<'_>, provider: ProviderId) -> Result<(), FieldError> {
    for (field, given, users) in [
        ("location", directions.location, ProviderId::Vertex),
        (
            "cloud_project",
            directions.cloud_project,
            ProviderId::Vertex,
        ),
        ("api_version", directions.api_version, ProviderId::Azure),
    ] {
        if !given.is_empty() && provider != users {
            return Err(FieldError::new(field, "has no use for this provider"));
        }
    }
    if !directions.location.is_empty() && !is_location(directions.location) {
        let problem = "must have the form [a-z0-9-]{1,32}";
        return Err(FieldError::new("location", problem));
    }
    if !directions.cloud_project.is_empty() && !is_cloud_project(directions.cloud_project) {
        let problem = "must have the form [a-z0-9:.-]{4,63}";
        return Err(FieldError::new("cloud_project", problem));
    }
    Ok(())
}

/// The version that the field and the address agree on, or that either of them names.
fn agreed(
    field: Option<ApiVersion>,
    address: Option<ApiVersion>,
) -> Result<Option<ApiVersion>, FieldError> {
    match (field, address) {
        (Some(field), Some(address)) if field != address => {
            let problem = "differs from the version in base_url: give one of the two";
            Err(FieldError::new("api_version", problem))
        }
        (field, address) => Ok(field.or(address)),
    }
}

/// A region becomes part of a host name.
fn is_location(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=32).contains(&text.len()) && text.chars().all(inner)
}

/// `2024-10-21`, `2025-04-01-preview`.
fn is_dated(text: &str) -> bool {
    let date = text.strip_suffix("-preview").unwrap_or(text);
    let parts: Vec<_> = date.split('-').collect();
    let [year, month, day] = parts[..] else {
        return false;
    };
    let number = |text: &str, length: usize| {
        let digits = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|_| digits)
    };
    number(year, 4).is_some()
        && number(month, 2).is_some_and(|month| (1..=12).contains(&month))
        && number(day, 2).is_some_and(|day| (1..=31).contains(&day))
}

#[cfg(test)]
mod tests;
