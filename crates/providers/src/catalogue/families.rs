//! Traits of models that share the beginning of their names.

use super::{CatalogueError, ModelTraits};

/// One provider's families.
#[derive(Clone, Debug)]
pub(super) struct Families {
    defaults: ModelTraits,
    members: Vec<(Pattern, ModelTraits)>,
}

impl Families {
    pub(super) fn new(defaults: ModelTraits) -> Self {
        Self {
            defaults,
            members: Vec::new(),
        }
    }

    pub(super) fn insert(
        &mut self,
        pattern: Pattern,
        traits: ModelTraits,
    ) -> Result<(), CatalogueError> {
        if self.members.iter().any(|(known, _)| *known == pattern) {
            return Err(CatalogueError::Duplicate {
                name: pattern.literal,
            });
        }
        self.members.push((pattern, traits));
        Ok(())
    }

    /// Of the family with the longest matching name, or the defaults.
    pub(super) fn traits(&self, model: &str) -> &ModelTraits {
        self.closest(model).unwrap_or(&self.defaults)
    }

    pub(super) fn knows(&self, model: &str) -> bool {
        self.closest(model).is_some()
    }

    fn closest(&self, model: &str) -> Option<&ModelTraits> {
        self.members
            .iter()
            .filter(|(pattern, _)| pattern.matches(model))
            .max_by_key(|(pattern, _)| (pattern.literal.len(), pattern.is_exact()))
            .map(|(_, traits)| traits)
    }
}

/// A name, or the beginning of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    literal: String,
    prefix: bool,
}

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, CatalogueError> {
        let (literal, prefix) = match text.strip_suffix('*') {
            Some(literal) => (literal, true),
            None => (text, false),
        };
        if literal.is_empty() || literal.contains('*') {
            return Err(CatalogueError::Pattern {
                pattern: text.to_owned(),
            });
        }
        Ok(Self {
            literal: literal.to_owned(),
            prefix,
        })
    }

    fn matches(&self, model: &str) -> bool {
        if self.prefix {
            model.starts_with(&self.literal)
        } else {
            model == self.literal
        }
    }

    fn is_exact(&self) -> bool {
        !self.prefix
    }
}
