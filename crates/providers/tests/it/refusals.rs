//! Fields that a provider or model does not support are refused by name, never dropped.

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::{
    GenerateRequest, JsonObject, JsonSchema, ResponseFormat, Role, Sampling, image,
    reasoning_control, response_format, tool_choice,
};
use latchkey_providers::encode::EncodeErrorKind;

use crate::cases::{
    Case, assistant, budget, call, choice, conversation, effort, inline_file, linked_pdf, message,
    now_tool, person_schema, photo, png, reasoning, redacted, result, schema_format, stops, system,
    text, user, weather_tool, with_state,
};

pub(crate) const GPT_4_1: (ProviderId, &str) = (ProviderId::OpenAi, "gpt-4.1");
pub(crate) const GPT_5_4: (ProviderId, &str) = (ProviderId::OpenAi, "gpt-5.4");
const O3: (ProviderId, &str) = (ProviderId::OpenAi, "o3");
pub(crate) const LLAMA: (ProviderId, &str) = (ProviderId::Custom, "llama-4");
pub(crate) const HAIKU_4_5: (ProviderId, &str) = (ProviderId::Anthropic, "claude-haiku-4-5");
pub(crate) const FLASH_2_5: (ProviderId, &str) = (ProviderId::Google, "gemini-2.5-flash");
pub(crate) const FLASH_3: (ProviderId, &str) = (ProviderId::Google, "gemini-3-flash-preview");
pub(crate) const VERTEX_FLASH_3: (ProviderId, &str) =
    (ProviderId::Vertex, "gemini-3-flash-preview");
pub(crate) const VERTEX_CLAUDE: (ProviderId, &str) =
    (ProviderId::Vertex, "claude-haiku-4-5@20251001");
pub(crate) const AZURE: (ProviderId, &str) = (ProviderId::Azure, "a-deployment");
pub(crate) const DEEPSEEK: (ProviderId, &str) = (ProviderId::DeepSeek, "deepseek-v4-pro");
pub(crate) const OPENROUTER: (ProviderId, &str) =
    (ProviderId::OpenRouter, "anthropic/claude-sonnet-5");
const OPUS_4_7: (ProviderId, &str) = (ProviderId::Anthropic, "claude-opus-4-7");
const OPUS_5_5: (ProviderId, &str) = (ProviderId::Anthropic, "claude-opus-5-5");

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn unsupported_fields_are_refused_by_name() {
    let hello = || conversation([user("Hello")]);
    let parts = |parts: Vec<_>| conversation([message(Role::User, parts)]);
    let sampled = |sampling| GenerateRequest {
        sampling: Some(sampling),
        ..hello()
    };
    let stopped = |list: &[&str]| {
        sampled(Sampling {
            stop_sequences: stops(list),
            ..Sampling::default()
        })
    };
    let seeded = Sampling {
        seed: Some(7),
        ..Sampling::default()
    };
    let image_result = conversation([
        user("x"),
        message(Role::Assistant, [call("a", "now", "{}")]),
        message(Role::Tool, [result("a", [text("y"), png()])]),
    ]);
    let forced = GenerateRequest {
        tools: vec![weather_tool()],
        tool_choice: choice(tool_choice::Mode::Required, "", None),
        ..hello()
    };
    let json_object = GenerateRequest {
        response_format: Some(ResponseFormat {
            format: Some(response_format::Format::JsonObject(JsonObject {})),
        }),
        ..hello()
    };
    let described = GenerateRequest {
        response_format: schema_format(person_schema()),
        ..hello()
    };
    let reasoned = |effort_wanted| GenerateRequest {
        reasoning: effort(effort_wanted),
        ..hello()
    };
    let budgeted = GenerateRequest {
        reasoning: budget(2048),
        ..hello()
    };
    let top_k = Sampling {
        top_k: Some(5),
        ..Sampling::default()
    };
    for (model, field, request) in vec![
        (
            GPT_4_1,
            "messages[0].parts[0].file.url",
            parts(vec![linked_pdf()]),
        ),
        (
            GPT_4_1,
            "messages[2].parts[0].tool_result.parts[1].image",
            image_result,
        ),
        (GPT_4_1, "sampling.top_k", sampled(top_k.clone())),
        (LLAMA, "sampling.top_k", sampled(top_k.clone())),
        (
            GPT_4_1,
            "sampling.stop_sequences",
            stopped(&["a", "b", "c", "d", "e"]),
        ),
        (
            GPT_4_1,
            "reasoning.effort",
            reasoned(reasoning_control::Effort::Low),
        ),
        (GPT_4_1, "reasoning.budget_tokens", budgeted.clone()),
        (O3, "sampling.temperature", sampled(temperature(0.5))),
        (O3, "sampling.stop_sequences", stopped(&["a"])),
        (
            O3,
            "reasoning.effort",
            reasoned(reasoning_control::Effort::None),
        ),
        (GPT_5_4, "sampling.stop_sequences", stopped(&["a"])),
        (GPT_5_4, "sampling.seed", sampled(seeded.clone())),
        (GPT_5_4, "sampling.temperature", sampled(temperature(0.5))),
        (
            GPT_5_4,
            "reasoning.effort",
            reasoned(reasoning_control::Effort::Minimal),
        ),
        (HAIKU_4_5, "sampling.temperature", sampled(temperature(1.5))),
        (HAIKU_4_5, "sampling.seed", sampled(seeded)),
        (
            HAIKU_4_5,
            "sampling.stop_sequences[1]",
            stopped(&["a", "\n\n"]),
        ),
        (HAIKU_4_5, "response_format.json_object", json_object),
        (
            HAIKU_4_5,
            "response_format.json_schema.description",
            described,
        ),
        (
            HAIKU_4_5,
            "reasoning.effort",
            reasoned(reasoning_control::Effort::High),
        ),
        (
            HAIKU_4_5,
            "messages[0].parts[0].image.detail",
            parts(vec![photo(image::Detail::Low)]),
        ),
        (
            HAIKU_4_5,
            "messages[0].parts[0].file.blob.mime_type",
            parts(vec![inline_file("text/csv", b"a,b", "")]),
        ),
        (
            HAIKU_4_5,
            "messages[0].parts[0].text",
            parts(vec![text(" \n")]),
        ),
        (
            HAIKU_4_5,
            "messages[0]",
            conversation([assistant("Hi."), user("x")]),
        ),
        (
            HAIKU_4_5,
            "messages[2].role",
            conversation([user("x"), assistant("y"), system("z"), user("w")]),
        ),
        (
            OPUS_4_7,
            "messages[1]",
            conversation([user("x"), assistant("y")]),
        ),
        (OPUS_4_7, "sampling.temperature", sampled(temperature(0.5))),
        (OPUS_4_7, "sampling.top_k", sampled(top_k)),
        (OPUS_4_7, "reasoning.budget_tokens", budgeted),
        (OPUS_5_5, "tool_choice.mode", forced),
        (
            OPUS_5_5,
            "reasoning.effort",
            reasoned(reasoning_control::Effort::None),
        ),
    ] {
        assert_refused(
            field,
            EncodeErrorKind::UnsupportedByProvider,
            model,
            request,
        );
    }
}

#[test]
fn a_model_without_sampling_accepts_the_defaults() {
    let request = GenerateRequest {
        sampling: Some(Sampling {
            temperature: Some(1.0),
            top_p: Some(1.0),
            ..Sampling::default()
        }),
        ..conversation([user("x")])
    };
    for (provider, model) in [O3, OPUS_4_7, GPT_5_4] {
        let body = Case::new(provider, model, request.clone()).body().unwrap();
        assert_eq!(body["temperature"], 1.0, "{model}");
    }
}

#[test]
fn effort_none_is_accepted_by_a_model_that_does_not_reason() {
    let request = GenerateRequest {
        reasoning: effort(reasoning_control::Effort::None),
        ..conversation([user("x")])
    };
    for (provider, model) in [GPT_4_1, HAIKU_4_5, OPUS_4_7] {
        let body = Case::new(provider, model, request.clone()).body().unwrap();
        for field in ["reasoning_effort", "thinking", "output_config"] {
            assert!(body.get(field).is_none(), "{model}");
        }
    }
}

#[test]
fn manual_thinking_excludes_what_anthropic_excludes() {
    let request = |limit| GenerateRequest {
        reasoning: budget(2048),
        max_output_tokens: Some(limit),
        ..conversation([user("x")])
    };
    let field = "reasoning.budget_tokens";
    assert_refused(field, EncodeErrorKind::Invalid, HAIKU_4_5, request(2048));
    let warm = GenerateRequest {
        sampling: Some(temperature(0.5)),
        ..request(4096)
    };
    let unsupported = EncodeErrorKind::UnsupportedByProvider;
    assert_refused("sampling.temperature", unsupported, HAIKU_4_5, warm);
    let forced = GenerateRequest {
        tools: vec![now_tool()],
        tool_choice: choice(tool_choice::Mode::Named, "now", None),
        ..request(4096)
    };
    assert_refused("tool_choice.mode", unsupported, HAIKU_4_5, forced);
}

#[test]
fn openai_requires_a_schema_name_and_anthropic_does_not() {
    let request = GenerateRequest {
        response_format: schema_format(JsonSchema {
            name: String::new(),
            description: String::new(),
            ..person_schema()
        }),
        ..conversation([user("x")])
    };
    let field = "response_format.json_schema.name";
    for model in [GPT_4_1, GPT_5_4, LLAMA] {
        assert_refused(field, EncodeErrorKind::Invalid, model, request.clone());
    }
    assert!(
        Case::new(HAIKU_4_5.0, HAIKU_4_5.1, request)
            .encode()
            .is_ok()
    );
}

#[test]
fn state_that_no_provider_gave_is_refused() {
    let with_part = |part| conversation([user("x"), message(Role::Assistant, [part]), user("y")]);
    let field = "messages[1].parts[0].provider_state.data";
    for part in [
        with_state(reasoning("x"), "openai", "not json"),
        with_state(text("x"), "openai", "[]"),
    ] {
        assert_refused(field, EncodeErrorKind::Invalid, GPT_5_4, with_part(part));
    }
    for part in [
        with_state(text("x"), "google", "not base64"),
        with_state(reasoning("x"), "google", "\""),
    ] {
        assert_refused(field, EncodeErrorKind::Invalid, FLASH_3, with_part(part));
    }
    let mut binary = with_state(redacted(), "anthropic", "");
    binary.provider_state.as_mut().unwrap().data = vec![0xff].into();
    assert_refused(
        field,
        EncodeErrorKind::Invalid,
        HAIKU_4_5,
        with_part(binary),
    );
}

pub(crate) fn assert_refused(
    field: &str,
    kind: EncodeErrorKind,
    (provider, model): (ProviderId, &'static str),
    request: GenerateRequest,
) {
    match Case::new(provider, model, request).encode() {
        Ok(_) => panic!("{model} takes {field}"),
        Err(error) => assert_eq!((error.field.as_ref(), error.kind), (field, kind), "{model}"),
    }
}

pub(crate) fn temperature(value: f64) -> Sampling {
    Sampling {
        temperature: Some(value),
        ..Sampling::default()
    }
}
