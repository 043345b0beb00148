//! Layers: the parts of a catalogue, each of which may override the parts below.

use std::collections::{BTreeMap, BTreeSet};

use latchkey_contract::ProviderId;
use serde::Deserialize;

use super::date::Date;
use super::families::{Defaults, Family, Pattern};
use super::{
    CatalogueError, LongContextTier, Model, OffPeak, Operation, PriceChange, PriceTable, Prices,
    Tariff,
};

/// Models and traits from one file. A catalogue is one complete layer, and any number of layers on
/// top of it that replace and add entries.
#[derive(Clone, Debug)]
pub struct Layer {
    pub(super) version: String,
    pub(super) defaults: BTreeMap<ProviderId, Defaults>,
    pub(super) families: Vec<Family>,
    pub(super) models: Vec<Model>,
}

impl Layer {
    /// Parses a file in the format of the built-in catalogue. Defaults and families are optional.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        let file: File = toml::from_str(text).map_err(CatalogueError::Syntax)?;
        let mut families = Vec::new();
        for written in file.families {
            for pattern in written.models {
                families.push(Family {
                    provider: written.provider,
                    pattern: Pattern::parse(&pattern)?,
                    traits: written.traits.clone(),
                });
            }
        }
        Self {
            version: file.version,
            defaults: file.defaults,
            families,
            models: file.models.into_iter().map(Entry::model).collect(),
        }
        .check()
    }

    /// A layer of models without traits.
    pub fn of_models(version: &str, models: Vec<Model>) -> Result<Self, CatalogueError> {
        Self {
            version: version.to_owned(),
            defaults: BTreeMap::new(),
            families: Vec::new(),
            models,
        }
        .check()
    }

    fn check(self) -> Result<Self, CatalogueError> {
        let printable = self.version.bytes().all(|byte| byte.is_ascii_graphic());
        if !printable || !(1..=MAX_VERSION).contains(&self.version.len()) {
            return Err(CatalogueError::Version);
        }
        let mut names = BTreeSet::new();
        for model in &self.models {
            model.check()?;
            for name in model.names() {
                if !names.insert((model.provider, name)) {
                    return Err(CatalogueError::Duplicate { name: name.clone() });
                }
            }
        }
        for (index, family) in self.families.iter().enumerate() {
            if self.families[..index]
                .iter()
                .any(|known| known.has_same_names(family))
            {
                return Err(CatalogueError::Duplicate {
                    name: family.pattern.to_string(),
                });
            }
        }
        Ok(self)
    }

    /// Applies another layer on top of this one. Its models replace the models of the same name,
    /// and take over aliases. Its families replace those with the same pattern. Its defaults
    /// override single traits.
    pub(super) fn apply(&mut self, upper: Self) {
        self.version = format!("{}+{}", self.version, upper.version);
        for (provider, defaults) in upper.defaults {
            self.defaults.entry(provider).or_default().apply(defaults);
        }
        self.families
            .retain(|family| !upper.families.iter().any(|new| new.has_same_names(family)));
        self.families.extend(upper.families);
        let upper_models = upper.models.iter();
        let taken: BTreeSet<(ProviderId, &String)> = upper_models
            .flat_map(|model| model.names().map(|name| (model.provider, name)))
            .collect();
        self.models
            .retain(|model| !taken.contains(&(model.provider, &model.id)));
        for model in &mut self.models {
            let provider = model.provider;
            model
                .aliases
                .retain(|name| !taken.contains(&(provider, name)));
        }
        self.models.extend(upper.models);
    }
}

/// The maximum length in characters. The version is stored with each attempt.
const MAX_VERSION: usize = 64;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: String,
    #[serde(default)]
    defaults: BTreeMap<ProviderId, Defaults>,
    #[serde(default)]
    families: Vec<WrittenFamily>,
    #[serde(default)]
    models: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFamily {
    provider: ProviderId,
    models: Vec<String>,
    traits: toml::Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    provider: ProviderId,
    id: String,
    #[serde(default)]
    aliases: Vec<String>,
    max_input_tokens: Option<i64>,
    max_output_tokens: Option<i64>,
    #[serde(default)]
    operations: Vec<Operation>,
    retire_date: Option<Date>,
    #[serde(default)]
    prices: Prices,
    #[serde(default)]
    tiers: Vec<LongContextTier>,
    #[serde(default)]
    service_tiers: BTreeMap<String, PriceTable>,
    off_peak: Option<OffPeak>,
    #[serde(default)]
    price_changes: Vec<Change>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    from: Date,
    #[serde(default)]
    prices: Prices,
    #[serde(default)]
    tiers: Vec<LongContextTier>,
    #[serde(default)]
    service_tiers: BTreeMap<String, PriceTable>,
    off_peak: Option<OffPeak>,
}

impl Entry {
    fn model(self) -> Model {
        Model {
            provider: self.provider,
            id: self.id,
            aliases: self.aliases,
            max_input_tokens: self.max_input_tokens,
            max_output_tokens: self.max_output_tokens,
            operations: self.operations,
            retire_time: self.retire_date.map(Date::start),
            tariff: Tariff {
                standard: PriceTable {
                    prices: self.prices,
                    tiers: self.tiers,
                },
                service_tiers: self.service_tiers,
                off_peak: self.off_peak,
            },
            price_changes: self.price_changes.into_iter().map(Change::change).collect(),
        }
    }
}

impl Change {
    fn change(self) -> PriceChange {
        PriceChange {
            from: self.from.start(),
            tariff: Tariff {
                standard: PriceTable {
                    prices: self.prices,
                    tiers: self.tiers,
                },
                service_tiers: self.service_tiers,
                off_peak: self.off_peak,
            },
        }
    }
}
