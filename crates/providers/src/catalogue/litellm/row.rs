//! Reads one row into a model.

use std::collections::BTreeMap;

use latchkey_contract::ProviderId;
use serde_json::value::RawValue;

use crate::catalogue::{Date, LongContextTier, Model, Operation, PriceTable, Prices, Tariff};
use crate::money::scaled_up;

use super::SkipReason;
use super::field::{PriceField, SetOnce};
use super::hours;

/// The fields of a row, each as raw JSON.
pub(super) struct Row<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Row<'a> {
    /// Parses a row. None when it is not an object, or its provider is not a string.
    pub(super) fn read(json: &'a RawValue) -> Option<Self> {
        let row = Self(serde_json::from_str(json.get()).ok()?);
        row.text("litellm_provider").ok()?;
        Some(row)
    }

    /// Returns the provider, the provider's name of the model, and whether the row's name has the
    /// provider's prefix. None for unsupported providers.
    pub(super) fn identify<'n>(&self, name: &'n str) -> Option<(ProviderId, &'n str, bool)> {
        let provider = self.text("litellm_provider").ok()??;
        let (provider, prefix) = match provider.as_str() {
            "anthropic" => (ProviderId::Anthropic, "anthropic/"),
            "azure" => (ProviderId::Azure, "azure/"),
            "deepseek" => (ProviderId::DeepSeek, "deepseek/"),
            "gemini" => (ProviderId::Google, "gemini/"),
            "openai" => (ProviderId::OpenAi, "openai/"),
            "openrouter" => (ProviderId::OpenRouter, "openrouter/"),
            // `vertex_ai-language-models`, `vertex_ai-anthropic_models` and similar.
            of_vertex if of_vertex == "vertex_ai" || of_vertex.starts_with("vertex_ai-") => {
                (ProviderId::Vertex, "vertex_ai/")
            }
            _ => return None,
        };
        match name.strip_prefix(prefix) {
            Some(id) => Some((provider, id, true)),
            None => Some((provider, name, false)),
        }
    }

    /// Reads the model of the row.
    pub(super) fn model(&self, provider: ProviderId, id: &str) -> Result<Model, SkipReason> {
        let operations = self.operations()?;
        if id.split('/').any(is_size) {
            return Err(SkipReason::Size);
        }
        let makes_images = operations.contains(&Operation::GenerateImages);
        let tariff = self.tariff(makes_images)?;
        // All-zero prices mean an unknown price, or another way of pricing.
        if tariff.standard.prices.amounts().all(|amount| amount == 0) {
            return Err(SkipReason::NoPrice);
        }
        let mut model = Model::new(provider, id);
        model.operations = operations;
        model.max_input_tokens = self.limit("max_input_tokens")?;
        model.max_output_tokens = self.limit("max_output_tokens")?;
        model.tariff = tariff;
        if let Some(date) = self.text("deprecation_date")? {
            let date: Date = date
                .parse()
                .map_err(|_| invalid_field("deprecation_date"))?;
            model.retire_time = Some(date.start());
        }
        model.check()?;
        Ok(model)
    }

    fn operations(&self) -> Result<Vec<Operation>, SkipReason> {
        match self.text("mode")?.unwrap_or_default().as_str() {
            "chat" | "responses" => Ok(vec![Operation::Generate]),
            "embedding" => Ok(vec![Operation::Embed]),
            "image_generation" if self.generates_text() => {
                Ok(vec![Operation::Generate, Operation::GenerateImages])
            }
            "image_generation" => Ok(vec![Operation::GenerateImages]),
            mode => Err(SkipReason::Mode(mode.to_owned())),
        }
    }

    /// Whether the model generates text, whatever its mode.
    fn generates_text(&self) -> bool {
        let endpoints = self.0.get("supported_endpoints").copied();
        endpoints
            .and_then(|json| serde_json::from_str::<Vec<String>>(json.get()).ok())
            .is_some_and(|paths| paths.iter().any(|path| path == "/v1/chat/completions"))
    }

    fn tariff(&self, makes_images: bool) -> Result<Tariff, SkipReason> {
        let mut lists: BTreeMap<(Option<&str>, Option<i64>), Prices> = BTreeMap::new();
        for (name, amount) in &self.0 {
            if let Some(field) = PriceField::parse(name) {
                let list = lists.entry((field.service_tier, field.above)).or_default();
                set_price(field, list, name, amount)?;
            }
        }
        let mut tariff = Tariff::default();
        for ((service_tier, above), mut prices) in lists {
            if !makes_images {
                // Some rows use the field for songs.
                prices.image = None;
            }
            let table = match service_tier {
                None => &mut tariff.standard,
                Some(name) => tariff.service_tiers.entry(name.to_owned()).or_default(),
            };
            insert_prices(table, above, prices);
        }
        if let Some(json) = self.0.get("off_peak_pricing") {
            let invalid_field = || invalid_field("off_peak_pricing");
            let fields = Self::read_object(json).ok_or_else(invalid_field)?;
            let mut prices = Prices::default();
            for (name, amount) in &fields {
                match PriceField::parse(name) {
                    Some(field) if field.above.is_none() && field.service_tier.is_none() => {
                        set_price(field, &mut prices, name, amount)?;
                    }
                    Some(_) => return Err(invalid_field()),
                    None => {}
                }
            }
            let off_peak = hours::off_peak(json, without_double_image_price(prices))
                .ok_or_else(invalid_field)?;
            tariff.off_peak = Some(off_peak);
        }
        Ok(tariff)
    }

    fn read_object(json: &'a RawValue) -> Option<BTreeMap<String, &'a RawValue>> {
        serde_json::from_str(json.get()).ok()
    }

    fn limit(&self, field: &str) -> Result<Option<i64>, SkipReason> {
        match self.0.get(field).map(|json| json.get()) {
            None | Some("null") => Ok(None),
            Some(text) => scaled_up(text, 0)
                .map(Some)
                .ok_or_else(|| invalid_field(field)),
        }
    }

    fn text(&self, field: &str) -> Result<Option<String>, SkipReason> {
        match self.0.get(field) {
            None => Ok(None),
            Some(json) => serde_json::from_str(json.get()).map_err(|_| invalid_field(field)),
        }
    }
}

fn set_price(
    field: PriceField<'_>,
    prices: &mut Prices,
    name: &str,
    amount: &RawValue,
) -> Result<(), SkipReason> {
    if amount.get() == "null" {
        return Ok(());
    }
    match field.set(prices, amount.get()) {
        Some(SetOnce::First) => Ok(()),
        Some(SetOnce::Again) => Err(SkipReason::DuplicatePrice(name.to_owned())),
        None => Err(invalid_field(name)),
    }
}

fn insert_prices(table: &mut PriceTable, above: Option<i64>, prices: Prices) {
    let prices = without_double_image_price(prices);
    match above {
        None => table.prices = prices,
        // The fields are sorted by threshold.
        Some(above_input_tokens) => table.tiers.push(LongContextTier {
            above_input_tokens,
            prices,
        }),
    }
}

/// Removes the price per image where image tokens have a price. A row gives both, but only one is
/// charged.
fn without_double_image_price(mut prices: Prices) -> Prices {
    if prices.image_output.is_some() {
        prices.image = None;
    }
    prices
}

/// Whether a segment is an image size such as `1024-x-1024`.
fn is_size(segment: &str) -> bool {
    let numeric = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    segment
        .split_once("-x-")
        .is_some_and(|(width, height)| numeric(width) && numeric(height))
}

fn invalid_field(field: &str) -> SkipReason {
    SkipReason::Field(field.to_owned())
}
