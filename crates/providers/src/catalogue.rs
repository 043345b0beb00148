//! Models: their names, their prices, and their traits within a dialect.
//!
//! The built-in catalogue is `data/catalogue.toml` and the files of `data/catalogue`. An operator
//! may replace it, or extend it with a [`Layer`] in the same format or with prices in
//! [LiteLLM's][`litellm`]. A model that is not listed still works: its traits come from its family
//! or from its provider's defaults, and its cost is unknown.

pub mod litellm;

mod date;
mod error;
mod families;
mod layer;
mod model;
mod off_peak;
mod operation;
mod price;
mod tariff;
mod traits;

use std::collections::{BTreeMap, HashMap};

pub use date::{Date, DateError};
pub use error::CatalogueError;
pub use layer::Layer;
pub use model::Model;
pub use off_peak::OffPeak;
pub use operation::Operation;
pub use price::{NanosEach, NanosPerMillion, Prices};
pub use tariff::{CostContext, LongContextTier, PriceChange, PriceTable, Tariff};
pub use traits::{Effort, ModelTraits, SamplingPolicy, SystemRole, TokenLimit};

use families::Families;
use latchkey_contract::ProviderId;

/// Every listed model and the traits of all models, at one version.
#[derive(Clone, Debug)]
pub struct Catalogue {
    layer: Layer,
    /// Indexes into the layer's models, by name and alias.
    names: BTreeMap<ProviderId, HashMap<String, usize>>,
    families: BTreeMap<ProviderId, Families>,
}

impl Catalogue {
    /// The catalogue that is built into Latchkey.
    pub fn builtin() -> Self {
        Self::parse(&BUILTIN.concat())
            .expect("the test `the_builtin_catalogue_parses` parses these files")
    }

    /// Parses a complete catalogue.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        Self::new(Layer::parse(text)?)
    }

    /// Returns this catalogue with another layer on top. Its version names both.
    pub fn extend(&self, layer: Layer) -> Result<Self, CatalogueError> {
        let mut extended = self.layer.clone();
        extended.apply(layer);
        Self::new(extended)
    }

    fn new(layer: Layer) -> Result<Self, CatalogueError> {
        let mut names: BTreeMap<ProviderId, HashMap<String, usize>> = BTreeMap::new();
        for (index, model) in layer.models.iter().enumerate() {
            let provider_names = names.entry(model.provider).or_default();
            provider_names.extend(model.names().map(|name| (name.clone(), index)));
        }
        Ok(Self {
            families: families::resolve(&layer)?,
            layer,
            names,
        })
    }

    /// The version of the catalogue, which is stored with each cost: the versions of its layers,
    /// the lowest first.
    pub fn version(&self) -> &str {
        &self.layer.version
    }

    /// All models, in the order of the files.
    pub fn models(&self) -> &[Model] {
        &self.layer.models
    }

    /// Finds a model by its name or alias.
    pub fn find(&self, provider: ProviderId, name: &str) -> Option<&Model> {
        let index = *self.names.get(&provider)?.get(name)?;
        self.layer.models.get(index)
    }

    /// The traits of a model: those of its family, or the defaults of its provider.
    pub fn traits(&self, provider: ProviderId, name: &str) -> &ModelTraits {
        let id = self
            .find(provider, name)
            .map_or(name, |model| model.id.as_str());
        self.families[&provider].traits(id)
    }

    /// The provider of a model by its name: the maker of the model or, if no maker knows the name,
    /// a provider that lists it.
    pub fn provider_of(&self, name: &str) -> Option<ProviderId> {
        let listed = |provider: &ProviderId| self.find(*provider, name).is_some();
        let of_a_family = |provider: &ProviderId| self.families[provider].knows(name);
        let mut makers = ProviderId::ALL.into_iter().filter(|p| makes_models(*p));
        makers
            .clone()
            .find(listed)
            .or_else(|| makers.find(of_a_family))
            .or_else(|| ProviderId::ALL.into_iter().find(listed))
    }
}

/// Whether the provider makes the models that it serves. The others serve models of many makers,
/// under the maker's or the customer's names.
pub fn makes_models(provider: ProviderId) -> bool {
    match provider {
        ProviderId::Anthropic | ProviderId::DeepSeek | ProviderId::Google | ProviderId::OpenAi => {
            true
        }
        ProviderId::Azure | ProviderId::Custom | ProviderId::OpenRouter | ProviderId::Vertex => {
            false
        }
    }
}

/// The files of the built-in catalogue.
const BUILTIN: [&str; 17] = [
    include_str!("../data/catalogue.toml"),
    include_str!("../data/catalogue/anthropic.toml"),
    include_str!("../data/catalogue/azure.toml"),
    include_str!("../data/catalogue/custom.toml"),
    include_str!("../data/catalogue/deepseek.toml"),
    include_str!("../data/catalogue/google.toml"),
    include_str!("../data/catalogue/openai.toml"),
    include_str!("../data/catalogue/openrouter.toml"),
    include_str!("../data/catalogue/vertex.toml"),
    include_str!("../data/catalogue/models/anthropic.toml"),
    include_str!("../data/catalogue/models/azure.toml"),
    include_str!("../data/catalogue/models/deepseek.toml"),
    include_str!("../data/catalogue/models/google.toml"),
    include_str!("../data/catalogue/models/openai.toml"),
    include_str!("../data/catalogue/models/openai_others.toml"),
    include_str!("../data/catalogue/models/vertex.toml"),
    include_str!("../data/catalogue/models/vertex_claude.toml"),
];

#[cfg(test)]
mod tests;
