//! Requests that violate the contract are refused by field, for every provider.

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{
    GenerateRequest, JsonSchema, Message, Part, ReasoningControl, Role, Sampling, Tool, image,
    tool_choice,
};
use latchkey_providers::encode::EncodeErrorKind;

use crate::cases::{
    Case, budget, call, choice, conversation, inline_file, message, now_tool, person_schema, photo,
    reasoning, result, schema_format, stops, text, user, with_state,
};
use crate::refusals::{
    AZURE, DEEPSEEK, FLASH_2_5, FLASH_3, GPT_4_1, GPT_5_4, HAIKU_4_5, LLAMA, OPENROUTER,
    VERTEX_CLAUDE, VERTEX_FLASH_3, assert_refused, temperature,
};

/// A model of each dialect and endpoint.
const ALL_MODELS: [(ProviderId, &str); 11] = [
    GPT_4_1,
    GPT_5_4,
    LLAMA,
    HAIKU_4_5,
    AZURE,
    DEEPSEEK,
    OPENROUTER,
    FLASH_2_5,
    FLASH_3,
    VERTEX_FLASH_3,
    VERTEX_CLAUDE,
];

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
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
            "messages[1].parts[0].text",
            conversation([user("x"), message(Role::Assistant, [text("")])]),
        ),
        (
            "messages[0].parts[0].text",
            conversation([message(
                Role::User,
                [with_state(text(""), "google", "EuMC")],
            )]),
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
        for (provider, model) in ALL_MODELS {
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
    let with_calls = || {
        message(
            Role::Assistant,
            [call("a", "now", "{}"), call("b", "now", "{}")],
        )
    };
    let answered = |id| message(Role::Tool, [result(id, [text("x")])]);
    for (field, messages) in [
        ("messages", vec![user("x"), with_calls()]),
        ("messages", vec![user("x"), with_calls(), answered("a")]),
        (
            "messages[3]",
            vec![user("x"), with_calls(), answered("a"), user("y")],
        ),
        (
            "messages[2].parts[0].tool_result.tool_call_id",
            vec![user("x"), with_calls(), answered("c")],
        ),
        (
            "messages[3].parts[0].tool_result.tool_call_id",
            vec![user("x"), with_calls(), answered("a"), answered("a")],
        ),
        (
            "messages[2].parts[0].tool_result.name",
            vec![user("x"), with_calls(), misnamed("a"), answered("b")],
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
    let fine = [user("x"), with_calls(), answered("b"), answered("a")];
    assert!(
        Case::new(GPT_4_1.0, GPT_4_1.1, conversation(fine))
            .encode()
            .is_ok()
    );
}

/// A result that names another tool.
fn misnamed(id: &str) -> Message {
    let mut part = result(id, [text("x")]);
    if let Some(Content::ToolResult(result)) = &mut part.content {
        result.name = "then".to_owned();
    }
    message(Role::Tool, [part])
}

fn empty_part() -> Part {
    Part::default()
}

fn http_photo() -> Part {
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

#[expect(clippy::unnecessary_wraps, reason = "the type of the field")]
fn unknown_effort() -> Option<ReasoningControl> {
    Some(ReasoningControl {
        effort: 99,
        budget_tokens: None,
    })
}
