//! The list of Google's own models at Vertex AI. It has little more than their names.

use serde::Deserialize;

use super::{Listed, Page};
use crate::decode::Undecodable;
use crate::json::Text;

pub(super) fn page(body: &[u8]) -> Result<Page, Undecodable> {
    let list: List<'_> = serde_json::from_slice(body).map_err(|_| Undecodable)?;
    let models = list.publisher_models.iter().map(|model| {
        // `publishers/google/models/gemini-3-pro`
        let (_, id) = model.name.rsplit_once('/').unwrap_or(("", &model.name));
        Listed {
            id: id.to_owned(),
            ..Listed::default()
        }
    });
    Ok(Page {
        models: models.filter(|model| !model.id.is_empty()).collect(),
        next: list
            .next_page_token
            .filter(|token| !token.is_empty())
            .map(Text::into_owned),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    #[serde(borrow)]
    publisher_models: Vec<Model<'a>>,
    #[serde(borrow)]
    next_page_token: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Model<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
}
