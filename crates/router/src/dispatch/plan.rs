//! Whom a request may be put to, in order: the model that it names, then its fallbacks.

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1;
use latchkey_providers::catalogue::Catalogue;

use super::MAX_NAME_BYTES;
use crate::domain::fallback::{Fallback, MAX_FALLBACKS};
use crate::error::RouterError;
use crate::keys::Lease;

/// One model to ask: what of it the request says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct ModelTarget {
    /// A provider id; empty when the key tells, be it the vault's choice.
    pub(super) provider: String,
    /// A model; empty when the key has a default.
    pub(super) model: String,
    /// A key and no other; empty for the vault's choice.
    pub(super) key: String,
}

impl ModelTarget {
    /// What a request says, by the names of its fields.
    pub(super) fn new(
        (provider, model, key): (&str, &str, &str),
        catalogue: &Catalogue,
        field: impl Fn(&str) -> String,
    ) -> Result<Self, RouterError> {
        if model.len() > MAX_NAME_BYTES || model.contains(char::is_control) {
            let problem = "must be at most 256 bytes, none of them a control character";
            return Err(RouterError::field(field("model"), problem));
        }
        let provider = match provider {
            "" if !key.is_empty() => String::new(),
            // Keys of any provider have a default.
            "" if model.is_empty() => String::new(),
            "" => {
                let problem = "is required: the catalogue does not know whose the model is";
                let known = catalogue.provider_of(model);
                let known = known.ok_or_else(|| RouterError::field(field("provider"), problem))?;
                known.as_str().to_owned()
            }
            text => match text.parse::<ProviderId>() {
                Ok(provider) => provider.as_str().to_owned(),
                Err(error) => return Err(RouterError::field(field("provider"), error)),
            },
        };
        Ok(Self {
            provider,
            model: model.to_owned(),
            key: key.to_owned(),
        })
    }

    /// Whether anybody may answer: keys of several providers, each with its default model.
    pub(super) fn is_open(&self) -> bool {
        self.provider.is_empty() && self.key.is_empty()
    }

    /// The model to ask for with a key: the one that is named, else the key's default.
    pub(super) fn model<'a>(&'a self, lease: &'a Lease) -> &'a str {
        match self.model.as_str() {
            "" => lease.default_model(),
            model => model,
        }
    }
}

/// The fallbacks that a request brings, or may take from its workspace.
pub(super) enum Fallbacks {
    /// These, which may be none.
    Given(Vec<ModelTarget>),
    /// Its workspace's.
    OfTheWorkspace,
}

/// What a request for an answer says of fallbacks. A request that names a key is answered with it, or
/// with others that it names.
pub(super) fn fallbacks(
    request: &v1::GenerateRequest,
    catalogue: &Catalogue,
) -> Result<Fallbacks, RouterError> {
    if request.fallbacks.len() > MAX_FALLBACKS {
        return Err(RouterError::field("fallbacks", "has more than 8"));
    }
    if request.no_fallback && !request.fallbacks.is_empty() {
        return Err(RouterError::field("no_fallback", "excludes fallbacks"));
    }
    if request.fallbacks.is_empty() {
        return Ok(if request.no_fallback || !request.key.is_empty() {
            Fallbacks::Given(Vec::new())
        } else {
            Fallbacks::OfTheWorkspace
        });
    }
    let mut targets = Vec::with_capacity(request.fallbacks.len());
    for (index, fallback) in request.fallbacks.iter().enumerate() {
        let field = |name: &str| format!("fallbacks[{index}].{name}");
        let same_provider = fallback.provider.is_empty() || fallback.provider == request.provider;
        let key = match (fallback.key.as_str(), request.key.as_str()) {
            ("", "") => "",
            ("", _) if !same_provider => {
                let problem = "is required: the request names a key, of another provider";
                return Err(RouterError::field(field("key"), problem));
            }
            ("", inherited) => inherited,
            (named, _) => named,
        };
        let said = (fallback.provider.as_str(), fallback.model.as_str(), key);
        if said == ("", "", "") {
            return Err(RouterError::field(
                field("model"),
                "is required without a key or provider",
            ));
        }
        targets.push(ModelTarget::new(said, catalogue, field)?);
    }
    Ok(Fallbacks::Given(targets))
}

/// The workspace's fallbacks. The vault has checked them; one that this router does not know is left
/// out.
pub(super) fn of_the_workspace(fallbacks: &[Fallback]) -> Vec<ModelTarget> {
    let known = fallbacks
        .iter()
        .filter(|fallback| fallback.provider.parse::<ProviderId>().is_ok());
    known
        .map(|fallback| ModelTarget {
            provider: fallback.provider.clone(),
            model: fallback.model.clone(),
            key: fallback.key.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use latchkey_contract::Reason;

    use super::*;

    fn target(said: (&str, &str, &str)) -> Result<ModelTarget, String> {
        let target = ModelTarget::new(said, &Catalogue::builtin(), str::to_owned);
        target.map_err(|error| match error {
            RouterError::Field { field, .. } => field,
            error => panic!("{error}"),
        })
    }

    #[test]
    fn a_request_that_says_nothing_leaves_everything_to_the_vault() {
        let anything = target(("", "", "")).unwrap();
        assert!(anything.is_open());
        assert_eq!((&*anything.provider, &*anything.model), ("", ""));
    }

    #[test]
    fn a_key_or_a_provider_may_tell_the_rest() {
        for said in [
            ("", "", "main"),
            ("openai", "", ""),
            ("", "gpt-4.1", "main"),
        ] {
            let target = target(said).unwrap();
            assert_eq!((&*target.provider, &*target.model, &*target.key), said);
            assert!(!target.is_open());
        }
    }

    #[test]
    fn the_catalogue_tells_whose_a_model_is() {
        assert_eq!(target(("", "gpt-4.1", "")).unwrap().provider, "openai");
        assert_eq!(target(("", "nobodys", "")).unwrap_err(), "provider");
    }

    #[test]
    fn a_fallback_says_something() {
        let request = |key: &str| v1::GenerateRequest {
            key: key.to_owned(),
            fallbacks: vec![v1::Fallback::default()],
            ..v1::GenerateRequest::default()
        };
        let catalogue = Catalogue::builtin();
        let refused = fallbacks(&request(""), &catalogue).err().unwrap();
        assert_eq!(refused.reason(), Reason::FieldInvalid);
        // The named key has a default model.
        assert!(fallbacks(&request("main"), &catalogue).is_ok());
    }
}
