//! The list of Google AI Studio.

use latchkey_contract::router::v1::Operation;
use serde::Deserialize;

use super::{Listed, Page};
use crate::decode::Undecodable;
use crate::json::{Count, Text};

pub(super) fn page(body: &[u8]) -> Result<Page, Undecodable> {
    let list: List<'_> = serde_json::from_slice(body).map_err(|_| Undecodable)?;
    Ok(Page {
        models: list.models.into_iter().filter_map(listed).collect(),
        next: list
            .next_page_token
            .filter(|token| !token.is_empty())
            .map(Text::into_owned),
    })
}

/// Nothing for models of other methods alone, such as those that speak or make films.
fn listed(model: Model<'_>) -> Option<Listed> {
    let id = model.name.strip_prefix("models/").unwrap_or(&model.name);
    let mut operations = Vec::new();
    for method in &model.supported_generation_methods {
        let operation = match &**method {
            "generateContent" => Operation::Generate,
            "countTokens" => Operation::CountTokens,
            "embedContent" | "batchEmbedContents" => Operation::Embed,
            _ => continue,
        };
        if !operations.contains(&operation) {
            operations.push(operation);
        }
    }
    // Pictures are made by the same method; only the names of the models that can tell.
    if operations.contains(&Operation::Generate) && id.contains("-image") {
        operations.push(Operation::GenerateImages);
    }
    let useful = operations
        .iter()
        .any(|operation| *operation != Operation::CountTokens);
    (useful && !id.is_empty()).then(|| Listed {
        id: id.to_owned(),
        display_name: model.display_name.unwrap_or_default().into_owned(),
        max_input_tokens: model.input_token_limit.map(Count::get),
        max_output_tokens: model.output_token_limit.map(Count::get),
        operations: Some(operations),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    #[serde(borrow)]
    models: Vec<Model<'a>>,
    #[serde(borrow)]
    next_page_token: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Model<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow)]
    display_name: Option<Text<'a>>,
    input_token_limit: Option<Count>,
    output_token_limit: Option<Count>,
    #[serde(borrow, default)]
    supported_generation_methods: Vec<Text<'a>>,
}
