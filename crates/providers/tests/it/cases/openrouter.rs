//! The requests of golden/calls/openrouter.py.

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::{
    GenerateRequest, Role, Sampling, image, reasoning_control, tool_choice,
};
use prost_types::value::Kind;
use prost_types::{ListValue, Struct};

use super::{
    Case, budget, call, choice, conversation, effort, linked_pdf, message, now_tool, option,
    option_object, option_text, options, pdf, person_schema, photo, png, reasoning, result,
    schema_format, stops, text, user, weather_tool, with_state,
};

pub(crate) fn case(name: &str) -> Case {
    let request = match name {
        "plain" => conversation([user("Hello")]),
        "system_and_turns" => conversation([
            message(Role::System, [text("Be brief."), text("Be kind.")]),
            user("Hello"),
            message(
                Role::Assistant,
                [
                    with_state(reasoning("A greeting."), "openrouter", "[]"),
                    text("Hi."),
                ],
            ),
            user("And “you”?\n\t\u{2028}é😀"),
        ]),
        "parallel_tools" => parallel_tools(),
        "named_tool" => GenerateRequest {
            tools: vec![weather_tool()],
            tool_choice: choice(tool_choice::Mode::Named, "get_weather", Some(false)),
            ..conversation([user("Weather in Oslo?")])
        },
        "images" => conversation([message(
            Role::User,
            [text("Compare."), photo(image::Detail::High), png()],
        )]),
        "files" => conversation([message(
            Role::User,
            [pdf(), linked_pdf(), text("Summarise.")],
        )]),
        "json_schema" => GenerateRequest {
            response_format: schema_format(person_schema()),
            ..conversation([user("Ada, 36")])
        },
        "sampling_and_stop" => GenerateRequest {
            sampling: Some(Sampling {
                temperature: Some(0.25),
                top_p: Some(0.5),
                top_k: Some(40),
                seed: Some(7),
                presence_penalty: Some(0.125),
                frequency_penalty: Some(-0.5),
                stop_sequences: stops(&["END", "\n\n"]),
            }),
            max_output_tokens: Some(256),
            ..conversation([user("Hello")])
        },
        "reasoning" => thinking(reasoning_control::Effort::Xhigh),
        "reasoning_off" => thinking(reasoning_control::Effort::None),
        "reasoning_budget" => GenerateRequest {
            reasoning: budget(2048),
            ..conversation([user("Why?")])
        },
        "stream" => return claude(conversation([user("Hello")])).streamed(),
        "provider_options" => GenerateRequest {
            provider_options: of_the_provider(),
            ..conversation([user("Hello")])
        },
        "preferences" => preferring([("sort", option_text("price"))]),
        "lenient" => GenerateRequest {
            sampling: Some(Sampling {
                seed: Some(7),
                ..Sampling::default()
            }),
            ..preferring([("require_parameters", option(Kind::BoolValue(false)))])
        },
        other => panic!("no neutral request for openrouter/{other}"),
    };
    claude(request)
}

pub(crate) fn claude(request: GenerateRequest) -> Case {
    let model = "anthropic/claude-sonnet-5";
    Case::new(ProviderId::OpenRouter, model, request).with_traits(|traits| {
        traits.reasoning_budget = true;
    })
}

fn thinking(depth: reasoning_control::Effort) -> GenerateRequest {
    GenerateRequest {
        reasoning: effort(depth),
        ..conversation([user("Why?")])
    }
}

fn preferring<const N: usize>(
    preferences: [(&'static str, prost_types::Value); N],
) -> GenerateRequest {
    GenerateRequest {
        provider_options: options([("provider", option_object(preferences))]),
        ..conversation([user("Hello")])
    }
}

fn of_the_provider() -> Option<Struct> {
    let order = ListValue {
        values: vec![option_text("anthropic")],
    };
    let provider = option_object([
        ("order", option(Kind::ListValue(order))),
        ("zdr", option(Kind::BoolValue(true))),
    ]);
    options([
        ("session_id", option_text("s-1")),
        ("min_p", option(Kind::NumberValue(0.25))),
        ("provider", provider),
    ])
}

/// As OpenRouter sent them. They must be sent back unchanged.
const DETAILS: &str = r#"[{"type":"reasoning.text","text":"Two cities.","signature":"EqQB+/=",
    "id":"r1","format":"anthropic-claude-v1","index":0},
    {"type":"reasoning.encrypted","data":"EmwK","format":"unknown","index":1}]"#;

fn parallel_tools() -> GenerateRequest {
    GenerateRequest {
        tools: vec![weather_tool(), now_tool()],
        tool_choice: choice(tool_choice::Mode::Auto, "", Some(true)),
        ..conversation([
            user("Weather in Oslo and Rome?"),
            message(
                Role::Assistant,
                [
                    with_state(reasoning("Two cities."), "openrouter", DETAILS),
                    // Reasoning of another provider is not sent.
                    with_state(reasoning("Hm."), "anthropic", "EqQB"),
                    call("call_1", "get_weather", r#"{"city":"Oslo"}"#),
                    call("call_2", "get_weather", r#"{"city":"Rome"}"#),
                ],
            ),
            message(Role::Tool, [result("call_1", [text("4 °C")])]),
            message(Role::Tool, [result("call_2", [text("19 °C"), png()])]),
        ])
    }
}
