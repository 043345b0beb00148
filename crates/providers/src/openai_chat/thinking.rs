//! Reasoning controls in each provider's spelling.

use serde::Serialize;

use super::flavour::{Flavour, Thinking};
use crate::catalogue::Effort;
use crate::encode::{self, Call, EncodeError, Reasoning};

/// Returns the reasoning controls of the request. Only OpenRouter has a field for a budget.
pub(super) fn reasoning(call: &Call<'_>, flavour: &Flavour) -> Result<Reasoning, EncodeError> {
    let reasoning = encode::reasoning(call)?;
    match flavour.thinking {
        Thinking::Object => Ok(reasoning),
        Thinking::Effort | Thinking::Switch => reasoning.without_budget(),
    }
}

/// The `reasoning_effort`. DeepSeek has the same values except `none`.
pub(super) fn effort(flavour: &Flavour, reasoning: &Reasoning) -> Option<&'static str> {
    let effort = match flavour.thinking {
        Thinking::Effort => reasoning.effort,
        Thinking::Object => None,
        Thinking::Switch => reasoning.effort.filter(|effort| *effort != Effort::None),
    };
    effort.map(Effort::as_str)
}

/// OpenRouter's `reasoning`.
#[derive(Serialize)]
pub(super) struct ReasoningObject {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<i64>,
}

impl ReasoningObject {
    pub(super) fn of(flavour: &Flavour, reasoning: &Reasoning) -> Option<Self> {
        let is_set = reasoning.effort.is_some() || reasoning.budget.is_some();
        (flavour.thinking == Thinking::Object && is_set).then(|| Self {
            effort: reasoning.effort.map(Effort::as_str),
            max_tokens: reasoning.budget,
        })
    }
}

/// DeepSeek's `thinking`.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Switch {
    Disabled,
    Enabled,
}

impl Switch {
    pub(super) fn of(flavour: &Flavour, reasoning: &Reasoning) -> Option<Self> {
        match (flavour.thinking, reasoning.effort?) {
            (Thinking::Switch, Effort::None) => Some(Self::Disabled),
            (Thinking::Switch, _) => Some(Self::Enabled),
            _ => None,
        }
    }
}
