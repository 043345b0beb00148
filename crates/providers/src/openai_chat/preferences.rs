//! OpenRouter's `provider`: which of its upstreams may serve a request.
//!
//! Without `require_parameters` OpenRouter drops what an upstream does not know, and says nothing. So
//! a request with parameters asks for upstreams that know them all. Other preferences of the caller's
//! are kept; a `require_parameters` of the caller's own, true or false, is the last word.

use prost_types::value::Kind;
use prost_types::{Struct, Value};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::encode::{EncodeError, EncodeErrorKind, OptionValue, refuse};

/// What goes into the body as `provider`.
pub(super) struct Preferences<'a> {
    given: Option<&'a Struct>,
    require_parameters: bool,
}

/// The preferences of a request; nothing when there are none. `has_parameters` tells whether the
/// body has any of its own.
pub(super) fn preferences(
    options: Option<&Struct>,
    has_parameters: bool,
) -> Result<Option<Preferences<'_>>, EncodeError> {
    let given = match options.and_then(|options| options.fields.get(PROVIDER)) {
        None => None,
        Some(value) => match &value.kind {
            None | Some(Kind::NullValue(_)) => None,
            Some(Kind::StructValue(given)) => Some(given),
            Some(_) => {
                return refuse(
                    "provider_options.provider",
                    EncodeErrorKind::Invalid,
                    "must be an object",
                );
            }
        },
    };
    let decided = given.is_some_and(|given| given.fields.get(REQUIRE).is_some_and(is_given));
    let has_parameters = has_parameters || options.is_some_and(has_parameter);
    let preferences = Preferences {
        given,
        require_parameters: has_parameters && !decided,
    };
    let any = given.is_some() || preferences.require_parameters;
    Ok(any.then_some(preferences))
}

impl Serialize for Preferences<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.given.iter().flat_map(|given| &given.fields) {
            if !(self.require_parameters && name == REQUIRE) {
                map.serialize_entry(name, &OptionValue(value))?;
            }
        }
        if self.require_parameters {
            map.serialize_entry(REQUIRE, &true)?;
        }
        map.end()
    }
}

fn is_given(value: &Value) -> bool {
    !matches!(value.kind, None | Some(Kind::NullValue(_)))
}

/// Whether options hold what an upstream may not know. Others of them are for OpenRouter itself.
fn has_parameter(options: &Struct) -> bool {
    PARAMETERS
        .iter()
        .any(|name| options.fields.get(*name).is_some_and(is_given))
}

const PROVIDER: &str = "provider";
const REQUIRE: &str = "require_parameters";

/// OpenRouter's own list of what a model may know or not.
const PARAMETERS: [&str; 26] = [
    "frequency_penalty",
    "include_reasoning",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "min_p",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "reasoning",
    "reasoning_effort",
    "repetition_penalty",
    "response_format",
    "seed",
    "stop",
    "structured_outputs",
    "temperature",
    "tool_choice",
    "tools",
    "top_a",
    "top_k",
    "top_logprobs",
    "top_p",
    "verbosity",
    "web_search_options",
];
