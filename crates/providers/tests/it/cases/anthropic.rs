//! The requests of golden/calls/__init__.py, `ANTHROPIC`.

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::{
    GenerateRequest, JsonSchema, Role, Sampling, image, reasoning_control, tool_choice,
};

use super::{
    Case, assistant, budget, call, choice, conversation, effort, failed, inline_file, linked_pdf,
    message, now_tool, pdf, person_schema, photo, png, reasoning, redacted, result, schema_format,
    stops, system, text, user, weather_tool, with_state,
};

pub(crate) fn case(name: &str) -> Case {
    match name {
        "plain" => haiku(1024, conversation([user("Hello")])),
        "system_and_turns" => haiku(
            1024,
            conversation([
                message(Role::System, [text("Be brief."), text("Be kind.")]),
                user("Hello"),
                assistant("Hi."),
                user("And you?"),
            ]),
        ),
        "late_system" => claude(
            "claude-opus-4-8",
            1024,
            conversation([
                system("Be brief."),
                user("Hello"),
                assistant("Hi."),
                user("And you?"),
                system("Be kind."),
            ]),
        ),
        "parallel_tools" => claude("claude-opus-4-7", 1024, parallel_tools()),
        "named_tool" => haiku(
            1024,
            GenerateRequest {
                tools: vec![weather_tool()],
                tool_choice: choice(tool_choice::Mode::Named, "get_weather", None),
                ..conversation([user("Weather in Oslo?")])
            },
        ),
        "images_and_files" => haiku(1024, images_and_files()),
        "json_schema" => claude(
            "claude-opus-5",
            1024,
            GenerateRequest {
                response_format: schema_format(JsonSchema {
                    description: String::new(),
                    ..person_schema()
                }),
                ..conversation([user("Ada, 36")])
            },
        ),
        "sampling_and_stop" => haiku(
            256,
            GenerateRequest {
                sampling: Some(Sampling {
                    temperature: Some(0.25),
                    top_p: Some(0.5),
                    top_k: Some(40),
                    stop_sequences: stops(&["END", "STOP"]),
                    ..Sampling::default()
                }),
                ..conversation([user("Hello")])
            },
        ),
        "reasoning_budget" => haiku(
            4096,
            GenerateRequest {
                reasoning: budget(2048),
                ..conversation([user("Why?")])
            },
        ),
        "reasoning_effort" => {
            let request = GenerateRequest {
                reasoning: effort(reasoning_control::Effort::Xhigh),
                ..conversation([user("Why?")])
            };
            Case::new(ProviderId::Anthropic, "claude-opus-4-7", request).streamed()
        }
        "reasoning_off" => claude(
            "claude-opus-5",
            1024,
            GenerateRequest {
                reasoning: effort(reasoning_control::Effort::None),
                ..conversation([user("Why?")])
            },
        ),
        "stream" => {
            let request = conversation([user("Hello")]);
            Case::new(ProviderId::Anthropic, "claude-haiku-4-5", request).streamed()
        }
        other => panic!("no neutral request for anthropic/{other}"),
    }
}

fn haiku(limit: i64, request: GenerateRequest) -> Case {
    claude("claude-haiku-4-5", limit, request)
}

fn claude(model: &'static str, limit: i64, request: GenerateRequest) -> Case {
    let request = GenerateRequest {
        max_output_tokens: Some(limit),
        ..request
    };
    Case::new(ProviderId::Anthropic, model, request)
}

fn parallel_tools() -> GenerateRequest {
    GenerateRequest {
        tools: vec![weather_tool(), now_tool()],
        tool_choice: choice(tool_choice::Mode::Auto, "", Some(false)),
        ..conversation([
            user("Weather in Oslo and Rome?"),
            message(
                Role::Assistant,
                [
                    with_state(reasoning(""), "anthropic", "EqQB+/="),
                    with_state(redacted(), "anthropic", "EmwK"),
                    // Thinking of another provider is not sent.
                    with_state(reasoning("Hm."), "openai", "{}"),
                    text("Looking."),
                    // Other providers send such texts before tool calls; Anthropic refuses blank
                    // texts.
                    text("\n\n"),
                    call("toolu_1", "get_weather", r#"{"city": "Oslo"}"#),
                    call("call:7", "get_weather", r#"{"city":"Rome"}"#),
                ],
            ),
            message(Role::Tool, [result("toolu_1", [text("4 °C")])]),
            message(
                Role::Tool,
                [failed(result("call:7", [text("no such city")]))],
            ),
            user("Go on."),
        ])
    }
}

fn images_and_files() -> GenerateRequest {
    conversation([message(
        Role::User,
        [
            text("Compare."),
            photo(image::Detail::Unspecified),
            png(),
            pdf(),
            linked_pdf(),
            inline_file("text/plain", "é".as_bytes(), ""),
        ],
    )])
}
