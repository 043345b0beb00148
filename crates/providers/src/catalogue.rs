//! Models: what they are called, what they cost, and what sets each apart within its dialect.
//!
//! The builtin catalogue is `data/catalogue.toml`; an operator may bring another. A name that it
//! does not hold still works: its traits come from its family or its provider's defaults, and its
//! cost is unknown.

mod families;
mod model;
mod price;
mod source;
mod traits;

use std::collections::{BTreeMap, HashMap};

pub use model::Model;
pub use price::{LongContextTier, NanosPerMillion, Prices};
pub use traits::{Effort, ModelTraits, SamplingPolicy, SystemRole, TokenLimit};

use crate::{Api, Provider};
use families::Families;

/// All we know of models, at one version.
#[derive(Clone, Debug)]
pub struct Catalogue {
    version: String,
    models: Vec<Model>,
    /// Names and aliases to places in `models`.
    names: BTreeMap<Provider, HashMap<String, usize>>,
    families: BTreeMap<Provider, Families>,
}

impl Catalogue {
    /// The catalogue that Latchkey is built with.
    pub fn builtin() -> Self {
        Self::parse(include_str!("../data/catalogue.toml"))
            .expect("the test `the_builtin_catalogue_parses` holds this file to the format")
    }

    /// Reads a catalogue.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        source::read(text)
    }

    /// Names the catalogue's state, to be kept beside each cost.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Every model, in the order of the file.
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// The model of this name or alias.
    pub fn find(&self, provider: Provider, name: &str) -> Option<&Model> {
        let place = *self.names.get(&provider)?.get(name)?;
        self.models.get(place)
    }

    /// What a model takes: its own, its family's, or what its provider's models take at the most.
    pub fn traits(&self, provider: Provider, name: &str) -> &ModelTraits {
        match self.find(provider, name) {
            Some(model) => &model.traits,
            None => self.families[&provider].traits(name),
        }
    }

    /// Whose model this is, if the name tells.
    pub fn provider_of(&self, name: &str) -> Option<Provider> {
        let listed = |provider: &Provider| self.find(*provider, name).is_some();
        let of_a_family = |provider: &Provider| self.families[provider].knows(name);
        let mut providers = Provider::ALL.into_iter();
        providers
            .clone()
            .find(listed)
            .or_else(|| providers.find(of_a_family))
    }
}

/// Why a catalogue was refused.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// It is not TOML, or not of this shape.
    #[error("not a catalogue")]
    Syntax(#[source] toml::de::Error),
    /// A family's traits are not such.
    #[error("the traits of {family} are wrong")]
    Traits {
        /// The first of its patterns.
        family: String,
        /// What is wrong with them.
        #[source]
        source: toml::de::Error,
    },
    /// A provider has no `[defaults]`.
    #[error("no defaults for {0}")]
    MissingDefaults(Provider),
    /// A provider does not speak the dialect.
    #[error("{provider} does not speak {api}")]
    WrongApi {
        /// The provider.
        provider: Provider,
        /// The dialect.
        api: Api,
    },
    /// `*` stands elsewhere than at a pattern's end, or a pattern is empty.
    #[error("the pattern `{pattern}` is neither a name nor a prefix")]
    Pattern {
        /// The pattern.
        pattern: String,
    },
    /// Two models or families share a name.
    #[error("`{name}` is there twice")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A price, limit or threshold is below zero.
    #[error("`{model}` has a negative number")]
    Negative {
        /// The model.
        model: String,
    },
    /// Tiers are not in the order of their thresholds.
    #[error("the tiers of `{model}` are out of order")]
    TierOrder {
        /// The model.
        model: String,
    },
}

#[cfg(test)]
mod tests;
