//! The lists of OpenAI, DeepSeek and compatible servers: one page of names, with the context length
//! at some servers.

use serde::Deserialize;

use super::{Listed, Page};
use crate::decode::Undecodable;
use crate::json::{Count, Text};

pub(super) fn page(body: &[u8]) -> Result<Page, Undecodable> {
    let list: List<'_> = serde_json::from_slice(body).map_err(|_| Undecodable)?;
    let entries = match list {
        List::Bare(models) | List::Data { data: models } | List::Models { models } => models,
    };
    let models = entries.into_iter().map(|model| Listed {
        max_input_tokens: model.max_input_tokens(),
        id: model.id.or(model.name).unwrap_or_default().into_owned(),
        ..Listed::default()
    });
    Ok(Page {
        models: models.filter(|model| !model.id.is_empty()).collect(),
        next: None,
    })
}

/// OpenAI has `data`, Together a bare list, others `models`.
#[derive(Deserialize)]
#[serde(untagged)]
enum List<'a> {
    #[serde(borrow)]
    Bare(Vec<Model<'a>>),
    Data {
        #[serde(borrow)]
        data: Vec<Model<'a>>,
    },
    Models {
        #[serde(borrow)]
        models: Vec<Model<'a>>,
    },
}

#[derive(Deserialize)]
struct Model<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    /// At vLLM.
    max_model_len: Option<Count>,
    /// At Mistral.
    max_context_length: Option<Count>,
    /// At Groq.
    context_window: Option<Count>,
    /// At Together and LM Studio.
    context_length: Option<Count>,
}

impl Model<'_> {
    fn max_input_tokens(&self) -> Option<i64> {
        let reported = self
            .max_model_len
            .or(self.max_context_length)
            .or(self.context_window)
            .or(self.context_length);
        reported.map(Count::get).filter(|tokens| *tokens > 0)
    }
}
