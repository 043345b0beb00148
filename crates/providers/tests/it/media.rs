//! Helpers for the tests of embeddings and images.

use http::{HeaderMap, StatusCode};
use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::Usage;
use latchkey_providers::decode::Reply;
use proptest::collection::vec;
use proptest::prelude::*;
use prost_types::value::Kind;
use prost_types::{Struct, Value};
use serde_json::json;

use crate::cases::KEY;
use crate::golden::Difference;

pub(crate) const UNSUPPORTED: [ProviderId; 2] = [ProviderId::Anthropic, ProviderId::DeepSeek];

/// Headers that intentionally differ from the SDK's.
pub(crate) fn differences(provider: ProviderId, case: &str) -> &'static [Difference] {
    /// Azure accepts keys as bearer tokens too, but its documentation says `api-key`.
    const AZURE_V1: [Difference; 2] = [
        ("authorization", Some("Bearer sk-golden-0123456789"), None),
        ("api-key", None, Some(KEY)),
    ];
    match (provider, case) {
        (ProviderId::Azure, "v1") => &AZURE_V1,
        _ => &[],
    }
}

/// The API version of Azure's older addresses.
pub(crate) fn api_version(provider: ProviderId, case: &str) -> &'static str {
    match (provider, case) {
        (ProviderId::Azure, "classic") => "2024-10-21",
        _ => "",
    }
}

pub(crate) fn options(fields: &[(&str, Kind)]) -> Struct {
    let fields = fields.iter().map(|(name, kind)| {
        let kind = Some(kind.clone());
        ((*name).to_owned(), Value { kind })
    });
    Struct {
        fields: fields.collect(),
    }
}

pub(crate) fn text(text: &str) -> Kind {
    Kind::StringValue(text.to_owned())
}

/// Decodes a body with a status.
pub(crate) fn replied<T>(status: u16, body: &str, read: impl FnOnce(&Reply<'_>) -> T) -> T {
    let headers = HeaderMap::new();
    let status = StatusCode::from_u16(status).unwrap();
    read(&Reply::undated(status, &headers, body.as_bytes(), KEY))
}

/// Usage as in the golden files: the classes that are not zero.
pub(crate) fn usage_as_json(usage: Option<Usage>) -> serde_json::Value {
    let Some(usage) = usage else {
        return serde_json::Value::Null;
    };
    let classes = [
        ("input", usage.input_tokens),
        ("cache_read", usage.cache_read_tokens),
        ("cache_write", usage.cache_write_tokens),
        ("cache_write_1h", usage.cache_write_1h_tokens),
        ("output", usage.output_tokens),
        ("reasoning", usage.reasoning_tokens),
        ("image_input", usage.image_input_tokens),
        ("image_output", usage.image_output_tokens),
        ("images", usage.image_count),
    ];
    let used = classes.into_iter().filter(|(_, count)| *count != 0);
    used.map(|(name, count)| (name.to_owned(), json!(count)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// JSON with these names, in which values often have the wrong type.
pub(crate) fn wild_json(
    names: &'static [&'static str],
) -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (0_u64..3).prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        Just("iVBORw0KGgo=".into()),
        Just("data:image/png;base64,AAAA".into()),
        Just("IMAGE".into()),
        "\\PC{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 48, 6, move |inner| {
        let name = prop::sample::select(names);
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Into::into),
            vec((name, inner), 0..6).prop_map(|members| {
                let members = members.into_iter();
                let members = members.map(|(name, value)| (name.to_owned(), value));
                serde_json::Value::Object(members.collect())
            }),
        ]
    })
}

/// Whether usage is consistent.
pub(crate) fn holds_together(usage: Usage) -> bool {
    [
        usage.input_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.cache_write_1h_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
        usage.image_input_tokens,
        usage.image_output_tokens,
        usage.image_count,
    ]
    .iter()
    .all(|count| *count >= 0)
}
