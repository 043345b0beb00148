//! What cannot be said is refused with its field, and never dropped.

use latchkey_contract::router::v1::{
    GenerateRequest, JsonObject, JsonSchema, Part, ReasoningControl, ResponseFormat, Role,
    Sampling, Tool, image, reasoning_control, response_format, tool_choice,
};
use latchkey_providers::Provider;
use latchkey_providers::encode::EncodeErrorKind;

use crate::cases::{
    Case, assistant, budget, call, choice, conversation, effort, inline_file, linked_pdf, message,
    now_tool, person_schema, photo, png, reasoning, redacted, result, schema_format, stops, system,
    text, user, weather_tool, with_state,
};

const GPT_4_1: (Provider, &str) = (Provider::OpenAi, "gpt-4.1");
const GPT_5_4: (Provider, &str) = (Provider::OpenAi, "gpt-5.4");
const O3: (Provider, &str) = (Provider::OpenAi, "o3");
const LLAMA: (Provider, &str) = (Provider::Custom, "llama-4");
const HAIKU_4_5: (Provider, &str) = (Provider::Anthropic, "claude-haiku-4-5");
const OPUS_4_7: (Provider, &str) = (Provider::Anthropic, "claude-opus-4-7");
const OPUS_5_5: (Provider, &str) = (Provider::Anthropic, "claude-opus-5-5");

#[test]
fn requests_against_the_contract_are_invalid_everywhere() {
    let hello = || conversation([user("Hello")]);
    let with_sampling = |sampling| GenerateRequest {
        sampling: Some(sampling),
        ..hello()
    };
    let cases: Vec<(&str, GenerateRequest)> = vec![
        ("messages", conversation([])),
        (
            "messages[0].role",
            conversation([message(Role::Unspecified, [text("x")])]),
        ),
        (
            "messages[1].parts",
            conversation([user("x"), message(Role::User, [])]),
        ),
        ("messages[0].parts[0].text", conversation([user("")])),
        (
            "messages[0].parts[0]",
            conversation([message(Role::User, [empty_part()])]),
        ),
        (
            "messages[0].parts[0].tool_call",
            conversation([message(Role::User, [call("a", "b", "{}")])]),
        ),
        (
            "messages[0].parts[1].image",
            conversation([message(Role::Assistant, [text("x"), png()])]),
        ),
        (
            "messages[0].parts[0].text",
            conversation([message(Role::Tool, [text("x")])]),
        ),
        (
            "messages[0].parts[0].reasoning",
            conversation([message(Role::User, [reasoning("x")])]),
        ),
        (
            "messages[0].parts[0].image.url",
            conversation([message(Role::User, [http_photo()])]),
        ),
        (
            "messages[0].parts[0].file.blob.mime_type",
            conversation([message(Role::User, [inline_file("pdf", b"x", "")])]),
        ),
        (
            "messages[0].parts[0].file.blob.data",
            conversation([message(
                Role::User,
                [inline_file("application/pdf", b"", "")],
            )]),
        ),
        (
            "max_output_tokens",
            GenerateRequest {
                max_output_tokens: Some(0),
                ..hello()
            },
        ),
        (
            "tools[0].name",
            GenerateRequest {
                tools: vec![named("9lives")],
                ..hello()
            },
        ),
        (
            "tools[0].name",
            GenerateRequest {
                tools: vec![named(&"a".repeat(65))],
                ..hello()
            },
        ),
        (
            "tools[1].name",
            GenerateRequest {
                tools: vec![now_tool(), now_tool()],
                ..hello()
            },
        ),
        (
            "tools",
            GenerateRequest {
                tools: many_tools(129),
                ..hello()
            },
        ),
        (
            "tools[0].json_schema",
            GenerateRequest {
                tools: vec![schema_tool("[]")],
                ..hello()
            },
        ),
        (
            "tool_choice",
            GenerateRequest {
                tool_choice: choice(tool_choice::Mode::Auto, "", None),
                ..hello()
            },
        ),
        (
            "tool_choice.tool",
            GenerateRequest {
                tools: vec![now_tool()],
                tool_choice: choice(tool_choice::Mode::Named, "then", None),
                ..hello()
            },
        ),
        (
            "tool_choice.tool",
            GenerateRequest {
                tools: vec![now_tool()],
                tool_choice: choice(tool_choice::Mode::Auto, "now", None),
                ..hello()
            },
        ),
        (
            "response_format.json_schema.json_schema",
            GenerateRequest {
                response_format: schema_format(JsonSchema {
                    json_schema: "{".to_owned(),
                    description: String::new(),
                    ..person_schema()
                }),
                ..hello()
            },
        ),
        ("sampling.temperature", with_sampling(temperature(2.5))),
        ("sampling.temperature", with_sampling(temperature(f64::NAN))),
        (
            "sampling.top_p",
            with_sampling(Sampling {
                top_p: Some(0.0),
                ..Sampling::default()
            }),
        ),
        (
            "sampling.top_k",
            with_sampling(Sampling {
                top_k: Some(0),
                ..Sampling::default()
            }),
        ),
        (
            "sampling.stop_sequences",
            with_sampling(Sampling {
                stop_sequences: stops(&[""]),
                ..Sampling::default()
            }),
        ),
        (
            "reasoning.effort",
            GenerateRequest {
                reasoning: unknown_effort(),
                ..hello()
            },
        ),
        (
            "reasoning.budget_tokens",
            GenerateRequest {
                reasoning: budget(1023),
                ..hello()
            },
        ),
    ];
    for (field, request) in cases {
        for (provider, model) in [GPT_4_1, GPT_5_4, LLAMA, HAIKU_4_5] {
            let case = Case::new(provider, model, request.clone());
            let Err(error) = case.encode() else {
                panic!("{model} takes {field}");
            };
            assert_eq!(
                (error.field.as_ref(), error.kind),
                (field, EncodeErrorKind::Invalid),
                "{model}"
            );
        }
    }
}

#[test]
fn tool_calls_and_their_results_must_match() {
    let asked = || {
        message(
            Role::Assistant,
            [call("a", "now", "{}"), call("b", "now", "{}")],
        )
    };
    let answered = |id| message(Role::Tool, [result(id, [text("x")])]);
    for (field, messages) in [
        ("messages", vec![user("x"), asked()]),
        ("messages", vec![user("x"), asked(), answered("a")]),
        (
            "messages[3]",
            vec![user("x"), asked(), answered("a"), user("y")],
        ),
        (
            "messages[2].parts[0].tool_result.tool_call_id",
            vec![user("x"), asked(), answered("c")],
        ),
        (
            "messages[3].parts[0].tool_result.tool_call_id",
            vec![user("x"), asked(), answered("a"), answered("a")],
        ),
        (
            "messages[1].parts[1].tool_call.id",
            vec![
                user("x"),
                message(
                    Role::Assistant,
                    [call("a", "now", "{}"), call("a", "now", "{}")],
                ),
            ],
        ),
        (
            "messages[1].parts[0].tool_call.arguments",
            vec![
                user("x"),
                message(Role::Assistant, [call("a", "now", "{")]),
                answered("a"),
            ],
        ),
    ] {
        assert_refused(
            field,
            EncodeErrorKind::Invalid,
            GPT_4_1,
            conversation(messages),
        );
    }
    let fine = [user("x"), asked(), answered("b"), answered("a")];
    assert!(
        Case::new(GPT_4_1.0, GPT_4_1.1, conversation(fine))
            .encode()
            .is_ok()
    );
}

#[test]
fn what_the_provider_cannot_do_is_named() {
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
    for (model, field, request) in [
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
fn a_model_that_does_not_sample_takes_the_defaults() {
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
fn a_model_that_does_not_reason_need_not_be_told_not_to() {
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
fn openai_demands_a_schemas_name_and_anthropic_does_not() {
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
    let said = |part| conversation([user("x"), message(Role::Assistant, [part]), user("y")]);
    let field = "messages[1].parts[0].provider_state.data";
    for part in [
        with_state(reasoning("x"), "openai", "not json"),
        with_state(text("x"), "openai", "[]"),
    ] {
        assert_refused(field, EncodeErrorKind::Invalid, GPT_5_4, said(part));
    }
    let mut binary = with_state(redacted(), "anthropic", "");
    binary.provider_state.as_mut().unwrap().data = vec![0xff].into();
    assert_refused(field, EncodeErrorKind::Invalid, HAIKU_4_5, said(binary));
}

fn assert_refused(
    field: &str,
    kind: EncodeErrorKind,
    (provider, model): (Provider, &'static str),
    request: GenerateRequest,
) {
    match Case::new(provider, model, request).encode() {
        Ok(_) => panic!("{model} takes {field}"),
        Err(error) => assert_eq!((error.field.as_ref(), error.kind), (field, kind), "{model}"),
    }
}

fn temperature(value: f64) -> Sampling {
    Sampling {
        temperature: Some(value),
        ..Sampling::default()
    }
}

fn empty_part() -> Part {
    Part::default()
}

fn http_photo() -> Part {
    use latchkey_contract::router::v1::part::Content;
    let mut part = photo(image::Detail::Auto);
    if let Some(Content::Image(image)) = &mut part.content {
        image.source = Some(image::Source::Url("http://example.com/cat.jpg".to_owned()));
    }
    part
}

fn named(name: &str) -> Tool {
    Tool {
        name: name.to_owned(),
        ..now_tool()
    }
}

fn schema_tool(schema: &str) -> Tool {
    Tool {
        json_schema: schema.to_owned(),
        ..now_tool()
    }
}

fn many_tools(count: usize) -> Vec<Tool> {
    (0..count).map(|n| named(&format!("tool_{n}"))).collect()
}

fn unknown_effort() -> Option<ReasoningControl> {
    Some(ReasoningControl {
        effort: 99,
        budget_tokens: None,
    })
}
