//! Item fields other than the content, which must be sent back with it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The state of a text or tool call: fields of its item, as JSON.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct ItemState<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<Cow<'a, str>>,
    /// Whether a text was a comment or the final answer.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) phase: Option<Cow<'a, str>>,
}

impl ItemState<'_> {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings always serialise")
    }
}
