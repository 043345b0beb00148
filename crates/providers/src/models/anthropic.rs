//! Anthropic's list of models.

use latchkey_contract::router::v1::Operation;
use serde::Deserialize;

use super::{Listed, Page};
use crate::decode::Undecodable;
use crate::json::{Count, Text};

pub(super) fn page(body: &[u8]) -> Result<Page, Undecodable> {
    let list: List<'_> = serde_json::from_slice(body).map_err(|_| Undecodable)?;
    let next = list
        .last_id
        .filter(|last| list.has_more && !last.is_empty());
    let named = list.data.into_iter().filter(|model| !model.id.is_empty());
    let models = named.map(|model| Listed {
        id: model.id.into_owned(),
        display_name: model.display_name.unwrap_or_default().into_owned(),
        max_input_tokens: model.max_input_tokens.map(Count::get),
        max_output_tokens: model.max_tokens.map(Count::get),
        operations: Some(vec![Operation::Generate, Operation::CountTokens]),
    });
    Ok(Page {
        models: models.collect(),
        next: next.map(Text::into_owned),
    })
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    data: Vec<Model<'a>>,
    #[serde(default)]
    has_more: bool,
    #[serde(borrow)]
    last_id: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Model<'a> {
    #[serde(borrow, default)]
    id: Text<'a>,
    #[serde(borrow)]
    display_name: Option<Text<'a>>,
    max_input_tokens: Option<Count>,
    max_tokens: Option<Count>,
}
