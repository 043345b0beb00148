//! Which models a key may be used for.

/// The lists that the key's owner set.
#[derive(Clone, Debug, Default)]
pub struct ModelRights {
    allowed: Vec<String>,
    denied: Vec<String>,
}

impl ModelRights {
    /// Exact names, or prefixes with a trailing `*`. An empty list of allowed ones allows all.
    pub fn new(allowed: Vec<String>, denied: Vec<String>) -> Self {
        Self { allowed, denied }
    }

    /// Whether the key may be used for a model. The denial wins.
    pub fn allow(&self, model: &str) -> bool {
        let listed = |patterns: &[String]| patterns.iter().any(|pattern| covers(pattern, model));
        !listed(&self.denied) && (self.allowed.is_empty() || listed(&self.allowed))
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

    fn rights(allowed: &[&str], denied: &[&str]) -> ModelRights {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        ModelRights::new(owned(allowed), owned(denied))
    }

    #[test]
    fn no_list_allows_everything() {
        assert!(rights(&[], &[]).allow("gpt-5.4"));
    }

    #[test]
    fn a_denial_wins_over_a_permission() {
        let rights = rights(&["gpt-5*"], &["gpt-5.5"]);
        assert!(rights.allow("gpt-5.4"));
        assert!(!rights.allow("gpt-5.5"));
        assert!(!rights.allow("gpt-4o"));
    }
}
