//! Thinking controls: a level since Gemini 3, a budget before.

use serde::Serialize;

use crate::catalogue::Effort;
use crate::encode::{EncodeError, EncodeErrorKind, Reasoning, refuse};

/// The level and the budget are mutually exclusive.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ThinkingConfig {
    /// Thoughts are returned whenever reasoning was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    include_thoughts: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_budget: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_level: Option<&'static str>,
}

/// Returns the thinking controls. None when the request has none.
pub(super) fn thinking(reasoning: Reasoning) -> Result<Option<ThinkingConfig>, EncodeError> {
    let (thinking_budget, thinking_level) = match (reasoning.effort, reasoning.budget) {
        (None, None) => return Ok(None),
        (None, Some(budget)) => (Some(budget), None),
        // There is no level for no thinking.
        (Some(Effort::None), _) => {
            return Ok(Some(ThinkingConfig {
                include_thoughts: None,
                thinking_budget: Some(0),
                thinking_level: None,
            }));
        }
        (Some(effort), _) => (None, Some(level(effort)?)),
    };
    Ok(Some(ThinkingConfig {
        include_thoughts: Some(true),
        thinking_budget,
        thinking_level,
    }))
}

fn level(effort: Effort) -> Result<&'static str, EncodeError> {
    match effort {
        Effort::Minimal => Ok("MINIMAL"),
        Effort::Low => Ok("LOW"),
        Effort::Medium => Ok("MEDIUM"),
        Effort::High => Ok("HIGH"),
        Effort::Xhigh => Ok("XHIGH"),
        Effort::Max | Effort::None => refuse(
            "reasoning.effort",
            EncodeErrorKind::UnsupportedByProvider,
            "the provider's highest level is xhigh",
        ),
    }
}
