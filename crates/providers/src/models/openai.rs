//! OpenAI's list, and those of compatible servers: one page, names alone.

use serde::Deserialize;

use super::{Listed, Page};
use crate::decode::Undecodable;
use crate::json::Text;

pub(super) fn page(body: &[u8]) -> Result<Page, Undecodable> {
    let list: List<'_> = serde_json::from_slice(body).map_err(|_| Undecodable)?;
    let models = list.data.into_iter().filter(|model| !model.id.is_empty());
    let models = models.map(|model| Listed {
        id: model.id.into_owned(),
        ..Listed::default()
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
}
