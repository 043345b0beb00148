//! Overrides of models, and their JSON form in the database.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use latchkey_clock::Timestamp;
use latchkey_contract::ProviderId;
use latchkey_providers::catalogue::{
    LongContextTier, Model, Operation, PriceTable, Prices, Tariff,
};
use serde::{Deserialize, Serialize};

use crate::store::{CatalogueRow, CatalogueRows};

/// All overrides at one revision.
#[derive(Debug, Default)]
pub(super) struct Overrides {
    pub(super) revision: i64,
    pub(super) models: Vec<Model>,
}

impl Overrides {
    pub(super) fn read(stored: &CatalogueRows) -> Self {
        Self {
            revision: stored.revision,
            models: stored.rows.iter().filter_map(read).collect(),
        }
    }

    /// A name or alias of the model that the override of another model has.
    pub(super) fn conflict(&self, model: &Model) -> Option<&str> {
        let names: BTreeSet<&String> = model.aliases.iter().chain([&model.id]).collect();
        self.models
            .iter()
            .filter(|other| other.provider == model.provider && other.id != model.id)
            .flat_map(|other| other.aliases.iter().chain([&other.id]))
            .find(|name| names.contains(name))
            .map(String::as_str)
    }
}

/// The stored form of a model, without its provider and id.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(default)]
    aliases: Vec<String>,
    max_input_tokens: Option<i64>,
    max_output_tokens: Option<i64>,
    #[serde(default)]
    operations: Vec<Operation>,
    /// In microseconds since 1970.
    retire_time: Option<u64>,
    #[serde(default)]
    prices: Prices,
    #[serde(default)]
    tiers: Vec<LongContextTier>,
    #[serde(default)]
    service_tiers: BTreeMap<String, PriceTable>,
}

/// Encodes a model.
pub(super) fn row(model: &Model, now: Timestamp) -> CatalogueRow {
    let Tariff {
        standard,
        service_tiers,
        off_peak: _,
    } = &model.tariff;
    let micros = |time: SystemTime| {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        u64::try_from(since.as_micros()).ok()
    };
    let body = Body {
        aliases: model.aliases.clone(),
        max_input_tokens: model.max_input_tokens,
        max_output_tokens: model.max_output_tokens,
        operations: model.operations.clone(),
        retire_time: model.retire_time.and_then(micros),
        prices: standard.prices,
        tiers: standard.tiers.clone(),
        service_tiers: service_tiers.clone(),
    };
    CatalogueRow {
        provider: model.provider.as_str().to_owned(),
        model: model.id.clone(),
        body: serde_json::to_string(&body).expect("texts and numbers are JSON"),
        update_time: now,
    }
}

/// Decodes a model. A body of a later release that this one can't read yields a model without a price,
/// since the price in the files would be wrong.
fn read(row: &CatalogueRow) -> Option<Model> {
    let Ok(provider) = row.provider.parse::<ProviderId>() else {
        tracing::error!(
            provider = row.provider,
            model = row.model,
            "a catalogue override of an unknown provider was skipped"
        );
        return None;
    };
    let mut model = Model::new(provider, &row.model);
    let body: Body = match serde_json::from_str(&row.body) {
        Ok(body) => body,
        Err(error) => {
            let chain = &error as &dyn std::error::Error;
            tracing::error!(
                error = chain,
                provider = row.provider,
                model = row.model,
                "a catalogue override could not be decoded"
            );
            return Some(model);
        }
    };
    model.aliases = body.aliases;
    model.max_input_tokens = body.max_input_tokens;
    model.max_output_tokens = body.max_output_tokens;
    model.operations = body.operations;
    let time = |micros| SystemTime::UNIX_EPOCH.checked_add(Duration::from_micros(micros));
    model.retire_time = body.retire_time.and_then(time);
    model.tariff.standard.prices = body.prices;
    model.tariff.standard.tiers = body.tiers;
    model.tariff.service_tiers = body.service_tiers;
    Some(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(provider: &str, body: &str) -> CatalogueRow {
        CatalogueRow {
            provider: provider.to_owned(),
            model: "m".to_owned(),
            body: body.to_owned(),
            update_time: Timestamp::from_micros(7),
        }
    }

    #[test]
    fn a_model_decodes_to_what_was_encoded() {
        let mut model = Model::new(ProviderId::OpenRouter, "author/m");
        model.aliases = vec!["a".to_owned()];
        model.max_input_tokens = Some(1);
        model.max_output_tokens = Some(2);
        model.operations = vec![Operation::Generate, Operation::GenerateImages];
        model.retire_time =
            Some(SystemTime::UNIX_EPOCH + Duration::from_micros(1_795_262_400_000_001));
        let table: PriceTable = serde_json::from_str(
            r#"{"prices": {"input": 1, "cache_write_1h": 2, "image": 3},
                "tiers": [{"above_input_tokens": 4, "prices": {"output": 5}}]}"#,
        )
        .unwrap();
        model.tariff.standard = table.clone();
        model.tariff.service_tiers.insert("flex".to_owned(), table);
        let row = row(&model, Timestamp::from_micros(7));
        assert_eq!(read(&row), Some(model));
    }

    #[test]
    fn an_unreadable_override_has_no_price() {
        for body in [
            "",
            "{}}",
            r#"{"colour": 1}"#,
            r#"{"prices": {"colour": 1}}"#,
        ] {
            let model = read(&stored("custom", body)).unwrap();
            assert_eq!(model, Model::new(ProviderId::Custom, "m"), "{body}");
        }
        assert_eq!(read(&stored("unknown", "{}")), None);
    }

    #[test]
    fn a_name_of_another_override_is_a_conflict() {
        let mut known = Model::new(ProviderId::Custom, "known");
        known.aliases.push("alias".to_owned());
        let overrides = Overrides {
            revision: 1,
            models: vec![known.clone()],
        };
        let named = |provider, id: &str, alias: &str| {
            let mut model = Model::new(provider, id);
            model.aliases.push(alias.to_owned());
            model
        };
        let conflict = |model: Model| overrides.conflict(&model).map(ToOwned::to_owned);
        assert_eq!(conflict(known), None);
        assert_eq!(conflict(named(ProviderId::Custom, "known", "new")), None);
        assert_eq!(conflict(named(ProviderId::OpenAi, "alias", "known")), None);
        let other = |id, alias| conflict(named(ProviderId::Custom, id, alias));
        assert_eq!(other("alias", "x").as_deref(), Some("alias"));
        assert_eq!(other("new", "known").as_deref(), Some("known"));
    }
}
