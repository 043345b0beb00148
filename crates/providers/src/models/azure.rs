//! Azure's list: the models that a resource may deploy. Deployments themselves cannot be listed.

use latchkey_contract::router::v1::Operation;
use serde::Deserialize;

use super::{Listed, Page};
use crate::decode::Undecodable;
use crate::json::Text;

pub(super) fn page(body: &[u8]) -> Result<Page, Undecodable> {
    let list: List<'_> = serde_json::from_slice(body).map_err(|_| Undecodable)?;
    let usable = |model: &Model<'_>| {
        let fine_tuning_only = model
            .capabilities
            .as_ref()
            .is_some_and(|can| can.inference == Some(false));
        !model.id.is_empty() && !fine_tuning_only
    };
    let models = list.data.into_iter().filter(usable).map(|model| Listed {
        operations: model.capabilities.as_ref().map(Capabilities::operations),
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
    capabilities: Option<Capabilities>,
}

#[derive(Deserialize)]
struct Capabilities {
    /// False for models that can only be fine-tuned.
    inference: Option<bool>,
    chat_completion: Option<bool>,
    embeddings: Option<bool>,
}

impl Capabilities {
    fn operations(&self) -> Vec<Operation> {
        let all = [
            (self.chat_completion, Operation::Generate),
            (self.embeddings, Operation::Embed),
        ];
        let can = all.into_iter().filter(|(can, _)| *can == Some(true));
        can.map(|(_, operation)| operation).collect()
    }
}
