//! Reads which models a request may be sent to: the one that it names, then its fallbacks.

use latchkey_contract::router::v1;
use latchkey_providers::catalogue::Catalogue;

use super::request::Fallbacks;
use crate::domain::model_target::{MAX_FALLBACKS, ModelTarget};
use crate::domain::target_fields::{InvalidField, TargetFields};
use crate::error::RouterError;

/// The model that the fields name. `field` is the path of a field by its name.
pub(super) fn target(
    fields: TargetFields<'_>,
    catalogue: &Catalogue,
    field: impl Fn(&str) -> String,
) -> Result<ModelTarget, RouterError> {
    let invalid = |error: InvalidField| RouterError::field(field(error.field), error.problem);
    let target = ModelTarget::parse(fields).map_err(invalid)?;
    match &target {
        // The key determines the provider. Without a model, keys of any provider have a default.
        ModelTarget {
            provider: None,
            key: None,
            model: Some(model),
        } => {
            let provider = catalogue.provider_of(model.as_str()).ok_or_else(|| {
                let problem =
                    "is required: the catalogue does not know which provider has the model";
                RouterError::field(field("provider"), problem)
            })?;
            Ok(ModelTarget {
                provider: Some(provider),
                ..target
            })
        }
        _ => Ok(target),
    }
}

/// The fallbacks of a request for an answer. A request that names a key falls back only to keys that it
/// names too.
pub(super) fn fallbacks(
    request: &v1::GenerateRequest,
    catalogue: &Catalogue,
) -> Result<Fallbacks, RouterError> {
    if request.fallbacks.len() > MAX_FALLBACKS {
        return Err(RouterError::field(
            "fallbacks",
            "must have at most 8 entries",
        ));
    }
    if request.no_fallback && !request.fallbacks.is_empty() {
        return Err(RouterError::field(
            "no_fallback",
            "must be unset when `fallbacks` has entries",
        ));
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
                let problem = "is required: the request names a key of another provider";
                return Err(RouterError::field(field("key"), problem));
            }
            ("", inherited) => inherited,
            (own, _) => own,
        };
        let (provider, model) = (fallback.provider.as_str(), fallback.model.as_str());
        if (provider, model, key) == ("", "", "") {
            let problem = "is required without a key or provider";
            return Err(RouterError::field(field("model"), problem));
        }
        let fields = TargetFields {
            provider,
            model,
            key,
        };
        targets.push(target(fields, catalogue, field)?);
    }
    Ok(Fallbacks::Given(targets))
}

#[cfg(test)]
mod tests {
    use latchkey_contract::{ProviderId, Reason};

    use super::*;

    fn read(provider: &str, model: &str, key: &str) -> Result<ModelTarget, String> {
        let fields = TargetFields {
            provider,
            model,
            key,
        };
        let target = target(fields, &Catalogue::builtin(), str::to_owned);
        target.map_err(|error| match error {
            RouterError::Field { field, .. } => field,
            error => panic!("{error}"),
        })
    }

    #[test]
    fn a_request_that_names_nothing_leaves_the_choice_to_the_vault() {
        let target = read("", "", "").unwrap();
        assert!(target.is_open() && target.model_depends_on_the_key());
        assert_eq!(target, ModelTarget::default());
    }

    #[test]
    fn a_key_or_a_provider_may_leave_the_rest_open() {
        let key = read("", "", "main").unwrap();
        assert_eq!(key.key, "main".parse().ok());
        let provider = read("openai", "", "").unwrap();
        assert_eq!(provider.provider, Some(ProviderId::OpenAi));
        let both = read("", "gpt-4.1", "main").unwrap();
        assert_eq!((both.provider, both.model), (None, "gpt-4.1".parse().ok()));
        assert!(!key.is_open() && !provider.is_open());
    }

    #[test]
    fn the_catalogue_determines_the_provider_of_a_model() {
        let target = read("", "gpt-4.1", "").unwrap();
        assert_eq!(target.provider, Some(ProviderId::OpenAi));
        assert_eq!(read("", "unknown-model", ""), Err("provider".to_owned()));
    }

    #[test]
    fn an_invalid_field_is_refused_by_its_name() {
        assert_eq!(read("unknown", "", ""), Err("provider".to_owned()));
        assert_eq!(read("openai", "a\nb", ""), Err("model".to_owned()));
        assert_eq!(read("openai", "", "No Key"), Err("key".to_owned()));
    }

    #[test]
    fn a_fallback_names_a_model_a_provider_or_a_key() {
        let request = |key: &str| v1::GenerateRequest {
            key: key.to_owned(),
            fallbacks: vec![v1::Fallback::default()],
            ..v1::GenerateRequest::default()
        };
        let catalogue = Catalogue::builtin();
        let refused = fallbacks(&request(""), &catalogue).unwrap_err();
        assert_eq!(refused.reason(), Reason::FieldInvalid);
        // The named key has a default model.
        assert!(fallbacks(&request("main"), &catalogue).is_ok());
    }
}
