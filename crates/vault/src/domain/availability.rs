//! What the operator makes available of a provider: to every workspace, and to one workspace where
//! that differs.

use latchkey_clock::Timestamp;
use latchkey_contract::ProviderId;

use super::funding::{FundingFallback, Selection};
use super::settings::{FieldError, check_model, check_patterns};
use super::uid::WorkspaceUid;
use super::workspace::Workspace;

/// What a workspace may use of a provider. By default, everything.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, and all can be set at the same time"
)]
pub struct Availability {
    /// Whether own keys may be used.
    pub own_keys: bool,
    /// Chat.
    pub chat: bool,
    /// Embeddings.
    pub embeddings: bool,
    /// Image generation.
    pub images: bool,
    /// When not empty, the only allowed models.
    pub allowed_models: Vec<String>,
    /// Denied models; wins over `allowed_models`.
    pub denied_models: Vec<String>,
    /// The model of a request that names none, for a key without a default; empty for none.
    pub default_model: String,
}

impl Default for Availability {
    fn default() -> Self {
        Self {
            own_keys: true,
            chat: true,
            embeddings: true,
            images: true,
            allowed_models: Vec::new(),
            denied_models: Vec::new(),
            default_model: String::new(),
        }
    }
}

/// What the operator has set for a provider, for all workspaces or for one. A switch that is not set,
/// an empty list and an empty default model change nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProviderTerms {
    /// Whether own keys may be used.
    pub own_keys: Option<bool>,
    /// Chat.
    pub chat: Option<bool>,
    /// Embeddings.
    pub embeddings: Option<bool>,
    /// Image generation.
    pub images: Option<bool>,
    /// The only allowed models.
    pub allowed_models: Vec<String>,
    /// Denied models.
    pub denied_models: Vec<String>,
    /// The model of a request that names none.
    pub default_model: String,
}

impl ProviderTerms {
    /// Checks the bounds. `path` is that of the message.
    pub fn checked(self, path: &str) -> Result<Self, FieldError> {
        check_patterns(&format!("{path}.allowed_models"), &self.allowed_models)?;
        check_patterns(&format!("{path}.denied_models"), &self.denied_models)?;
        check_model(&format!("{path}.default_model"), &self.default_model)?;
        Ok(self)
    }

    /// The availability where these terms are applied to `base`. A list replaces the other list.
    pub fn over(&self, base: &Availability) -> Availability {
        let list = |own: &[String], base: &[String]| {
            let list = if own.is_empty() { base } else { own };
            list.to_vec()
        };
        let default_model = match self.default_model.as_str() {
            "" => &base.default_model,
            _ => &self.default_model,
        };
        Availability {
            own_keys: self.own_keys.unwrap_or(base.own_keys),
            chat: self.chat.unwrap_or(base.chat),
            embeddings: self.embeddings.unwrap_or(base.embeddings),
            images: self.images.unwrap_or(base.images),
            allowed_models: list(&self.allowed_models, &base.allowed_models),
            denied_models: list(&self.denied_models, &base.denied_models),
            default_model: default_model.clone(),
        }
    }
}

/// The stored terms of one provider.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProviderAccess {
    /// The workspace; the platform's terms hold for all workspaces.
    pub workspace: WorkspaceUid,
    /// The provider.
    pub provider: ProviderId,
    /// The terms.
    pub terms: ProviderTerms,
    /// Grows by one with each change; its etag.
    pub row_revision: u64,
    /// The time of the last change.
    pub update_time: Timestamp,
}

/// The fallback of a workspace whose own keys are switched off. A named key is never replaced.
pub fn switched_off_fallback(workspace: &Workspace) -> FundingFallback {
    match workspace.funding.selection {
        Selection::Automatic => workspace.funding.when_switched_off,
        Selection::WhenNamed => FundingFallback::Refuse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn models(patterns: &[&str]) -> Vec<String> {
        patterns.iter().map(ToString::to_string).collect()
    }

    fn base() -> Availability {
        Availability {
            own_keys: false,
            chat: true,
            embeddings: false,
            images: true,
            allowed_models: models(&["gpt-5*"]),
            denied_models: models(&["gpt-5.5"]),
            default_model: "gpt-5.4".to_owned(),
        }
    }

    #[test]
    fn empty_terms_change_nothing() {
        assert_eq!(ProviderTerms::default().over(&base()), base());
        assert_eq!(
            ProviderTerms::default().over(&Availability::default()),
            Availability::default()
        );
    }

    #[test]
    fn each_switch_that_is_set_wins_either_way() {
        let terms = ProviderTerms {
            own_keys: Some(true),
            chat: Some(false),
            embeddings: Some(true),
            images: Some(false),
            ..ProviderTerms::default()
        };
        let expected = Availability {
            own_keys: true,
            chat: false,
            embeddings: true,
            images: false,
            ..base()
        };
        assert_eq!(terms.over(&base()), expected);
    }

    #[test]
    fn a_list_replaces_the_base_list() {
        let terms = ProviderTerms {
            allowed_models: models(&["o3"]),
            ..ProviderTerms::default()
        };
        let expected = Availability {
            allowed_models: models(&["o3"]),
            ..base()
        };
        assert_eq!(terms.over(&base()), expected);
        let terms = ProviderTerms {
            denied_models: models(&["o3", "o4"]),
            default_model: "o5".to_owned(),
            ..ProviderTerms::default()
        };
        let expected = Availability {
            denied_models: models(&["o3", "o4"]),
            default_model: "o5".to_owned(),
            ..base()
        };
        assert_eq!(terms.over(&base()), expected);
    }

    #[test]
    fn an_error_names_the_field_from_the_message_on() {
        let problem = |terms: ProviderTerms| {
            let error = terms.checked("provider.access").err();
            error.map(|error| error.field)
        };
        assert_eq!(problem(ProviderTerms::default()), None);
        let terms = ProviderTerms {
            allowed_models: models(&["gpt-5*", "a*b"]),
            ..ProviderTerms::default()
        };
        let field = problem(terms);
        assert_eq!(field.as_deref(), Some("provider.access.allowed_models[1]"));
        let terms = ProviderTerms {
            denied_models: models(&["m"; 257]),
            ..ProviderTerms::default()
        };
        let field = problem(terms);
        assert_eq!(field.as_deref(), Some("provider.access.denied_models"));
        for model in ["a b", "a\nb", &"m".repeat(257)] {
            let terms = ProviderTerms {
                default_model: model.to_owned(),
                ..ProviderTerms::default()
            };
            let field = problem(terms);
            assert_eq!(field.as_deref(), Some("provider.access.default_model"));
        }
    }
}
