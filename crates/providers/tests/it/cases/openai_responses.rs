//! The requests of golden/calls/__init__.py, `OPENAI_RESPONSES`.

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::{
    GenerateRequest, Role, Sampling, image, reasoning_control, tool_choice,
};

use super::{
    Case, assistant, call, choice, conversation, effort, linked_pdf, message, now_tool, pdf,
    person_schema, photo, png, reasoning, result, schema_format, system, text, user, weather_tool,
    with_state,
};

pub(crate) fn case(name: &str) -> Case {
    let request = match name {
        "plain" => conversation([user("Hello")]),
        "system_and_turns" => conversation([
            system("Be brief."),
            user("Hello"),
            assistant("Hi."),
            user("And you?"),
        ]),
        "parallel_tools" => parallel_tools(),
        "named_tool" => GenerateRequest {
            tools: vec![weather_tool()],
            tool_choice: choice(tool_choice::Mode::Named, "get_weather", Some(false)),
            ..conversation([user("Weather in Oslo?")])
        },
        "images_and_files" => conversation([message(
            Role::User,
            [
                text("Compare."),
                photo(image::Detail::Low),
                png(),
                pdf(),
                linked_pdf(),
            ],
        )]),
        "json_schema" => GenerateRequest {
            response_format: schema_format(person_schema()),
            ..conversation([user("Ada, 36")])
        },
        "sampling" => GenerateRequest {
            reasoning: effort(reasoning_control::Effort::None),
            sampling: Some(Sampling {
                temperature: Some(0.25),
                top_p: Some(0.5),
                ..Sampling::default()
            }),
            max_output_tokens: Some(256),
            ..conversation([user("Hello")])
        },
        "reasoning" => {
            let request = GenerateRequest {
                reasoning: effort(reasoning_control::Effort::Max),
                ..conversation([user("Why?")])
            };
            return Case::new(ProviderId::OpenAi, "gpt-6-astra", request);
        }
        "stream" => return gpt(conversation([user("Hello")])).streamed(),
        other => panic!("no neutral request for openai_responses/{other}"),
    };
    gpt(request)
}

fn gpt(request: GenerateRequest) -> Case {
    Case::new(ProviderId::OpenAi, "gpt-5.4", request)
}

/// As the provider sent it. It must be sent back unchanged.
pub(crate) const REASONING_ITEM: &str = r#"{"id": "rs_1", "type":"reasoning",
    "summary":[{"type":"summary_text","text":"Two cities."}],"encrypted_content":"gAAAA+/="}"#;

fn parallel_tools() -> GenerateRequest {
    GenerateRequest {
        tools: vec![weather_tool(), now_tool()],
        tool_choice: choice(tool_choice::Mode::Required, "", Some(true)),
        ..conversation([
            user("Weather in Oslo and Rome?"),
            message(
                Role::Assistant,
                [
                    with_state(reasoning("Two cities."), "openai", REASONING_ITEM),
                    // Reasoning without state is not sent.
                    reasoning("Hm."),
                    with_state(
                        text("Looking."),
                        "openai",
                        r#"{"id":"msg_1","status":"completed","phase":"commentary"}"#,
                    ),
                    with_state(
                        call("call_1", "get_weather", r#"{"city": "Oslo"}"#),
                        "openai",
                        r#"{"id":"fc_1","status":"completed"}"#,
                    ),
                    // State of another provider is not sent.
                    with_state(
                        call("call_2", "get_weather", r#"{"city":"Rome"}"#),
                        "anthropic",
                        "EqQB",
                    ),
                ],
            ),
            message(
                Role::Tool,
                [
                    result("call_1", [text("4 °C")]),
                    result("call_2", [text("19 °C"), png()]),
                ],
            ),
        ])
    }
}
