//! Usage of OpenAI's image answers, in both of its spellings.

use latchkey_contract::router::v1::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::Count;

/// Reads usage. Invalid usage is None: it must not fail an answer that was paid for. `svg` is the
/// usage of the model that wrote an SVG, which is reported separately.
pub(super) fn read(
    raw: Option<&RawValue>,
    svg: Option<&RawValue>,
    image_count: usize,
) -> Option<Usage> {
    let usage: WireUsage = serde_json::from_str(raw?.get()).ok()?;
    let input = usage.input_tokens.or(usage.prompt_tokens)?.get();
    let output = usage.output_tokens.or(usage.completion_tokens)?.get();
    let of_input = usage
        .input_tokens_details
        .or(usage.prompt_tokens_details)
        .unwrap_or_default();
    let of_output = usage
        .output_tokens_details
        .or(usage.completion_tokens_details);
    let image_input = of_input.image.get().min(input);
    let cached = of_input.cached.get().min(input - image_input);
    let written = of_input.cache_write.get().min(input - image_input - cached);
    let image_output = match of_output {
        Some(details) => details.image_tokens.get().min(output),
        // By OpenAI's specification, all output is images if `output_tokens` is not split.
        None if usage.output_tokens.is_some() => output,
        None => 0,
    };
    let reasoning = of_output
        .unwrap_or_default()
        .reasoning_tokens
        .get()
        .min(output - image_output);
    let drawing = svg.and_then(svg_usage).unwrap_or_default();
    Some(Usage {
        input_tokens: add(input - image_input - cached - written, drawing.input_tokens),
        cache_read_tokens: cached,
        cache_write_tokens: written,
        cache_write_1h_tokens: 0,
        output_tokens: add(output - image_output - reasoning, drawing.output_tokens),
        reasoning_tokens: add(reasoning, drawing.reasoning_tokens),
        image_input_tokens: image_input,
        image_output_tokens: image_output,
        image_count: i64::try_from(image_count).unwrap_or(i64::MAX),
    })
}

/// Reads the usage of writing an SVG. Its output includes reasoning.
fn svg_usage(raw: &RawValue) -> Option<Usage> {
    let usage: WireUsage = serde_json::from_str(raw.get()).ok()?;
    let output = usage.output_tokens?.get();
    let reasoning = usage.reasoning_tokens.unwrap_or_default().get().min(output);
    Some(Usage {
        input_tokens: usage.input_tokens?.get(),
        output_tokens: output - reasoning,
        reasoning_tokens: reasoning,
        ..Usage::default()
    })
}

fn add(tokens: i64, more: i64) -> i64 {
    tokens.saturating_add(more)
}

/// OpenAI's names are `input_tokens` and so on, OpenRouter's `prompt_tokens` and so on.
#[derive(Deserialize)]
struct WireUsage {
    input_tokens: Option<Count>,
    output_tokens: Option<Count>,
    reasoning_tokens: Option<Count>,
    input_tokens_details: Option<InputDetails>,
    output_tokens_details: Option<OutputDetails>,
    prompt_tokens: Option<Count>,
    completion_tokens: Option<Count>,
    prompt_tokens_details: Option<InputDetails>,
    completion_tokens_details: Option<OutputDetails>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct InputDetails {
    #[serde(rename = "cached_tokens")]
    cached: Count,
    #[serde(rename = "cache_write_tokens")]
    cache_write: Count,
    #[serde(rename = "image_tokens")]
    image: Count,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    image_tokens: Count,
    reasoning_tokens: Count,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        serde_json::from_str(json).unwrap()
    }

    fn usage(json: &str) -> Option<Usage> {
        read(Some(&raw(json)), None, 1)
    }

    #[test]
    fn usage_classes_are_disjoint() {
        let read = usage(
            r#"{"input_tokens":100,"output_tokens":1000,"total_tokens":1100,
                "input_tokens_details":{"text_tokens":40,"image_tokens":60},
                "output_tokens_details":{"text_tokens":30,"image_tokens":970}}"#,
        );
        let expected = Usage {
            input_tokens: 40,
            image_input_tokens: 60,
            output_tokens: 30,
            image_output_tokens: 970,
            image_count: 1,
            ..Usage::default()
        };
        assert_eq!(read, Some(expected));
    }

    #[test]
    fn openrouters_field_names_are_read() {
        let read = usage(
            r#"{"prompt_tokens":100,"completion_tokens":1300,"total_tokens":1400,
                "prompt_tokens_details":{"cached_tokens":10,"cache_write_tokens":20},
                "completion_tokens_details":{"image_tokens":1290,"reasoning_tokens":4}}"#,
        );
        let expected = Usage {
            input_tokens: 70,
            cache_read_tokens: 10,
            cache_write_tokens: 20,
            output_tokens: 6,
            reasoning_tokens: 4,
            image_output_tokens: 1290,
            image_count: 1,
            ..Usage::default()
        };
        assert_eq!(read, Some(expected));
    }

    #[test]
    fn unsplit_output_is_images_only_under_openais_field_names() {
        let openai = usage(r#"{"input_tokens":5,"output_tokens":9}"#).unwrap();
        assert_eq!((openai.output_tokens, openai.image_output_tokens), (0, 9));
        let openrouter = usage(r#"{"prompt_tokens":5,"completion_tokens":9}"#).unwrap();
        assert_eq!(
            (openrouter.output_tokens, openrouter.image_output_tokens),
            (9, 0)
        );
    }

    #[test]
    fn writing_an_svg_is_counted() {
        let image = raw(r#"{"input_tokens":5,"output_tokens":9}"#);
        let svg =
            raw(r#"{"model":"m","input_tokens":50,"output_tokens":40,"reasoning_tokens":30}"#);
        let usage = read(Some(&image), Some(&svg), 1).unwrap();
        assert_eq!((usage.input_tokens, usage.output_tokens), (55, 10));
        assert_eq!((usage.reasoning_tokens, usage.image_output_tokens), (30, 9));
    }

    #[test]
    fn invalid_usage_is_none() {
        for json in ["{}", "[]", r#"{"input_tokens":1}"#, r#""many""#] {
            assert_eq!(usage(json), None, "{json}");
        }
        assert_eq!(read(None, None, 1), None);
    }
}
