//! Google's usage. The prompt includes cached tokens; the candidates exclude thoughts.

use latchkey_contract::router::v1::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::{Count, Text};
use crate::openai_chat::{Totals, split};

/// A usage report.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Reported {
    pub(super) usage: Option<Usage>,
    /// The service tier. Vertex AI's traffic types are mapped to AI Studio's tier names.
    pub(super) service_tier: String,
}

/// Reads usage. Invalid usage is None: it must not fail an answer that was paid for.
pub(super) fn read(raw: Option<&RawValue>) -> Option<Reported> {
    let metadata: UsageMetadata<'_> = serde_json::from_str(raw?.get()).ok()?;
    Some(Reported {
        usage: usage(&metadata),
        service_tier: service_tier(metadata.traffic_type.as_deref().unwrap_or_default()),
    })
}

fn usage(metadata: &UsageMetadata<'_>) -> Option<Usage> {
    if metadata.prompt_token_count.is_none() && metadata.candidates_token_count.is_none() {
        return None;
    }
    let count = |count: Option<Count>| count.unwrap_or_default().get();
    // Results of Google's server tools are input as well. No other count includes them.
    let input = count(metadata.prompt_token_count)
        .saturating_add(count(metadata.tool_use_prompt_token_count));
    let thoughts = count(metadata.thoughts_token_count);
    let usage = split(Totals {
        input,
        cache_read: count(metadata.cached_content_token_count),
        cache_write: 0,
        cache_write_long: 0,
        output: count(metadata.candidates_token_count).saturating_add(thoughts),
        reasoning: thoughts,
    });
    // Images are a class of their own, cached or not.
    let cached =
        image_tokens(metadata.cache_tokens_details.as_deref()).min(usage.cache_read_tokens);
    let seen = image_tokens(metadata.prompt_tokens_details.as_deref());
    let fresh = seen.saturating_sub(cached).clamp(0, usage.input_tokens);
    let made = image_tokens(metadata.candidates_tokens_details.as_deref()).min(usage.output_tokens);
    Some(Usage {
        input_tokens: usage.input_tokens - fresh,
        cache_read_tokens: usage.cache_read_tokens - cached,
        output_tokens: usage.output_tokens - made,
        image_input_tokens: fresh + cached,
        image_output_tokens: made,
        ..usage
    })
}

fn image_tokens(details: Option<&[Detail<'_>]>) -> i64 {
    details
        .unwrap_or_default()
        .iter()
        .filter(|detail| detail.modality.as_deref() == Some("IMAGE"))
        .fold(0, |sum, detail| {
            sum.saturating_add(detail.token_count.unwrap_or_default().get())
        })
}

fn service_tier(traffic_type: &str) -> String {
    match traffic_type {
        "" | "TRAFFIC_TYPE_UNSPECIFIED" => String::new(),
        "ON_DEMAND" => "standard".to_owned(),
        other => {
            let tier = other.strip_prefix("ON_DEMAND_").unwrap_or(other);
            tier.to_ascii_lowercase()
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UsageMetadata<'a> {
    prompt_token_count: Option<Count>,
    tool_use_prompt_token_count: Option<Count>,
    cached_content_token_count: Option<Count>,
    candidates_token_count: Option<Count>,
    thoughts_token_count: Option<Count>,
    #[serde(borrow)]
    prompt_tokens_details: Option<Vec<Detail<'a>>>,
    #[serde(borrow)]
    cache_tokens_details: Option<Vec<Detail<'a>>>,
    #[serde(borrow)]
    candidates_tokens_details: Option<Vec<Detail<'a>>>,
    #[serde(borrow)]
    traffic_type: Option<Text<'a>>,
}

/// The tokens of one modality.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail<'a> {
    #[serde(borrow)]
    modality: Option<Text<'a>>,
    token_count: Option<Count>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(json: &str) -> Option<Reported> {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        read(Some(&raw))
    }

    fn usage_of(json: &str) -> Option<Usage> {
        reported(json).and_then(|reported| reported.usage)
    }

    #[test]
    fn usage_classes_are_disjoint() {
        let read = usage_of(
            r#"{"promptTokenCount":100,"cachedContentTokenCount":40,"toolUsePromptTokenCount":7,
                "candidatesTokenCount":30,"thoughtsTokenCount":12,"totalTokenCount":149,
                "promptTokensDetails":[{"modality":"TEXT","tokenCount":60},{"modality":"IMAGE","tokenCount":40}],
                "cacheTokensDetails":[{"modality":"IMAGE","tokenCount":10},{"modality":"TEXT","tokenCount":30}],
                "candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":20},{"modality":"TEXT","tokenCount":10}]}"#,
        );
        let expected = Usage {
            input_tokens: 100 + 7 - 40 - 30,
            cache_read_tokens: 30,
            output_tokens: 10,
            reasoning_tokens: 12,
            image_input_tokens: 40,
            image_output_tokens: 20,
            ..Usage::default()
        };
        assert_eq!(read, Some(expected));
    }

    #[test]
    fn details_may_be_null_or_exceed_their_total() {
        let read = usage_of(
            r#"{"promptTokenCount":5,"cachedContentTokenCount":9,"promptTokensDetails":null,
                "cacheTokensDetails":[{"modality":"IMAGE","tokenCount":90}],
                "candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":3},{}]}"#,
        );
        let expected = Usage {
            image_input_tokens: 5,
            ..Usage::default()
        };
        assert_eq!(read, Some(expected));
    }

    #[test]
    fn invalid_usage_is_none() {
        for json in [
            "null",
            "{}",
            "[]",
            r#"{"thoughtsTokenCount":1}"#,
            r#""many""#,
        ] {
            assert_eq!(usage_of(json), None, "{json}");
        }
    }

    #[test]
    fn traffic_types_map_to_service_tiers() {
        for (traffic, tier) in [
            ("ON_DEMAND", "standard"),
            ("ON_DEMAND_FLEX", "flex"),
            ("ON_DEMAND_PRIORITY", "priority"),
            ("PROVISIONED_THROUGHPUT", "provisioned_throughput"),
            ("TRAFFIC_TYPE_UNSPECIFIED", ""),
        ] {
            let read = reported(&format!(r#"{{"trafficType":"{traffic}"}}"#)).unwrap();
            assert_eq!(read.service_tier, tier);
        }
    }
}
