//! Which models may be called: allow and deny lists.

/// One pair of lists: of a key, of a workspace or project, or of the operator.
#[derive(Clone, Debug, Default)]
pub struct ModelList {
    /// When not empty, the only models. Exact names, or prefixes with a trailing `*`.
    pub allowed: Vec<String>,
    /// Models that are denied; a denial wins.
    pub denied: Vec<String>,
}

/// The lists that hold for a lease. A model must be allowed by each.
#[derive(Clone, Debug, Default)]
pub struct ModelRules(pub Vec<ModelList>);

impl ModelRules {
    /// Whether a model may be called.
    pub fn allow(&self, model: &str) -> bool {
        self.0.iter().all(|list| list.allows(model))
    }
}

impl ModelList {
    fn allows(&self, model: &str) -> bool {
        let matches = |patterns: &[String]| patterns.iter().any(|pattern| covers(pattern, model));
        !matches(&self.denied) && (self.allowed.is_empty() || matches(&self.allowed))
    }
}

fn covers(pattern: &str, model: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => model.starts_with(prefix),
        None => pattern == model,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(allowed: &[&str], denied: &[&str]) -> ModelList {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        ModelList {
            allowed: owned(allowed),
            denied: owned(denied),
        }
    }

    #[test]
    fn empty_lists_allow_every_model() {
        assert!(ModelRules(vec![list(&[], &[])]).allow("gpt-5.4"));
    }

    #[test]
    fn a_denial_wins_over_a_permission() {
        let rules = ModelRules(vec![list(&["gpt-5*"], &["gpt-5.5"])]);
        assert!(rules.allow("gpt-5.4"));
        assert!(!rules.allow("gpt-5.5"));
        assert!(!rules.allow("gpt-4o"));
    }

    #[test]
    fn a_model_must_be_allowed_by_every_list() {
        let own = list(&[], &["o3"]);
        let of_workspace = list(&["gpt-5*", "o3"], &[]);
        let of_operator = list(&[], &["gpt-5.5"]);
        let rules = ModelRules(vec![own, of_workspace, of_operator]);
        assert!(rules.allow("gpt-5.4"));
        for model in ["gpt-5.5", "o3", "gpt-4o"] {
            assert!(!rules.allow(model), "{model}");
        }
    }
}
