//! OpenRouter's `provider`: which upstreams may serve a request.
//!
//! Without `require_parameters` OpenRouter silently drops parameters that an upstream does not
//! support. A request with parameters therefore requires upstreams that support them all. The
//! caller's other preferences are kept, and the caller's own `require_parameters`, true or false,
//! takes precedence.

use prost_types::value::Kind;
use prost_types::{Struct, Value};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::encode::{EncodeError, EncodeErrorKind, OptionValue, refuse};

/// The `provider` field of the body.
pub(super) struct Preferences<'a> {
    given: Option<&'a Struct>,
    require_parameters: bool,
}

/// Returns the preferences of a request. None when there are none. `has_parameters` is whether the
/// body has parameters of its own.
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

/// Whether the options include a parameter that an upstream may not support. Other options are for
/// OpenRouter itself.
fn has_parameter(options: &Struct) -> bool {
    PARAMETERS
        .iter()
        .any(|name| options.fields.get(*name).is_some_and(is_given))
}

const PROVIDER: &str = "provider";
const REQUIRE: &str = "require_parameters";

/// OpenRouter's list of parameters that a model may not support.
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
