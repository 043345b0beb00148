//! OpenRouter's list: one page with the models of all upstreams.

use latchkey_contract::router::v1::Operation;
use serde::Deserialize;

use super::{Listed, Page};
use crate::decode::Undecodable;
use crate::json::{Count, Text};

pub(super) fn page(body: &[u8]) -> Result<Page, Undecodable> {
    let list: List<'_> = serde_json::from_slice(body).map_err(|_| Undecodable)?;
    let named = list.data.into_iter().filter(|model| !model.id.is_empty());
    let models = named.map(|model| Listed {
        max_input_tokens: model.context_length.map(Count::get),
        max_output_tokens: model
            .top_provider
            .and_then(|provider| provider.max_completion_tokens)
            .map(Count::get),
        operations: model.architecture.map(|gives| gives.operations()),
        display_name: model.name.unwrap_or_default().into_owned(),
        id: model.id.into_owned(),
    });
    Ok(Page {
        models: models.collect(),
        next: None,
    })
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    data: Vec<Model<'a>>,
}

#[derive(Deserialize)]
struct Model<'a> {
    #[serde(borrow, default)]
    id: Text<'a>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    context_length: Option<Count>,
    top_provider: Option<TopProvider>,
    #[serde(borrow)]
    architecture: Option<Architecture<'a>>,
}

#[derive(Deserialize)]
struct TopProvider {
    max_completion_tokens: Option<Count>,
}

#[derive(Deserialize)]
struct Architecture<'a> {
    #[serde(borrow, default)]
    output_modalities: Vec<Text<'a>>,
}

impl Architecture<'_> {
    fn operations(&self) -> Vec<Operation> {
        let operation = |gives: &Text<'_>| match &**gives {
            "text" => Some(Operation::Generate),
            "image" => Some(Operation::GenerateImages),
            "embeddings" => Some(Operation::Embed),
            _ => None,
        };
        self.output_modalities
            .iter()
            .filter_map(operation)
            .collect()
    }
}
