//! The requests of golden/calls/deepseek.py.

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::{
    GenerateRequest, JsonObject, ReasoningControl, ResponseFormat, Role, Sampling, image,
    reasoning_control, response_format, tool_choice,
};
use latchkey_providers::catalogue::{Effort, SamplingPolicy};
use prost_types::value::Kind;

use super::{
    Case, assistant, call, choice, conversation, effort, message, now_tool, option, option_text,
    options, photo, png, reasoning, result, stops, text, user, weather_tool, with_state,
};

pub(crate) fn case(name: &str) -> Case {
    let request = match name {
        "plain" => conversation([user("Hello")]),
        "system_and_turns" => conversation([
            message(Role::System, [text("Be brief."), text("Be kind.")]),
            user("Hello"),
            message(Role::Assistant, [thought("A greeting."), text("Hi.")]),
            user("And “you”?\n\t\u{2028}é😀"),
        ]),
        "parallel_tools" => parallel_tools(),
        "named_tool" => GenerateRequest {
            tools: vec![weather_tool()],
            tool_choice: choice(tool_choice::Mode::Named, "get_weather", None),
            reasoning: off(),
            ..conversation([user("Weather in Oslo?")])
        },
        "images" => {
            let parts = [text("Compare."), photo(image::Detail::High), png()];
            return with_model("deepseek-flash", conversation([message(Role::User, parts)]));
        }
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
                stop_sequences: stops(&["1", "2", "3", "4", "5"]),
                ..Sampling::default()
            }),
            max_output_tokens: Some(256),
            reasoning: off(),
            ..conversation([user("Hello")])
        },
        "reasoning" => GenerateRequest {
            reasoning: effort(reasoning_control::Effort::Max),
            max_output_tokens: Some(4096),
            ..conversation([user("Why?")])
        },
        "stream" => return pro(conversation([user("Hello")])).streamed(),
        "provider_options" => GenerateRequest {
            provider_options: options([
                ("logprobs", option(Kind::BoolValue(true))),
                ("top_logprobs", option(Kind::NumberValue(2.0))),
                ("user_id", option_text("u-1")),
            ]),
            ..conversation([user("Hello")])
        },
        other => panic!("no neutral request for deepseek/{other}"),
    };
    pro(request)
}

pub(crate) fn pro(request: GenerateRequest) -> Case {
    with_model("deepseek-v4-pro", request)
}

fn with_model(model: &'static str, request: GenerateRequest) -> Case {
    Case::new(ProviderId::DeepSeek, model, request).with_traits(|traits| {
        traits.sampling = SamplingPolicy::WithoutReasoning;
        traits.reasoning_efforts = vec![Effort::None, Effort::Low, Effort::High, Effort::Max];
        traits.reasons_by_default = true;
    })
}

fn off() -> Option<ReasoningControl> {
    effort(reasoning_control::Effort::None)
}

/// Reasoning with DeepSeek's state.
fn thought(text: &str) -> latchkey_contract::router::v1::Part {
    with_state(reasoning(text), "deepseek", "reasoning_content")
}

fn parallel_tools() -> GenerateRequest {
    GenerateRequest {
        tools: vec![weather_tool(), now_tool()],
        // Parallel calls are DeepSeek's default.
        tool_choice: choice(tool_choice::Mode::Auto, "", Some(true)),
        ..conversation([
            user("Weather in Oslo and Rome?"),
            message(
                Role::Assistant,
                [
                    thought("Two cities."),
                    call("call_1", "get_weather", r#"{"city": "Oslo"}"#),
                    call("call_2", "get_weather", r#"{"city":"Rome"}"#),
                ],
            ),
            message(
                Role::Tool,
                [
                    result("call_1", [text("4 °C"), text("and rain")]),
                    result("call_2", [text("19 °C")]),
                ],
            ),
            assistant("Cold and warm."),
            user("Thanks."),
        ])
    }
}
