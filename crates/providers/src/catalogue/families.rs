//! Families: models that share the beginning of their names, and their traits.

use std::collections::BTreeMap;
use std::fmt;

use latchkey_contract::ProviderId;
use serde::Deserialize;

use super::{CatalogueError, Layer, ModelTraits};
use crate::Api;

/// The families of one provider, and its defaults.
#[derive(Clone, Debug)]
pub(super) struct Families {
    defaults: ModelTraits,
    members: Vec<(Pattern, ModelTraits)>,
}

impl Families {
    /// The traits of the family with the longest matching name, or the defaults.
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

/// Resolves the families of every provider: its defaults with each family's traits on top, and the
/// families of the providers whose models it serves.
pub(super) fn resolve(layer: &Layer) -> Result<BTreeMap<ProviderId, Families>, CatalogueError> {
    let mut resolved: BTreeMap<ProviderId, Families> = BTreeMap::new();
    let defaults = |provider: ProviderId| {
        layer
            .defaults
            .get(&provider)
            .ok_or(CatalogueError::MissingDefaults(provider))
    };
    for provider in ProviderId::ALL {
        let own = defaults(provider)?;
        if own.families_of.is_empty() {
            let families = families(layer, provider, &own.traits)?;
            resolved.insert(provider, families);
        }
    }
    for provider in ProviderId::ALL {
        let own = defaults(provider)?;
        let Some(first) = own.families_of.first() else {
            continue;
        };
        let mut table = defaults(*first)?.traits.clone();
        table.extend(own.traits.clone());
        let mut borrowing = families(layer, provider, &table)?;
        for source in &own.families_of {
            if !defaults(*source)?.families_of.is_empty() {
                return Err(CatalogueError::ChainedFamilies {
                    provider,
                    families_of: *source,
                });
            }
            for (pattern, traits) in &resolved[source].members {
                if !borrowing.members.iter().any(|(known, _)| known == pattern) {
                    check_api(provider, traits.api)?;
                    borrowing.members.push((pattern.clone(), traits.clone()));
                }
            }
        }
        resolved.insert(provider, borrowing);
    }
    Ok(resolved)
}

fn families(
    layer: &Layer,
    provider: ProviderId,
    defaults: &toml::Table,
) -> Result<Families, CatalogueError> {
    let mut members = Vec::new();
    for family in layer.families.iter().filter(|f| f.provider == provider) {
        let mut table = defaults.clone();
        table.extend(family.traits.clone());
        let traits = traits(provider, &family.pattern.to_string(), table)?;
        members.push((family.pattern.clone(), traits));
    }
    Ok(Families {
        defaults: traits(provider, provider.as_str(), defaults.clone())?,
        members,
    })
}

fn traits(
    provider: ProviderId,
    family: &str,
    table: toml::Table,
) -> Result<ModelTraits, CatalogueError> {
    let traits: ModelTraits = table.try_into().map_err(|source| CatalogueError::Traits {
        family: family.to_owned(),
        source,
    })?;
    check_api(provider, traits.api)?;
    Ok(traits)
}

fn check_api(provider: ProviderId, api: Api) -> Result<(), CatalogueError> {
    if Api::supported_by(provider).contains(&api) {
        Ok(())
    } else {
        Err(CatalogueError::WrongApi { provider, api })
    }
}

/// The traits of models that match no family.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Defaults {
    /// The providers whose models this provider serves as well. It has their families, and the
    /// first one's defaults where it has none of its own.
    #[serde(default)]
    families_of: Vec<ProviderId>,
    #[serde(flatten)]
    traits: toml::Table,
}

impl Defaults {
    pub(super) fn apply(&mut self, upper: Self) {
        if !upper.families_of.is_empty() {
            self.families_of = upper.families_of;
        }
        self.traits.extend(upper.traits);
    }
}

/// A family as the file has it: only the traits that differ from the defaults.
#[derive(Clone, Debug)]
pub(super) struct Family {
    pub(super) provider: ProviderId,
    pub(super) pattern: Pattern,
    pub(super) traits: toml::Table,
}

impl Family {
    /// Whether both match the same names of the same provider.
    pub(super) fn has_same_names(&self, other: &Self) -> bool {
        self.provider == other.provider && self.pattern == other.pattern
    }
}

/// A name, or a prefix of names.
#[derive(Clone, Debug, Eq, PartialEq)]
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

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.prefix { "*" } else { "" };
        write!(f, "{}{star}", self.literal)
    }
}
