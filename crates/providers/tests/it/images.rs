//! Image generation: requests equal those of the official SDKs, and answers are images or the
//! message why there are none.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::{GenerateImagesRequest, GeneratedImage, generated_image};
use latchkey_providers::encode::EncodeErrorKind;
use latchkey_providers::images::Images;
use latchkey_providers::{ErrorClass, ProviderError};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::cases::KEY;
use crate::cases::images::{Case, case};
use crate::golden::{assert_equals, goldens};
use crate::media::{
    UNSUPPORTED, differences, holds_together, options, replied, text, usage_as_json, wild_json,
};

const SUPPORTED: [ProviderId; 6] = [
    ProviderId::Azure,
    ProviderId::Custom,
    ProviderId::Google,
    ProviderId::OpenAi,
    ProviderId::OpenRouter,
    ProviderId::Vertex,
];

#[test]
fn requests_equal_the_sdks() {
    for provider in SUPPORTED {
        for (name, golden) in goldens(&format!("images/{provider}")) {
            let ours = case(provider, &name).encode().unwrap().request;
            let differences = differences(provider, &name);
            let name = format!("images/{provider}/{name}");
            assert_equals(&name, &golden["request"], &ours, differences);
        }
    }
}

#[test]
fn answers_are_decoded_as_recorded() {
    for provider in SUPPORTED {
        for (name, golden) in goldens(&format!("images/{provider}/answers")) {
            let name = format!("images/{provider}/{name}");
            let mime_type = golden["mime_type"].as_str().unwrap_or_default();
            let case = Case::new(provider, "m", "A cat")
                .with(|request| request.mime_type = mime_type.to_owned());
            let read = case.read(&format!("\n{}", golden["body"]));
            match golden.get("error") {
                None => assert_eq!(as_json(&read.unwrap()), golden["answer"], "{name}"),
                Some(expected) => {
                    assert_eq!(error_as_json(&read.unwrap_err()), *expected, "{name}");
                }
            }
        }
    }
}

fn as_json(read: &Images) -> Value {
    json!({
        "images": read.images.iter().map(image_as_json).collect::<Vec<_>>(),
        "model": read.model,
        "usage": usage_as_json(read.usage),
        "service_tier": read.service_tier,
        "cost_nanos": read.cost_nanos,
    })
}

fn image_as_json(image: &GeneratedImage) -> Value {
    match image.source.as_ref().unwrap() {
        generated_image::Source::Url(url) => json!({
            "url": url,
            "revised_prompt": image.revised_prompt,
        }),
        generated_image::Source::Blob(blob) => json!({
            "mime_type": blob.mime_type,
            "data": STANDARD.encode(&blob.data),
            "revised_prompt": image.revised_prompt,
        }),
    }
}

fn error_as_json(error: &ProviderError) -> Value {
    json!({
        "class": error.class.to_string(),
        "code": error.code,
        "message": error.message,
    })
}

#[test]
fn contract_violations_are_refused_by_field() {
    let cat = || Case::new(ProviderId::OpenAi, "gpt-image-2", "A cat");
    let typed = |mime_type: &str| cat().with(|request| request.mime_type = mime_type.to_owned());
    for (field, case) in [
        ("model", Case::new(ProviderId::OpenAi, "", "A cat")),
        ("prompt", Case::new(ProviderId::OpenAi, "gpt-image-2", "")),
        ("count", cat().with(|request| request.count = -1)),
        ("count", cat().with(|request| request.count = 11)),
        ("mime_type", typed("png")),
        ("mime_type", typed("image/")),
        ("mime_type", typed("text/plain")),
        ("mime_type", typed("image/png; q=1")),
    ] {
        assert_refused(field, EncodeErrorKind::Invalid, &case);
    }
}

#[test]
fn unsupported_fields_are_refused_by_name() {
    type Change = fn(&mut GenerateImagesRequest);
    let ratio: Change = |request| request.aspect_ratio = "16:9".to_owned();
    let quality: Change = |request| request.quality = "high".to_owned();
    let background: Change = |request| request.background = "transparent".to_owned();
    let two: Change = |request| request.count = 2;
    let png: Change = |request| request.mime_type = "image/png".to_owned();
    let gif: Change = |request| request.mime_type = "image/gif".to_owned();
    let bmp: Change = |request| request.mime_type = "image/bmp".to_owned();
    let nothing: Change = |_| {};
    for (provider, field, change) in [
        (ProviderId::Anthropic, "provider", nothing),
        (ProviderId::DeepSeek, "provider", nothing),
        (ProviderId::Azure, "aspect_ratio", ratio),
        (ProviderId::Custom, "aspect_ratio", ratio),
        (ProviderId::OpenAi, "aspect_ratio", ratio),
        (ProviderId::OpenAi, "mime_type", bmp),
        (ProviderId::OpenRouter, "mime_type", gif),
        (ProviderId::Google, "background", background),
        (ProviderId::Google, "count", two),
        (ProviderId::Google, "mime_type", png),
        (ProviderId::Google, "quality", quality),
        (ProviderId::Vertex, "background", background),
        (ProviderId::Vertex, "count", two),
        (ProviderId::Vertex, "quality", quality),
    ] {
        let case = Case::new(provider, "m", "A cat").with(change);
        assert_refused(field, EncodeErrorKind::UnsupportedByProvider, &case);
    }
    assert_eq!(UNSUPPORTED.len() + SUPPORTED.len(), ProviderId::ALL.len());
}

#[test]
fn a_count_of_one_may_be_set_or_omitted() {
    let counted = |provider, count| {
        Case::new(provider, "m", "A cat")
            .with(|request| request.count = count)
            .body()
    };
    assert_eq!(counted(ProviderId::OpenAi, 0).get("n"), None);
    assert_eq!(counted(ProviderId::OpenAi, 1)["n"], 1);
    assert_eq!(
        counted(ProviderId::Google, 1),
        counted(ProviderId::Google, 0)
    );
}

#[test]
fn a_media_type_is_read_in_any_case() {
    let case = Case::new(ProviderId::OpenAi, "m", "A cat")
        .with(|request| request.mime_type = "Image/SVG+XML".to_owned());
    assert_eq!(case.body()["output_format"], "svg");
}

#[test]
fn options_that_change_the_answer_or_the_request_are_refused() {
    for (provider, name) in [
        (ProviderId::OpenAi, "stream"),
        (ProviderId::Azure, "partial_images"),
        (ProviderId::Custom, "n"),
        (ProviderId::OpenRouter, "prompt"),
        (ProviderId::Google, "generationConfig"),
        (ProviderId::Vertex, "contents"),
    ] {
        let case = Case::new(provider, "m", "A cat")
            .with(|request| request.provider_options = Some(options(&[(name, text("x"))])));
        let field = format!("provider_options.{name}");
        assert_refused(&field, EncodeErrorKind::Invalid, &case);
    }
}

#[test]
fn an_answer_without_an_image_is_malformed() {
    for (provider, body) in [
        (ProviderId::OpenAi, r#"{"created":1,"data":[]}"#),
        (ProviderId::OpenAi, r#"{"created":1}"#),
        (ProviderId::OpenAi, r#"{"data":[{}]}"#),
        (ProviderId::OpenAi, r#"{"data":[{"b64_json":"*"}]}"#),
        (
            ProviderId::OpenAi,
            r#"{"data":[{"url":"file:///etc/passwd"}]}"#,
        ),
        (ProviderId::OpenAi, "[]"),
        (ProviderId::OpenAi, ""),
        (ProviderId::Google, "{}"),
        (ProviderId::Google, r#"{"candidates":[]}"#),
        (
            ProviderId::Google,
            r#"{"candidates":[{"content":{"parts":[]}}]}"#,
        ),
        (
            ProviderId::Google,
            r#"{"candidates":[{"finishReason":"STOP"}]}"#,
        ),
        (
            ProviderId::Google,
            r#"{"candidates":[{"content":{"parts":[{"inlineData":{"data":"*"}}]}}]}"#,
        ),
    ] {
        let error = Case::new(provider, "m", "A cat").read(body).unwrap_err();
        assert_eq!(error.class, ErrorClass::Malformed, "{body}");
        assert_eq!(error.http_status, Some(200), "{body}");
    }
}

#[test]
fn the_other_images_are_kept_when_one_is_withheld() {
    let body = r#"{"data":[{"content_filter_results":{}},{"b64_json":"iVBORw0KGgo="}]}"#;
    let read = Case::new(ProviderId::Azure, "m", "A cat")
        .read(body)
        .unwrap();
    assert_eq!(read.images.len(), 1);
    let body = r#"{"candidates":[{"content":{"parts":[{"inlineData":{"data":"AAAA"}}]},
        "finishReason":"IMAGE_SAFETY"}]}"#;
    let read = Case::new(ProviderId::Google, "m", "A cat")
        .read(body)
        .unwrap();
    assert_eq!(read.images.len(), 1);
}

#[test]
fn a_prompt_blocked_by_moderation_is_rejected_with_the_message() {
    let body = r#"{"error":{"message":"Your request was rejected by the safety system.",
        "type":"image_generation_user_error","param":null,"code":"moderation_blocked"}}"#;
    let reader = case(ProviderId::OpenAi, "plain").encode().unwrap().reader;
    for status in [200, 400] {
        let error = replied(status, body, |reply| reader.read(reply)).unwrap_err();
        assert_eq!(error.class, ErrorClass::RejectedRequest);
        assert_eq!(error.code.as_deref(), Some("moderation_blocked"));
        assert_eq!(
            error.message,
            "Your request was rejected by the safety system."
        );
    }
}

#[test]
fn a_message_that_quotes_the_key_is_redacted() {
    let body = json!({ "candidates": [{
        "content": { "parts": [{ "text": format!("I know {KEY}") }] },
        "finishReason": KEY,
    }]});
    let case = Case::new(ProviderId::Google, "m", "A cat");
    let error = case.read(&body.to_string()).unwrap_err();
    assert_eq!(error.class, ErrorClass::RejectedRequest);
    assert!(!format!("{error} {error:?}").contains(KEY));
}

#[test]
fn a_cost_is_read_from_openrouter_only() {
    let body = r#"{"data":[{"b64_json":"AAAA"}],
        "usage":{"prompt_tokens":1,"completion_tokens":2,"cost":0.0387268000001}}"#;
    for (provider, cost) in [
        (ProviderId::OpenRouter, Some(38_726_801)),
        (ProviderId::Custom, None),
        (ProviderId::OpenAi, None),
    ] {
        let read = Case::new(provider, "m", "A cat").read(body).unwrap();
        assert_eq!(read.cost_nanos, cost, "{provider}");
    }
}

fn assert_refused(field: &str, kind: EncodeErrorKind, case: &Case) {
    match case.encode() {
        Ok(_) => panic!("{} takes {field}", case.provider),
        Err(error) => {
            let found = (error.field.as_ref(), error.kind);
            assert_eq!(found, (field, kind), "{}", case.provider);
        }
    }
}

const NAMES: [&str; 24] = [
    "b64_json",
    "blockReason",
    "candidates",
    "candidatesTokenCount",
    "candidatesTokensDetails",
    "content",
    "cost",
    "data",
    "error",
    "fileData",
    "fileUri",
    "finishReason",
    "inlineData",
    "input_tokens",
    "media_type",
    "mimeType",
    "modality",
    "output_format",
    "output_tokens",
    "parts",
    "promptFeedback",
    "promptTokenCount",
    "text",
    "url",
];

proptest! {
    #[test]
    fn images_are_decoded_byte_for_byte(data in vec(any::<u8>(), 1..80), url_safe in any::<bool>()) {
        let text = if url_safe { URL_SAFE_NO_PAD.encode(&data) } else { STANDARD.encode(&data) };
        let body = json!({
            "data": [{ "b64_json": text }, { "url": format!("data:image/png;base64,{text}") }],
            "candidates": [{ "content": { "parts": [{ "inlineData": { "data": text } }] } }],
        });
        for provider in SUPPORTED {
            let read = Case::new(provider, "m", "A cat").read(&body.to_string()).unwrap();
            for image in read.images {
                match image.source {
                    Some(generated_image::Source::Blob(blob)) => prop_assert_eq!(&*blob.data, &*data),
                    other => prop_assert!(false, "{:?}", other),
                }
            }
        }
    }

    #[test]
    fn classes_sum_up_to_what_the_provider_counted(
        counts in vec(0_i64..1_000_000_000, 9),
        split in any::<bool>(),
    ) {
        let details = |image: usize, more: usize| json!({
            "image_tokens": counts[image], "cached_tokens": counts[more],
            "reasoning_tokens": counts[more],
        });
        let mut usage = json!({ "input_tokens": counts[0], "output_tokens": counts[1] });
        if split {
            usage["input_tokens_details"] = details(2, 3);
            usage["output_tokens_details"] = details(4, 5);
        }
        let body = json!({ "data": [{ "b64_json": "AAAA" }], "usage": usage });
        let read = Case::new(ProviderId::OpenAi, "m", "A cat").read(&body.to_string()).unwrap();
        prop_assert_eq!(sums(&read), (counts[0], counts[1]));

        let modality = |tokens: usize| json!([{ "modality": "IMAGE", "tokenCount": counts[tokens] }]);
        let mut usage = json!({
            "promptTokenCount": counts[0], "candidatesTokenCount": counts[1],
            "thoughtsTokenCount": counts[2], "toolUsePromptTokenCount": counts[3],
            "cachedContentTokenCount": counts[4],
        });
        if split {
            usage["promptTokensDetails"] = modality(5);
            usage["cacheTokensDetails"] = modality(6);
            usage["candidatesTokensDetails"] = modality(7);
        }
        let body = json!({
            "candidates": [{ "content": { "parts": [{ "inlineData": { "data": "AAAA" } }] } }],
            "usageMetadata": usage,
        });
        let read = Case::new(ProviderId::Google, "m", "A cat").read(&body.to_string()).unwrap();
        prop_assert_eq!(sums(&read), (counts[0] + counts[3], counts[1] + counts[2]));
    }

    #[test]
    fn nothing_makes_a_reader_panic(document in wild_json(&NAMES)) {
        for provider in SUPPORTED {
            let case = Case::new(provider, "m", "A cat");
            if let Ok(read) = case.read(&document.to_string()) {
                prop_assert!(!read.images.is_empty());
                prop_assert!(read.images.iter().all(|image| image.source.is_some()));
                prop_assert!(read.usage.is_none_or(holds_together));
                prop_assert!(read.cost_nanos.is_none_or(|cost| cost >= 0));
            }
        }
    }

    #[test]
    fn any_prompt_is_sent_unchanged(prompt in "(?s).{1,60}") {
        let openai = Case::new(ProviderId::OpenAi, "m", &prompt).body();
        prop_assert_eq!(openai["prompt"].as_str(), Some(&*prompt));
        let google = Case::new(ProviderId::Google, "m", &prompt).body();
        let sent = google.pointer("/contents/0/parts/0/text");
        prop_assert_eq!(sent.and_then(Value::as_str), Some(&*prompt));
    }
}

/// The sums of all input and all output.
fn sums(read: &Images) -> (i64, i64) {
    let usage = read.usage.unwrap();
    (
        usage.input_tokens + usage.cache_read_tokens + usage.image_input_tokens,
        usage.output_tokens + usage.reasoning_tokens + usage.image_output_tokens,
    )
}
