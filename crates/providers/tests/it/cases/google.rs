//! The requests of `golden/google_calls.py`, `GENERATE`: the same for both of Google's endpoints.

use std::collections::BTreeMap;

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::{
    GenerateRequest, JsonObject, JsonSchema, ResponseFormat, Role, Sampling, image,
    reasoning_control, response_format, tool_choice,
};
use prost_types::value::Kind;
use prost_types::{Struct, Value};

use super::{
    Case, assistant, budget, call, choice, conversation, effort, failed, linked_pdf, message,
    now_tool, pdf, person_schema, photo, png, reasoning, redacted, result, schema_format, stops,
    text, user, weather_tool, with_state,
};

const FLASH_2_5: &str = "gemini-2.5-flash";
const FLASH_3: &str = "gemini-3-flash-preview";
const SIGNATURE: &str = "CiQB+/+/eA==";
const TEXT_SIGNATURE: &str = "EuMC/+8=";

pub(crate) fn case(provider: ProviderId, name: &str) -> Case {
    let (model, request) = match name {
        "plain" => (FLASH_2_5, conversation([user("Hello")])),
        "system_and_turns" => (FLASH_2_5, system_and_turns()),
        "parallel_tools" => (FLASH_3, parallel_tools(provider.as_str())),
        "named_tool" => (FLASH_2_5, named_tool()),
        "images_and_files" => (FLASH_2_5, images_and_files()),
        "image_detail" => (
            FLASH_3,
            conversation([message(Role::User, [photo(image::Detail::High)])]),
        ),
        "tool_images" => (FLASH_3, tool_images(provider.as_str())),
        "signed_parts" => (FLASH_3, signed_parts(provider.as_str())),
        "json_schema" => (FLASH_2_5, json_schema()),
        "json_object" => (FLASH_2_5, json_object()),
        "sampling_and_stop" => (FLASH_2_5, sampling_and_stop()),
        "reasoning_budget" => (
            FLASH_2_5,
            GenerateRequest {
                reasoning: budget(2048),
                ..conversation([user("Why?")])
            },
        ),
        "reasoning_level" => (FLASH_3, reasoned(reasoning_control::Effort::Low)),
        "reasoning_off" => (FLASH_2_5, reasoned(reasoning_control::Effort::None)),
        "continuation" => (FLASH_3, continuation(provider.as_str())),
        "provider_options" => (
            FLASH_2_5,
            GenerateRequest {
                provider_options: Some(options()),
                ..conversation([user("Hello")])
            },
        ),
        "stream" => {
            return Case::new(provider, FLASH_2_5, conversation([user("Hello")])).streamed();
        }
        other => panic!("no neutral request for {provider}/{other}"),
    };
    Case::new(provider, model, request)
}

/// A token count. At AI Studio it has the conversation only, because the SDK sends nothing else
/// there.
pub(crate) fn counted(provider: ProviderId) -> Case {
    let request = match provider {
        ProviderId::Vertex => GenerateRequest {
            tools: vec![weather_tool()],
            // Not part of the prompt.
            max_output_tokens: Some(64),
            ..conversation([super::system("Be brief."), user("Weather in Oslo?")])
        },
        _ => conversation([user("Hello")]),
    };
    Case::new(provider, FLASH_2_5, request)
}

fn system_and_turns() -> GenerateRequest {
    conversation([
        message(Role::System, [text("Be brief.")]),
        message(Role::System, [text("Be kind.")]),
        user("Hello"),
        assistant("Hi."),
        user("And “you”?\n\t\u{2028}é😀"),
    ])
}

fn parallel_tools(mark: &str) -> GenerateRequest {
    GenerateRequest {
        tools: vec![weather_tool(), now_tool()],
        tool_choice: choice(tool_choice::Mode::Auto, "", Some(true)),
        ..conversation([
            user("Weather in Oslo and Rome?"),
            message(
                Role::Assistant,
                [
                    with_state(reasoning("Two cities."), mark, ""),
                    // Thinking of another provider is not sent.
                    with_state(reasoning("Hm."), "openai", "{}"),
                    text("Looking."),
                ],
            ),
            // Consecutive model messages are one turn.
            message(
                Role::Assistant,
                [
                    with_state(
                        call("a323kt5y", "get_weather", r#"{"city": "Oslo"}"#),
                        mark,
                        SIGNATURE,
                    ),
                    call("b7", "get_weather", r#"{"city":"Rome"}"#),
                ],
            ),
            // Results may come in any order and in several messages.
            message(Role::Tool, [failed(result("b7", [text("no such city")]))]),
            message(Role::Tool, [result("a323kt5y", [text("4 °C")])]),
            // A call of another model within the turn.
            message(
                Role::Assistant,
                [
                    with_state(text(""), "anthropic", "EqQB"),
                    with_state(call("toolu_1", "now", ""), "anthropic", "EqQB"),
                ],
            ),
            message(
                Role::Tool,
                [result("toolu_1", [text("12:00"), text("noon")])],
            ),
        ])
    }
}

fn named_tool() -> GenerateRequest {
    GenerateRequest {
        tools: vec![weather_tool()],
        tool_choice: choice(tool_choice::Mode::Named, "get_weather", None),
        ..conversation([user("Weather in Oslo?")])
    }
}

fn images_and_files() -> GenerateRequest {
    conversation([message(
        Role::User,
        [
            text("Compare."),
            photo(image::Detail::Auto),
            png(),
            pdf(),
            linked_pdf(),
        ],
    )])
}

fn tool_images(mark: &str) -> GenerateRequest {
    GenerateRequest {
        tools: vec![now_tool()],
        tool_choice: choice(tool_choice::Mode::None, "", None),
        ..conversation([
            user("What does it show?"),
            message(
                Role::Assistant,
                [with_state(call("a1", "now", "{}"), mark, SIGNATURE)],
            ),
            message(Role::Tool, [result("a1", [text("this"), png()])]),
        ])
    }
}

fn signed_parts(mark: &str) -> GenerateRequest {
    conversation([
        user("Draw a cat."),
        message(
            Role::Assistant,
            [
                text("Here "),
                with_state(text("it is."), mark, TEXT_SIGNATURE),
                with_state(png(), mark, SIGNATURE),
                with_state(text(""), mark, TEXT_SIGNATURE),
            ],
        ),
        user("Another one."),
    ])
}

fn json_schema() -> GenerateRequest {
    GenerateRequest {
        response_format: schema_format(JsonSchema {
            description: String::new(),
            ..person_schema()
        }),
        ..conversation([user("Ada, 36")])
    }
}

fn json_object() -> GenerateRequest {
    GenerateRequest {
        response_format: Some(ResponseFormat {
            format: Some(response_format::Format::JsonObject(JsonObject {})),
        }),
        ..conversation([user("As json: Ada, 36")])
    }
}

fn sampling_and_stop() -> GenerateRequest {
    GenerateRequest {
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
    }
}

fn reasoned(depth: reasoning_control::Effort) -> GenerateRequest {
    GenerateRequest {
        reasoning: effort(depth),
        ..conversation([user("Why?")])
    }
}

/// An answer that paused twice. The token stands for all of it.
fn continuation(mark: &str) -> GenerateRequest {
    conversation([
        user("A long story."),
        message(
            Role::Assistant,
            [text("Once "), with_state(redacted(), mark, "AAAA")],
        ),
        message(
            Role::Assistant,
            [text("upon "), with_state(redacted(), mark, TEXT_SIGNATURE)],
        ),
    ])
}

fn options() -> Struct {
    let value = |kind| Value { kind: Some(kind) };
    let team = value(Kind::StringValue("a".to_owned()));
    let labels = Struct {
        fields: BTreeMap::from([("team".to_owned(), team)]),
    };
    Struct {
        fields: BTreeMap::from([("labels".to_owned(), value(Kind::StructValue(labels)))]),
    }
}
