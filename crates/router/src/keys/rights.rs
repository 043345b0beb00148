//! Which models a key may be used for.

use latchkey_contract::vault::v1::{Lease, ModelRules};

/// The lists that the key's owner set, and those that hold beside them: the workspace's, the project's
/// and the operator's. A model must be allowed by each.
#[derive(Clone, Debug, Default)]
pub struct ModelRights(Vec<ModelRules>);

impl ModelRights {
    /// What a lease says.
    pub(super) fn of(lease: &Lease) -> Self {
        let own = ModelRules {
            allowed_models: lease.allowed_models.clone(),
            denied_models: lease.denied_models.clone(),
        };
        let further = lease.additional_model_rules.iter().cloned();
        Self(std::iter::once(own).chain(further).collect())
    }

    /// Whether the key may be used for a model. An empty list of allowed ones allows all; a denial wins.
    pub fn allow(&self, model: &str) -> bool {
        let listed = |patterns: &[String]| patterns.iter().any(|pattern| covers(pattern, model));
        self.0.iter().all(|lists| {
            !listed(&lists.denied_models)
                && (lists.allowed_models.is_empty() || listed(&lists.allowed_models))
        })
    }
}

/// Exact names, or prefixes with a trailing `*`.
fn covers(pattern: &str, model: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => model.starts_with(prefix),
        None => pattern == model,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(allowed: &[&str], denied: &[&str]) -> ModelRules {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        ModelRules {
            allowed_models: owned(allowed),
            denied_models: owned(denied),
        }
    }

    fn rights(own: ModelRules, further: &[ModelRules]) -> ModelRights {
        ModelRights::of(&Lease {
            allowed_models: own.allowed_models,
            denied_models: own.denied_models,
            additional_model_rules: further.to_vec(),
            ..Lease::default()
        })
    }

    #[test]
    fn no_list_allows_everything() {
        assert!(rights(lists(&[], &[]), &[]).allow("gpt-5.4"));
    }

    #[test]
    fn a_denial_wins_over_a_permission() {
        let rights = rights(lists(&["gpt-5*"], &["gpt-5.5"]), &[]);
        assert!(rights.allow("gpt-5.4"));
        assert!(!rights.allow("gpt-5.5"));
        assert!(!rights.allow("gpt-4o"));
    }

    #[test]
    fn every_pair_of_lists_has_a_say() {
        let further = [lists(&["gpt-5*", "o3"], &[]), lists(&[], &["gpt-5.5"])];
        let rights = rights(lists(&[], &["o3"]), &further);
        assert!(rights.allow("gpt-5.4"));
        for model in ["gpt-5.5", "o3", "gpt-4o"] {
            assert!(!rights.allow(model), "{model}");
        }
    }
}
