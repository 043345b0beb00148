//! The settings of a key, and their bounds.

use std::collections::BTreeMap;

use latchkey_clock::Timestamp;
use latchkey_contract::ProviderId;
use latchkey_contract::names::KeyParent;

use super::destination::is_deployment;
use super::funding::Narrowing;

/// A setting that is not valid.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct FieldError {
    /// The field's path in the message, such as `key.priority`.
    pub field: String,
    /// The problem, as the rest of a sentence about the field.
    pub problem: &'static str,
}

impl FieldError {
    /// An error of the field at `path`.
    pub fn new(path: impl Into<String>, problem: &'static str) -> Self {
        Self {
            field: path.into(),
            problem,
        }
    }
}

/// The settings of a key.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct KeySettings {
    /// For people.
    pub display_name: String,
    /// The model of a request that names none; empty for none.
    pub default_model: String,
    /// When not empty, the only models it serves.
    pub allowed_models: Vec<String>,
    /// Models it never serves.
    pub denied_models: Vec<String>,
    /// Lower is tried first.
    pub priority: u32,
    /// Share of calls among keys of equal priority; at least 1.
    pub weight: u32,
    /// The time from which the key is not used.
    pub expire_time: Option<Timestamp>,
    /// For people and their tools.
    pub labels: BTreeMap<String, String>,
    /// Azure's deployments, by the model that each serves.
    pub deployments: BTreeMap<String, String>,
    /// The key's funding policy.
    pub funding: Narrowing,
    /// When not empty, the only callers it serves.
    pub allowed_callers: Vec<String>,
    /// The provider's retention of calls with the key.
    pub retention: Retention,
}

/// The retention of calls with a key by its provider.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Retention {
    /// The provider's usual retention.
    #[default]
    Default,
    /// No retention, by an agreement with the provider.
    Zero,
}

impl Retention {
    /// The word for it in rows; empty for the default.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "",
            Self::Zero => "zero",
        }
    }

    /// The retention that a row names.
    pub fn from_row(text: &str) -> Option<Self> {
        [Self::Default, Self::Zero]
            .into_iter()
            .find(|retention| retention.as_str() == text)
    }
}

/// The longest display name and label value, in characters.
pub const MAX_TEXT: usize = 63;
const MAX_MODEL_BYTES: usize = 256;
const MAX_PATTERNS: usize = 256;
/// As a SPIFFE ID (SPIFFE-ID, section 2.3: at most 2,048 bytes).
const MAX_CALLER_BYTES: usize = 2_048;
const MAX_LABELS: usize = 64;
const MAX_DEPLOYMENTS: usize = 256;
const MAX_NUMBER: u32 = 1_000_000;

impl KeySettings {
    /// Checks the bounds.
    pub fn checked(self) -> Result<Self, FieldError> {
        check_display_name("key.display_name", &self.display_name)?;
        check_model("key.default_model", &self.default_model)?;
        check_patterns("key.allowed_models", &self.allowed_models)?;
        check_patterns("key.denied_models", &self.denied_models)?;
        for (field, number) in [("key.priority", self.priority), ("key.weight", self.weight)] {
            if number > MAX_NUMBER {
                return Err(FieldError::new(field, "must be from 0 to 1,000,000"));
            }
        }
        check_callers(&self.allowed_callers)?;
        check_labels(&self.labels)?;
        check_deployments(&self.deployments)?;
        Ok(self)
    }

    /// Refuses a setting that `provider` has no use for.
    pub fn check_use(&self, provider: ProviderId) -> Result<(), FieldError> {
        if provider != ProviderId::Azure && !self.deployments.is_empty() {
            return Err(FieldError::new(
                "key.deployments",
                "has no use for this provider",
            ));
        }
        Ok(())
    }

    /// Refuses what a key of `parent` has no use for: the platform funds its own keys.
    pub fn check_parent(&self, parent: &KeyParent) -> Result<(), FieldError> {
        if *parent == KeyParent::Platform && self.funding != Narrowing::default() {
            let problem = "has no use for a key of the platform";
            return Err(FieldError::new("key.funding", problem));
        }
        Ok(())
    }

    /// Whether a model of the key leads to the deployment.
    pub fn lead_to(&self, deployment: &str) -> bool {
        let default = &self.default_model;
        let default = self.deployments.get(default).unwrap_or(default);
        default == deployment || self.deployments.values().any(|named| named == deployment)
    }

    /// Whether the key's lists allow `model`. A denial wins.
    pub fn serves(&self, model: &str) -> bool {
        models_allow(&self.allowed_models, &self.denied_models, model)
    }

    /// Whether the key may serve a caller. An unnamed caller matches no pattern.
    pub fn serves_caller(&self, caller: &str) -> bool {
        let mut allowed = self.allowed_callers.iter();
        self.allowed_callers.is_empty()
            || (!caller.is_empty() && allowed.any(|pattern| covers(pattern, caller)))
    }
}

/// Whether two lists allow a model. An empty `allowed` list allows all; a denial wins.
pub fn models_allow(allowed: &[String], denied: &[String], model: &str) -> bool {
    let listed = |patterns: &[String]| patterns.iter().any(|pattern| covers(pattern, model));
    !listed(denied) && (allowed.is_empty() || listed(allowed))
}

/// Checks the bounds of a display name.
pub fn check_display_name(field: &str, text: &str) -> Result<(), FieldError> {
    if text.chars().count() > MAX_TEXT {
        return Err(FieldError::new(field, "must have at most 63 characters"));
    }
    if text.chars().any(char::is_control) {
        return Err(FieldError::new(field, "must not hold control characters"));
    }
    Ok(())
}

fn covers(pattern: &str, model: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => model.starts_with(prefix),
        None => model == pattern,
    }
}

/// Checks the bounds of a model's name. An empty name passes.
pub(super) fn check_model(field: &str, model: &str) -> Result<(), FieldError> {
    if model.len() > MAX_MODEL_BYTES || model.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(FieldError::new(
            field,
            "must have at most 256 characters and no white space",
        ));
    }
    Ok(())
}

/// Checks the bounds of a list of models.
pub(super) fn check_patterns(field: &str, patterns: &[String]) -> Result<(), FieldError> {
    if patterns.len() > MAX_PATTERNS {
        return Err(FieldError::new(field, "must have at most 256 entries"));
    }
    for (index, pattern) in patterns.iter().enumerate() {
        let field = format!("{field}[{index}]");
        let body = pattern.strip_suffix('*').unwrap_or(pattern);
        if pattern.is_empty() || body.contains('*') {
            let problem = "must be a model, or a prefix with one `*` at its end";
            return Err(FieldError::new(field, problem));
        }
        check_model(&field, pattern)?;
    }
    Ok(())
}

fn check_callers(patterns: &[String]) -> Result<(), FieldError> {
    const FIELD: &str = "key.allowed_callers";
    if patterns.len() > MAX_PATTERNS {
        return Err(FieldError::new(FIELD, "must have at most 256 entries"));
    }
    for (index, pattern) in patterns.iter().enumerate() {
        let body = pattern.strip_suffix('*').unwrap_or(pattern);
        let form = body.starts_with("spiffe://") || body.starts_with("token:");
        let printable = !body.chars().any(|c| c.is_control() || c.is_whitespace());
        if !form || !printable || body.contains('*') || body.len() > MAX_CALLER_BYTES {
            let problem =
                "must be a SPIFFE ID or token:{name}, or a prefix of one with one `*` at its end";
            return Err(FieldError::new(format!("{FIELD}[{index}]"), problem));
        }
    }
    Ok(())
}

fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), FieldError> {
    if labels.len() > MAX_LABELS {
        return Err(FieldError::new(
            "key.labels",
            "must have at most 64 entries",
        ));
    }
    for (name, value) in labels {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
        let named = name.len() <= MAX_TEXT
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(inner);
        if !named {
            let problem = "must have keys of the form [a-z][a-z0-9_-]{0,62}";
            return Err(FieldError::new("key.labels", problem));
        }
        check_display_name(&format!("key.labels[{name}]"), value)?;
    }
    Ok(())
}

fn check_deployments(deployments: &BTreeMap<String, String>) -> Result<(), FieldError> {
    let refuse = |problem| Err(FieldError::new("key.deployments", problem));
    if deployments.len() > MAX_DEPLOYMENTS {
        return refuse("must have at most 256 entries");
    }
    for (model, deployment) in deployments {
        if model.is_empty() {
            return refuse("must name the model of each deployment");
        }
        check_model("key.deployments", model)?;
        if !is_deployment(deployment) {
            let problem = "must be a deployment of the form [A-Za-z0-9_.-]{1,64}";
            let field = format!("key.deployments[{model}]");
            return Err(FieldError::new(field, problem));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn models(patterns: &[&str]) -> Vec<String> {
        patterns.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_key_without_lists_serves_every_model() {
        assert!(KeySettings::default().serves("gpt-5.4"));
    }

    #[test]
    fn a_denied_model_is_not_served_though_it_is_allowed() {
        let settings = KeySettings {
            allowed_models: models(&["gpt-5*"]),
            denied_models: models(&["gpt-5.5"]),
            ..KeySettings::default()
        };
        assert!(settings.serves("gpt-5.4"));
        assert!(!settings.serves("gpt-5.5"));
        assert!(!settings.serves("gpt-4o"));
    }

    #[test]
    fn an_error_names_the_entry() {
        let settings = KeySettings {
            allowed_models: models(&["gpt-5*", "a*b"]),
            ..KeySettings::default()
        };
        assert_eq!(
            settings.checked().unwrap_err().field,
            "key.allowed_models[1]"
        );
    }

    #[test]
    fn labels_have_bounds() {
        let labels = |name: &str| BTreeMap::from([(name.to_owned(), String::new())]);
        for name in ["", "Team", "1team", "te am"] {
            let settings = KeySettings {
                labels: labels(name),
                ..KeySettings::default()
            };
            assert!(settings.checked().is_err(), "{name}");
        }
        let settings = KeySettings {
            labels: labels("cost-center"),
            ..KeySettings::default()
        };
        assert!(settings.checked().is_ok());
    }

    #[test]
    fn deployments_have_bounds() {
        let problem = |model: &str, deployment: &str| {
            let settings = KeySettings {
                deployments: BTreeMap::from([(model.to_owned(), deployment.to_owned())]),
                ..KeySettings::default()
            };
            settings.checked().err().map(|error| error.field)
        };
        assert_eq!(problem("gpt-5.4", "Prod_gpt-5.4"), None);
        let long = "d".repeat(65);
        for deployment in ["", "a/b", "a b", "..", long.as_str()] {
            let field = problem("gpt-5.4", deployment);
            assert_eq!(field.as_deref(), Some("key.deployments[gpt-5.4]"));
        }
        for model in ["", "gpt 5", &"m".repeat(257)] {
            let field = problem(model, "prod");
            assert_eq!(field.as_deref(), Some("key.deployments"));
        }
        let deployments = (0..257).map(|n| (format!("m{n}"), "d".to_owned()));
        let settings = KeySettings {
            deployments: deployments.collect(),
            ..KeySettings::default()
        };
        assert_eq!(settings.checked().unwrap_err().field, "key.deployments");
    }

    #[test]
    fn deployments_are_azures_alone() {
        let settings = KeySettings {
            deployments: BTreeMap::from([("gpt-5.4".to_owned(), "prod".to_owned())]),
            ..KeySettings::default()
        };
        for provider in ProviderId::ALL {
            let refused = settings.check_use(provider).is_err();
            assert_eq!(refused, provider != ProviderId::Azure, "{provider}");
            assert!(KeySettings::default().check_use(provider).is_ok());
        }
    }

    #[test]
    fn a_default_model_and_the_deployments_lead_to_a_deployment() {
        let settings = KeySettings {
            default_model: "gpt-5.4".to_owned(),
            deployments: BTreeMap::from([("gpt-5.5".to_owned(), "prod".to_owned())]),
            ..KeySettings::default()
        };
        assert!(settings.lead_to("prod"));
        assert!(settings.lead_to("gpt-5.4"));
        assert!(!settings.lead_to("gpt-5.5"));
        let elsewhere = KeySettings {
            default_model: "gpt-5.5".to_owned(),
            ..settings
        };
        assert!(!elsewhere.lead_to("gpt-5.5"));
    }
}
