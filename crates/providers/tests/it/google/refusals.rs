//! Fields that Google's endpoints or models do not support are refused by name, never dropped.

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{
    GenerateRequest, Image, Role, Sampling, image, reasoning_control, tool_choice,
};
use latchkey_providers::encode::EncodeErrorKind;

use crate::cases::{
    Case, assistant, budget, call, choice, conversation, effort, message, now_tool, part,
    person_schema, photo, png, result, schema_format, stops, system, text, user,
};
use crate::refusals::{
    FLASH_2_5, FLASH_3, GPT_4_1, GPT_5_4, HAIKU_4_5, LLAMA, VERTEX_CLAUDE, VERTEX_FLASH_3,
    assert_refused,
};

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn fields_that_google_does_not_support_are_refused_by_name() {
    let hello = || conversation([user("Hello")]);
    let parts = |parts: Vec<_>| conversation([message(Role::User, parts)]);
    let sampled = |sampling| GenerateRequest {
        sampling: Some(sampling),
        ..hello()
    };
    let linked = |url: &str| {
        part(Content::Image(Image {
            source: Some(image::Source::Url(url.to_owned())),
            detail: 0,
        }))
    };
    let shown_by_a_tool = |picture| {
        conversation([
            user("x"),
            message(Role::Assistant, [call("a", "now", "{}")]),
            message(Role::Tool, [result("a", [text("y"), picture])]),
        ])
    };
    let one_call_at_a_time = GenerateRequest {
        tools: vec![now_tool()],
        tool_choice: choice(tool_choice::Mode::Auto, "", Some(false)),
        ..hello()
    };
    let described = GenerateRequest {
        response_format: schema_format(person_schema()),
        ..hello()
    };
    let reasoned = |depth| GenerateRequest {
        reasoning: effort(depth),
        ..hello()
    };
    let budgeted = GenerateRequest {
        reasoning: budget(2048),
        ..hello()
    };
    for (model, field, request) in [
        (
            FLASH_2_5,
            "messages[2].role",
            conversation([user("x"), assistant("y"), system("z"), user("w")]),
        ),
        (FLASH_2_5, "messages", conversation([system("x")])),
        (
            FLASH_2_5,
            "messages[0].parts[0].image.url",
            parts(vec![linked("https://example.com/cat")]),
        ),
        (
            VERTEX_FLASH_3,
            "messages[0].parts[0].image.url",
            parts(vec![linked("https://example.com/?name=cat.png")]),
        ),
        (
            FLASH_2_5,
            "messages[0].parts[0].image.detail",
            parts(vec![photo(image::Detail::Low)]),
        ),
        (
            FLASH_2_5,
            "messages[2].parts[0].tool_result.parts[1].image",
            shown_by_a_tool(png()),
        ),
        (
            FLASH_3,
            "messages[2].parts[0].tool_result.parts[1].image.url",
            shown_by_a_tool(photo(image::Detail::Auto)),
        ),
        (
            VERTEX_FLASH_3,
            "messages[2].parts[0].tool_result.parts[1].image.detail",
            shown_by_a_tool(photo(image::Detail::High)),
        ),
        (FLASH_3, "tool_choice.parallel", one_call_at_a_time),
        (
            FLASH_2_5,
            "sampling.stop_sequences",
            sampled(Sampling {
                stop_sequences: stops(&["a", "b", "c", "d", "e", "f"]),
                ..Sampling::default()
            }),
        ),
        (
            FLASH_2_5,
            "sampling.seed",
            sampled(Sampling {
                seed: Some(1 << 31),
                ..Sampling::default()
            }),
        ),
        (
            FLASH_2_5,
            "response_format.json_schema.description",
            described,
        ),
        (FLASH_3, "reasoning.budget_tokens", budgeted),
        (
            FLASH_2_5,
            "reasoning.effort",
            reasoned(reasoning_control::Effort::Low),
        ),
        (
            (ProviderId::Google, "gemini-2.5-pro"),
            "reasoning.effort",
            reasoned(reasoning_control::Effort::None),
        ),
        (
            // A model of no known family.
            (ProviderId::Google, "learnlm-2"),
            "reasoning.effort",
            reasoned(reasoning_control::Effort::Max),
        ),
    ] {
        assert_refused(
            field,
            EncodeErrorKind::UnsupportedByProvider,
            model,
            request,
        );
    }
    // Vertex AI also fetches images in tool results.
    let (provider, model) = VERTEX_FLASH_3;
    let request = shown_by_a_tool(photo(image::Detail::Auto));
    let body = Case::new(provider, model, request).body().unwrap();
    assert_eq!(
        body["contents"][2]["parts"][0]["functionResponse"]["parts"][0]["fileData"]["fileUri"],
        "https://example.com/cat.jpg"
    );
}

#[test]
fn a_generated_image_is_sent_back_to_google_only() {
    let request = conversation([
        user("x"),
        message(Role::Assistant, [text("y"), png()]),
        user("z"),
    ]);
    let field = "messages[1].parts[1].image";
    let unsupported = EncodeErrorKind::UnsupportedByProvider;
    for model in [GPT_4_1, GPT_5_4, LLAMA, HAIKU_4_5, VERTEX_CLAUDE] {
        assert_refused(field, unsupported, model, request.clone());
    }
    for (provider, model) in [FLASH_2_5, VERTEX_FLASH_3] {
        let body = Case::new(provider, model, request.clone()).body().unwrap();
        let picture = &body["contents"][1]["parts"][1]["inlineData"];
        assert_eq!(picture["mimeType"], "image/png");
    }
}

#[test]
fn a_second_spelling_of_a_field_is_refused() {
    for (model, name) in [
        (FLASH_2_5, "generation_config"),
        (FLASH_2_5, "contents"),
        (VERTEX_CLAUDE, "model"),
        (VERTEX_CLAUDE, "anthropic_version"),
    ] {
        let value = prost_types::Value { kind: None };
        let request = GenerateRequest {
            provider_options: Some(prost_types::Struct {
                fields: [(name.to_owned(), value)].into(),
            }),
            ..conversation([user("x")])
        };
        let field = format!("provider_options.{name}");
        assert_refused(&field, EncodeErrorKind::Invalid, model, request);
    }
}
