//! What the operator allows of a provider: to every workspace, and to one of them where that differs.

use latchkey_clock::Timestamp;
use latchkey_contract::ProviderId;

use super::funding::{FundingFallback, Selection};
use super::settings::{FieldError, check_model, check_patterns};
use super::uid::WorkspaceUid;
use super::workspace::Workspace;

/// What of a provider a workspace may use. By default, everything.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, and all can be set at the same time"
)]
pub struct Access {
    /// Whether own keys may be used.
    pub own_keys: bool,
    /// Chat.
    pub chat: bool,
    /// Embeddings.
    pub embeddings: bool,
    /// Making pictures.
    pub images: bool,
    /// When not empty, the only models that may be asked for.
    pub allowed_models: Vec<String>,
    /// Models that may not be asked for; wins over `allowed_models`.
    pub denied_models: Vec<String>,
    /// The model of a request that names none, with a key that has no default; empty for none.
    pub default_model: String,
}

impl Default for Access {
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

/// What was decided of a provider, for everybody or for one workspace. Switches that are not set, and
/// lists and a default model that are empty, leave it as it is without them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Terms {
    /// Whether own keys may be used.
    pub own_keys: Option<bool>,
    /// Chat.
    pub chat: Option<bool>,
    /// Embeddings.
    pub embeddings: Option<bool>,
    /// Making pictures.
    pub images: Option<bool>,
    /// The only models that may be asked for.
    pub allowed_models: Vec<String>,
    /// Models that may not be asked for.
    pub denied_models: Vec<String>,
    /// The model of a request that names none.
    pub default_model: String,
}

impl Terms {
    /// The terms, if each is within its bounds. `path` is that of their message.
    pub fn checked(self, path: &str) -> Result<Self, FieldError> {
        check_patterns(&format!("{path}.allowed_models"), &self.allowed_models)?;
        check_patterns(&format!("{path}.denied_models"), &self.denied_models)?;
        check_model(&format!("{path}.default_model"), &self.default_model)?;
        Ok(self)
    }

    /// What holds where these terms are set over `base`. A list takes the other's place whole.
    pub fn over(&self, base: &Access) -> Access {
        let list = |own: &[String], base: &[String]| {
            let list = if own.is_empty() { base } else { own };
            list.to_vec()
        };
        let default_model = match self.default_model.as_str() {
            "" => &base.default_model,
            _ => &self.default_model,
        };
        Access {
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

/// The terms of one provider, as they are kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProviderAccess {
    /// The workspace that they are for; the platform's are for everybody.
    pub workspace: WorkspaceUid,
    /// The provider.
    pub provider: ProviderId,
    /// What was decided.
    pub terms: Terms,
    /// Grows by one with each change; its etag.
    pub row_revision: u64,
    /// When they were last changed.
    pub update_time: Timestamp,
}

/// What a workspace's requests get instead of its own keys where those are switched off. A key that is
/// named is never replaced.
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

    fn base() -> Access {
        Access {
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
    fn terms_that_say_nothing_change_nothing() {
        assert_eq!(Terms::default().over(&base()), base());
        assert_eq!(Terms::default().over(&Access::default()), Access::default());
    }

    #[test]
    fn each_switch_that_is_set_wins_either_way() {
        let terms = Terms {
            own_keys: Some(true),
            chat: Some(false),
            embeddings: Some(true),
            images: Some(false),
            ..Terms::default()
        };
        let expected = Access {
            own_keys: true,
            chat: false,
            embeddings: true,
            images: false,
            ..base()
        };
        assert_eq!(terms.over(&base()), expected);
    }

    #[test]
    fn a_list_takes_the_others_place_whole() {
        let terms = Terms {
            allowed_models: models(&["o3"]),
            ..Terms::default()
        };
        let expected = Access {
            allowed_models: models(&["o3"]),
            ..base()
        };
        assert_eq!(terms.over(&base()), expected);
        let terms = Terms {
            denied_models: models(&["o3", "o4"]),
            default_model: "o5".to_owned(),
            ..Terms::default()
        };
        let expected = Access {
            denied_models: models(&["o3", "o4"]),
            default_model: "o5".to_owned(),
            ..base()
        };
        assert_eq!(terms.over(&base()), expected);
    }

    #[test]
    fn an_error_names_the_field_from_the_message_on() {
        let problem = |terms: Terms| {
            let error = terms.checked("provider.access").err();
            error.map(|error| error.field)
        };
        assert_eq!(problem(Terms::default()), None);
        let terms = Terms {
            allowed_models: models(&["gpt-5*", "a*b"]),
            ..Terms::default()
        };
        let field = problem(terms);
        assert_eq!(field.as_deref(), Some("provider.access.allowed_models[1]"));
        let terms = Terms {
            denied_models: models(&["m"; 257]),
            ..Terms::default()
        };
        let field = problem(terms);
        assert_eq!(field.as_deref(), Some("provider.access.denied_models"));
        for model in ["a b", "a\nb", &"m".repeat(257)] {
            let terms = Terms {
                default_model: model.to_owned(),
                ..Terms::default()
            };
            let field = problem(terms);
            assert_eq!(field.as_deref(), Some("provider.access.default_model"));
        }
    }
}
