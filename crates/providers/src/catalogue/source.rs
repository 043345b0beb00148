//! The catalogue's file: its shape, and the rules that hold it together.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::families::{Families, Pattern};
use super::{Catalogue, CatalogueError, LongContextTier, Model, ModelTraits, Prices};
use crate::{Api, Provider};

/// Reads and checks a file.
pub(super) fn read(text: &str) -> Result<Catalogue, CatalogueError> {
    let file: File = toml::from_str(text).map_err(CatalogueError::Syntax)?;
    let families = families(&file)?;
    let models = file
        .models
        .into_iter()
        .map(|entry| entry.check(&families))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Catalogue {
        version: file.version,
        names: names(&models)?,
        models,
        families,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: String,
    defaults: BTreeMap<Provider, toml::Table>,
    #[serde(default)]
    families: Vec<Family>,
    #[serde(default)]
    models: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Family {
    provider: Provider,
    models: Vec<String>,
    traits: toml::Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    provider: Provider,
    id: String,
    #[serde(default)]
    aliases: Vec<String>,
    max_input_tokens: Option<i64>,
    max_output_tokens: Option<i64>,
    #[serde(default)]
    prices: Prices,
    #[serde(default)]
    tiers: Vec<LongContextTier>,
}

impl Entry {
    fn check(self, families: &BTreeMap<Provider, Families>) -> Result<Model, CatalogueError> {
        let prices = self.tiers.iter().flat_map(|tier| tier.prices.all());
        let numbers = prices
            .chain(self.prices.all())
            .flatten()
            .map(super::NanosPerMillion::get)
            .chain(self.tiers.iter().map(|tier| tier.above_input_tokens))
            .chain(self.max_input_tokens)
            .chain(self.max_output_tokens);
        if numbers.into_iter().any(i64::is_negative) {
            return Err(CatalogueError::Negative { model: self.id });
        }
        if !self
            .tiers
            .is_sorted_by(|lower, upper| lower.above_input_tokens < upper.above_input_tokens)
        {
            return Err(CatalogueError::TierOrder { model: self.id });
        }
        Ok(Model {
            traits: families[&self.provider].traits(&self.id).clone(),
            provider: self.provider,
            id: self.id,
            aliases: self.aliases,
            max_input_tokens: self.max_input_tokens,
            max_output_tokens: self.max_output_tokens,
            prices: self.prices,
            tiers: self.tiers,
        })
    }
}

/// A family's traits are its provider's defaults with its own laid over them.
fn families(file: &File) -> Result<BTreeMap<Provider, Families>, CatalogueError> {
    let mut families = BTreeMap::new();
    for provider in Provider::ALL {
        let defaults = file
            .defaults
            .get(&provider)
            .ok_or(CatalogueError::MissingDefaults(provider))?;
        let defaults = traits(provider, provider.as_str(), defaults.clone())?;
        families.insert(provider, Families::new(defaults));
    }
    for family in &file.families {
        let mut table = file.defaults[&family.provider].clone();
        table.extend(family.traits.clone());
        let name = family.models.first().map_or("", String::as_str);
        let traits = traits(family.provider, name, table)?;
        let Some(of_provider) = families.get_mut(&family.provider) else {
            return Err(CatalogueError::MissingDefaults(family.provider));
        };
        for pattern in &family.models {
            of_provider.insert(Pattern::parse(pattern)?, traits.clone())?;
        }
    }
    Ok(families)
}

fn traits(
    provider: Provider,
    family: &str,
    table: toml::Table,
) -> Result<ModelTraits, CatalogueError> {
    let traits: ModelTraits = table.try_into().map_err(|source| CatalogueError::Traits {
        family: family.to_owned(),
        source,
    })?;
    let speaks = match provider {
        Provider::Anthropic => traits.api == Api::Messages,
        Provider::Azure | Provider::OpenAi => traits.api != Api::Messages,
        _ => traits.api == Api::ChatCompletions,
    };
    if speaks {
        Ok(traits)
    } else {
        Err(CatalogueError::WrongApi {
            provider,
            api: traits.api,
        })
    }
}

fn names(models: &[Model]) -> Result<BTreeMap<Provider, HashMap<String, usize>>, CatalogueError> {
    let mut names: BTreeMap<Provider, HashMap<String, usize>> = BTreeMap::new();
    for (place, model) in models.iter().enumerate() {
        let of_provider = names.entry(model.provider).or_default();
        for name in model.aliases.iter().chain([&model.id]) {
            if of_provider.insert(name.clone(), place).is_some() {
                return Err(CatalogueError::Duplicate { name: name.clone() });
            }
        }
    }
    Ok(names)
}
