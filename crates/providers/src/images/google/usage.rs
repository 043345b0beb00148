//! Usage of Google's image answers.

use latchkey_contract::router::v1::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::{Count, Text};

/// Reads usage and the service tier. Invalid usage is None: it must not fail an answer that was
/// paid for. `text` is whether the answer has text.
pub(super) fn read(
    raw: Option<&RawValue>,
    image_count: usize,
    text: bool,
) -> (Option<Usage>, String) {
    let read = raw.and_then(|raw| serde_json::from_str::<WireUsage<'_>>(raw.get()).ok());
    match read {
        Some(usage) => (usage.classes(image_count, text), usage.tier()),
        None => (None, String::new()),
    }
}

impl WireUsage<'_> {
    /// Converts to disjoint classes of tokens. The prompt count includes cached tokens but no
    /// results of server tools; the candidates count excludes thoughts.
    fn classes(&self, image_count: usize, text: bool) -> Option<Usage> {
        let prompt = self.prompt_token_count?.get();
        let input = prompt.saturating_add(self.tool_use_prompt_token_count.get());
        let image_input = images(self.prompt_tokens_details.as_deref())
            .unwrap_or(0)
            .min(input);
        let cached_images = images(self.cache_tokens_details.as_deref()).unwrap_or(0);
        let cached =
            (self.cached_content_token_count.get() - cached_images).clamp(0, input - image_input);
        let output = self.candidates_token_count.get();
        let image_output = match images(self.candidates_tokens_details.as_deref()) {
            Some(images) => images.min(output),
            // The output is not split by modality, and it consists of images only.
            None if !text => output,
            None => 0,
        };
        Some(Usage {
            input_tokens: input - image_input - cached,
            cache_read_tokens: cached,
            output_tokens: output - image_output,
            reasoning_tokens: self.thoughts_token_count.get(),
            image_input_tokens: image_input,
            image_output_tokens: image_output,
            image_count: i64::try_from(image_count).unwrap_or(i64::MAX),
            ..Usage::default()
        })
    }

    /// The service tier: AI Studio's name, or the part of Vertex AI's traffic type after
    /// `ON_DEMAND`. `FLEX` and `PRIORITY` are the common names of those tiers.
    fn tier(&self) -> String {
        if !self.service_tier.is_empty() {
            return (*self.service_tier).to_owned();
        }
        let traffic = &*self.traffic_type;
        traffic
            .strip_prefix("ON_DEMAND_")
            .unwrap_or(traffic)
            .to_owned()
    }
}

/// The tokens of images. None when the usage is not split by modality.
fn images(details: Option<&[ModalityTokenCount<'_>]>) -> Option<i64> {
    let images = details?.iter().filter(|one| &*one.modality == "IMAGE");
    Some(images.fold(0, |sum, one| one.token_count.get().saturating_add(sum)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireUsage<'a> {
    prompt_token_count: Option<Count>,
    #[serde(default)]
    tool_use_prompt_token_count: Count,
    #[serde(default)]
    cached_content_token_count: Count,
    #[serde(default)]
    candidates_token_count: Count,
    #[serde(default)]
    thoughts_token_count: Count,
    #[serde(borrow)]
    prompt_tokens_details: Option<Vec<ModalityTokenCount<'a>>>,
    #[serde(borrow)]
    cache_tokens_details: Option<Vec<ModalityTokenCount<'a>>>,
    #[serde(borrow)]
    candidates_tokens_details: Option<Vec<ModalityTokenCount<'a>>>,
    #[serde(borrow, default)]
    service_tier: Text<'a>,
    #[serde(borrow, default)]
    traffic_type: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModalityTokenCount<'a> {
    #[serde(borrow, default)]
    modality: Text<'a>,
    #[serde(default)]
    token_count: Count,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(json: &str, text: bool) -> (Option<Usage>, String) {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        read(Some(&raw), 1, text)
    }

    #[test]
    fn usage_classes_are_disjoint() {
        let (read, tier) = usage(
            r#"{"promptTokenCount":600,"toolUsePromptTokenCount":10,"cachedContentTokenCount":300,
                "candidatesTokenCount":1300,"thoughtsTokenCount":50,"totalTokenCount":1960,
                "promptTokensDetails":[{"modality":"TEXT","tokenCount":342},
                    {"modality":"IMAGE","tokenCount":258}],
                "cacheTokensDetails":[{"modality":"IMAGE","tokenCount":258},{"modality":"TEXT"}],
                "candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":1290},
                    {"modality":"TEXT","tokenCount":10}],
                "trafficType":"ON_DEMAND_FLEX"}"#,
            true,
        );
        let expected = Usage {
            input_tokens: 310,
            cache_read_tokens: 42,
            image_input_tokens: 258,
            output_tokens: 10,
            reasoning_tokens: 50,
            image_output_tokens: 1290,
            image_count: 1,
            ..Usage::default()
        };
        assert_eq!(read, Some(expected));
        assert_eq!(tier, "FLEX");
    }

    #[test]
    fn unsplit_output_is_images_when_there_is_no_text() {
        let json = r#"{"promptTokenCount":5,"candidatesTokenCount":1290}"#;
        for (text, output, image_output) in [(false, 0, 1290), (true, 1290, 0)] {
            let usage = usage(json, text).0.unwrap();
            assert_eq!(usage.output_tokens, output);
            assert_eq!(usage.image_output_tokens, image_output);
        }
    }

    #[test]
    fn traffic_types_map_to_the_common_tier_names() {
        for (json, tier) in [
            (r#"{"serviceTier":"priority"}"#, "priority"),
            (r#"{"trafficType":"ON_DEMAND"}"#, "ON_DEMAND"),
            (
                r#"{"trafficType":"PROVISIONED_THROUGHPUT"}"#,
                "PROVISIONED_THROUGHPUT",
            ),
            ("{}", ""),
        ] {
            assert_eq!(usage(json, false), (None, tier.to_owned()));
        }
    }

    #[test]
    fn invalid_usage_is_none() {
        for json in ["null", "{}", "[]", r#"{"promptTokenCount":"5"}"#] {
            assert_eq!(usage(json, false).0, None, "{json}");
        }
    }
}
