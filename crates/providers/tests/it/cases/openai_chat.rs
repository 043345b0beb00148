//! The requests of golden/calls/__init__.py, `OPENAI_CHAT`.

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::{
    GenerateRequest, JsonObject, ResponseFormat, Role, Sampling, image, reasoning_control,
    response_format, tool_choice,
};
use prost_types::Struct;
use prost_types::value::Kind;

use super::{
    Case, assistant, call, choice, conversation, effort, message, now_tool, option, option_object,
    option_text, options, pdf, person_schema, photo, png, result, schema_format, stops, system,
    text, user, weather_tool,
};

pub(crate) fn case(name: &str) -> Case {
    let case = match name {
        "custom" => return custom(),
        "plain" => conversation([user("Hello")]),
        "system_and_turns" => conversation([
            system("Be brief."),
            user("Hello"),
            assistant("Hi."),
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
        "pdf" => conversation([message(Role::User, [pdf(), text("Summarise.")])]),
        "json_schema" => GenerateRequest {
            response_format: schema_format(person_schema()),
            ..conversation([user("Ada, 36")])
        },
        "json_object" => GenerateRequest {
            response_format: Some(ResponseFormat {
                format: Some(response_format::Format::JsonObject(JsonObject {})),
            }),
            ..conversation([user("As json: Ada, 36")])
        },
        "sampling_and_stop" => GenerateRequest {
            sampling: Some(Sampling {
                temperature: Some(0.25),
                top_p: Some(0.5),
                top_k: None,
                seed: Some(7),
                presence_penalty: Some(0.125),
                frequency_penalty: Some(-0.5),
                stop_sequences: stops(&["END", "\n\n"]),
            }),
            max_output_tokens: Some(256),
            ..conversation([user("Hello")])
        },
        "reasoning" => {
            let request = GenerateRequest {
                reasoning: effort(reasoning_control::Effort::High),
                max_output_tokens: Some(4096),
                ..conversation([system("Be brief."), user("Why?")])
            };
            return Case::new(ProviderId::OpenAi, "o3", request);
        }
        "stream" => return gpt(conversation([user("Hello")])).streamed(),
        "provider_options" => GenerateRequest {
            provider_options: of_the_provider(),
            ..conversation([user("Hello")])
        },
        other => panic!("no neutral request for openai_chat/{other}"),
    };
    gpt(case)
}

fn gpt(request: GenerateRequest) -> Case {
    Case::new(ProviderId::OpenAi, "gpt-4.1", request)
}

fn parallel_tools() -> GenerateRequest {
    GenerateRequest {
        tools: vec![weather_tool(), now_tool()],
        tool_choice: choice(tool_choice::Mode::Auto, "", Some(true)),
        ..conversation([
            user("Weather in Oslo and Rome?"),
            message(
                Role::Assistant,
                [
                    call("call_1", "get_weather", r#"{"city": "Oslo"}"#),
                    call("call_2", "get_weather", r#"{"city":"Rome"}"#),
                ],
            ),
            message(Role::Tool, [result("call_1", [text("4 °C")])]),
            message(Role::Tool, [result("call_2", [text("19 °C")])]),
        ])
    }
}

fn custom() -> Case {
    let request = GenerateRequest {
        tools: vec![now_tool()],
        max_output_tokens: Some(64),
        sampling: Some(Sampling {
            temperature: Some(0.5),
            ..Sampling::default()
        }),
        ..conversation([system("Be brief."), user("Weather in Oslo?")])
    };
    Case::new(ProviderId::Custom, "llama-4", request).streamed()
}

fn of_the_provider() -> Option<Struct> {
    let metadata = option_object([("team", option_text("a"))]);
    options([
        ("service_tier", option_text("flex")),
        ("metadata", metadata),
        ("top_logprobs", option(Kind::NumberValue(2.0))),
        ("logprobs", option(Kind::BoolValue(true))),
    ])
}
