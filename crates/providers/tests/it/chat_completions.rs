//! Differences between the providers of Chat Completions that the SDKs do not show: unsupported
//! fields are refused by name, and fields that a provider would misread are written differently.

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::{
    GenerateRequest, Role, Sampling, ToolChoice, image, reasoning_control, tool_choice,
};
use latchkey_providers::encode::EncodeErrorKind;
use prost_types::value::Kind;
use serde_json::json;

use crate::cases::deepseek::pro;
use crate::cases::openrouter::claude;
use crate::cases::{
    Case, assistant, budget, call, choice, conversation, effort, inline_file, linked_pdf, message,
    option, option_object, option_text, options, pdf, person_schema, photo, png, reasoning, result,
    schema_format, stops, system, text, user, weather_tool, with_state,
};
use crate::refusals::temperature;

fn hello() -> GenerateRequest {
    conversation([user("Hello")])
}

fn sampled(sampling: Sampling) -> GenerateRequest {
    GenerateRequest {
        sampling: Some(sampling),
        ..hello()
    }
}

fn choosing(choice: Option<ToolChoice>) -> GenerateRequest {
    GenerateRequest {
        tools: vec![weather_tool()],
        tool_choice: choice,
        ..hello()
    }
}

fn unsupported(case: &Case, field: &str) {
    let Err(error) = case.encode() else {
        panic!("{} takes {field}", case.provider);
    };
    assert_eq!(
        (error.field.as_ref(), error.kind),
        (field, EncodeErrorKind::UnsupportedByProvider)
    );
}

#[test]
fn fields_that_deepseek_does_not_support_are_refused_by_name() {
    let seventeen = vec!["x".to_owned(); 17];
    let image_result = conversation([
        user("x"),
        message(Role::Assistant, [call("a", "now", "{}")]),
        message(Role::Tool, [result("a", [text("y"), png()])]),
    ]);
    for (field, request) in [
        (
            "response_format.json_schema",
            GenerateRequest {
                response_format: schema_format(person_schema()),
                ..hello()
            },
        ),
        (
            "messages[0].parts[0].file",
            conversation([message(Role::User, [pdf()])]),
        ),
        (
            "messages[0].parts[0].file",
            conversation([message(Role::User, [linked_pdf()])]),
        ),
        (
            "messages[2].parts[0].tool_result.parts[1].image",
            image_result,
        ),
        (
            "tool_choice.parallel",
            choosing(choice(tool_choice::Mode::Auto, "", Some(false))),
        ),
        (
            "tool_choice.mode",
            choosing(choice(tool_choice::Mode::Required, "", None)),
        ),
        (
            "tool_choice.mode",
            choosing(choice(tool_choice::Mode::Named, "get_weather", None)),
        ),
        (
            "sampling.seed",
            sampled(Sampling {
                seed: Some(7),
                ..Sampling::default()
            }),
        ),
        (
            "sampling.presence_penalty",
            sampled(Sampling {
                presence_penalty: Some(0.5),
                ..Sampling::default()
            }),
        ),
        (
            "sampling.frequency_penalty",
            sampled(Sampling {
                frequency_penalty: Some(0.5),
                ..Sampling::default()
            }),
        ),
        (
            "sampling.stop_sequences",
            sampled(Sampling {
                stop_sequences: seventeen,
                ..Sampling::default()
            }),
        ),
        // DeepSeek ignores them while it reasons.
        ("sampling.temperature", sampled(temperature(0.5))),
        (
            "reasoning.effort",
            GenerateRequest {
                reasoning: effort(reasoning_control::Effort::Medium),
                ..hello()
            },
        ),
        (
            "reasoning.budget_tokens",
            GenerateRequest {
                reasoning: budget(2048),
                ..hello()
            },
        ),
    ] {
        unsupported(&pro(request), field);
    }
}

#[test]
fn only_openrouter_gets_a_budget_whatever_the_catalogue_says() {
    for (provider, model) in [
        (ProviderId::Azure, "a-deployment"),
        (ProviderId::Custom, "llama-4"),
        (ProviderId::DeepSeek, "deepseek-v4-pro"),
        (ProviderId::OpenAi, "gpt-4.1"),
        (ProviderId::OpenAi, "gpt-5.4"),
    ] {
        let request = GenerateRequest {
            reasoning: budget(2048),
            ..hello()
        };
        let case = Case::new(provider, model, request);
        let case = case.with_traits(|traits| traits.reasoning_budget = true);
        unsupported(&case, "reasoning.budget_tokens");
    }
}

#[test]
fn openai_and_azure_take_files_inline_and_openrouter_also_linked() {
    let linked = || conversation([message(Role::User, [linked_pdf()])]);
    for (provider, model) in [
        (ProviderId::Azure, "a-deployment"),
        (ProviderId::Custom, "llama-4"),
        (ProviderId::OpenAi, "gpt-4.1"),
    ] {
        let field = "messages[0].parts[0].file.url";
        unsupported(&Case::new(provider, model, linked()), field);
    }
    assert!(claude(linked()).encode().is_ok());
}

#[test]
fn openrouter_takes_four_stop_sequences() {
    let stopped = |list: &[&str]| {
        claude(sampled(Sampling {
            stop_sequences: stops(list),
            ..Sampling::default()
        }))
    };
    unsupported(
        &stopped(&["a", "b", "c", "d", "e"]),
        "sampling.stop_sequences",
    );
    assert!(stopped(&["a", "b", "c", "d"]).encode().is_ok());
}

#[test]
fn options_that_change_how_an_answer_reads_are_refused() {
    for name in [
        "audio",
        "function_call",
        "functions",
        "modalities",
        "n",
        "stream",
    ] {
        for case in [
            claude(hello()),
            pro(hello()),
            Case::new(ProviderId::Custom, "llama-4", hello()),
        ] {
            let case = Case {
                request: GenerateRequest {
                    provider_options: options([(name, option(Kind::NumberValue(2.0)))]),
                    ..hello()
                },
                ..case
            };
            assert_eq!(case.body(), Err(format!("provider_options.{name}")));
        }
    }
}

#[test]
fn openrouters_preferences_must_be_an_object() {
    let preferring = |provider| {
        claude(GenerateRequest {
            provider_options: options([("provider", provider)]),
            ..sampled(temperature(0.5))
        })
    };
    let wrong = preferring(option_text("anthropic"));
    assert_eq!(wrong.body(), Err("provider_options.provider".to_owned()));
    let not_a_number = option(Kind::NumberValue(f64::NAN));
    let wrong = preferring(option_object([("max_price", not_a_number)]));
    assert_eq!(wrong.body(), Err("provider_options.provider".to_owned()));
    // Null means unset, at the top level and within.
    let null = || option(Kind::NullValue(0));
    for provider in [null(), option_object([("require_parameters", null())])] {
        let body = preferring(provider).body().unwrap();
        assert_eq!(body["provider"], json!({"require_parameters": true}));
    }
}

#[test]
fn the_caller_decides_whether_openrouter_may_drop_parameters() {
    let lenient = option_object([("require_parameters", option(Kind::BoolValue(false)))]);
    let case = claude(GenerateRequest {
        provider_options: options([("provider", lenient)]),
        ..sampled(temperature(0.5))
    });
    let body = case.body().unwrap();
    assert_eq!(body["provider"], json!({"require_parameters": false}));
}

#[test]
fn servers_without_parts_get_joined_texts() {
    let request = || {
        conversation([
            message(Role::System, [text("Be brief."), text("Be kind.")]),
            message(Role::User, [text("Hello."), text("There.")]),
            message(Role::Assistant, [text("Hi."), text("You.")]),
            message(
                Role::User,
                [text("See."), photo(image::Detail::Unspecified)],
            ),
        ])
    };
    for case in [
        pro(request()),
        Case::new(ProviderId::Custom, "llama-4", request()),
    ] {
        let messages = &case.body().unwrap()["messages"];
        assert_eq!(messages[0]["content"], "Be brief.\nBe kind.");
        assert_eq!(messages[1]["content"], "Hello.\nThere.");
        assert_eq!(messages[2]["content"], "Hi.\nYou.");
        // Images can only be parts.
        assert_eq!(messages[3]["content"][0]["text"], "See.");
    }
}

#[test]
fn deepseek_gets_no_null_content_and_reasoning_in_every_turn_with_tools() {
    let foreign = message(Role::Assistant, [call("a", "now", "{}")]);
    let request = conversation([
        user("x"),
        foreign,
        message(Role::Tool, [result("a", [])]),
        assistant("y"),
        user("z"),
    ]);
    let messages = &pro(request).body().unwrap()["messages"];
    assert_eq!(messages[1]["content"], "");
    assert_eq!(messages[1]["reasoning_content"], "");
    assert_eq!(messages[2]["content"], "");
    assert_eq!(messages[3]["reasoning_content"], "");
    // Without tools it is optional.
    let plain = conversation([user("x"), assistant("y"), user("z")]);
    let messages = &pro(plain).body().unwrap()["messages"];
    assert!(messages[1].get("reasoning_content").is_none());
}

#[test]
fn a_message_of_reasoning_only_is_sent_back_where_it_is_required() {
    let cut_off = |mark: &str, data: &str| {
        let thought = with_state(reasoning("Hm."), mark, data);
        conversation([user("x"), message(Role::Assistant, [thought]), user("y")])
    };
    let messages = &pro(cut_off("deepseek", "reasoning_content"))
        .body()
        .unwrap()["messages"];
    assert_eq!(
        messages[1],
        json!({"role": "assistant", "content": "", "reasoning_content": "Hm."})
    );
    let details = r#"[{"type":"reasoning.text","text":"Hm.","index":0}]"#;
    let messages = &claude(cut_off("openrouter", details)).body().unwrap()["messages"];
    assert_eq!(messages[1]["content"], json!(null));
    assert_eq!(messages[1]["reasoning_details"][0]["text"], "Hm.");
    assert!(messages[1].get("reasoning").is_none());
    let messages = &pro(cut_off("openrouter", details)).body().unwrap()["messages"];
    assert_eq!(messages[1]["role"], "user");
}

#[test]
fn details_that_openrouter_never_gave_are_refused() {
    for data in ["not json", "{}", "7"] {
        let thought = with_state(reasoning("x"), "openrouter", data);
        let assistant = message(Role::Assistant, [thought]);
        let case = claude(conversation([user("x"), assistant, user("y")]));
        let field = "messages[1].parts[0].provider_state.data";
        assert_eq!(case.body(), Err(field.to_owned()), "{data}");
    }
}

#[test]
fn usage_in_streams_is_requested_where_the_api_version_supports_it() {
    let asks_for_usage = |case: Case| {
        let body = case.streamed().body().unwrap();
        body.get("stream_options").is_some()
    };
    let azure = |api_version| Case {
        api_version,
        ..Case::new(ProviderId::Azure, "a-deployment", hello())
    };
    for version in ["", "preview", "2024-09-01-preview", "2024-10-21"] {
        assert!(asks_for_usage(azure(version)), "{version}");
    }
    for version in ["2024-06-01", "2024-08-01-preview"] {
        assert!(!asks_for_usage(azure(version)), "{version}");
    }
    // Anthropic reports usage without being requested to.
    assert!(!asks_for_usage(claude(hello())));
    let custom = |asks: bool| {
        let case = Case::new(ProviderId::Custom, "llama-4", hello());
        case.with_traits(|traits| traits.stream_usage = asks)
    };
    assert!(asks_for_usage(custom(true)) && !asks_for_usage(custom(false)));
}

#[test]
fn azures_addresses_follow_the_version() {
    let uri = |api_version, model| {
        let case = Case {
            api_version,
            ..Case::new(ProviderId::Azure, model, hello())
        };
        case.encode()
            .map(|exchange| exchange.request.uri.to_string())
    };
    let base = "https://example.openai.azure.com/openai";
    for (version, path) in [
        ("", "/v1/chat/completions"),
        ("preview", "/v1/chat/completions?api-version=preview"),
        (
            "2024-10-21",
            "/deployments/my-gpt/chat/completions?api-version=2024-10-21",
        ),
    ] {
        assert_eq!(uri(version, "my-gpt").unwrap(), format!("{base}{path}"));
    }
    // The deployment becomes a path segment.
    assert_eq!(uri("2024-10-21", "a/../b").unwrap_err().field, "model");
}

#[test]
fn a_tool_without_arguments_has_an_empty_schema_where_upstreams_fail_without_one() {
    let tools = vec![crate::cases::now_tool()];
    let request = GenerateRequest { tools, ..hello() };
    let empty = json!({"type": "object", "properties": {}});
    for case in [
        claude(request.clone()),
        Case::new(ProviderId::Custom, "llama-4", request.clone()),
    ] {
        let body = case.body().unwrap();
        assert_eq!(body["tools"][0]["function"]["parameters"], empty);
    }
    let body = pro(request).body().unwrap();
    assert!(body["tools"][0]["function"].get("parameters").is_none());
}

#[test]
fn text_files_and_late_instructions_are_left_to_the_provider() {
    let notes = inline_file("text/csv", b"a,b", "a.csv");
    let request = conversation([message(Role::User, [notes]), system("Be brief."), user("x")]);
    let body = claude(request).body().unwrap();
    let file = &body["messages"][0]["content"][0]["file"];
    assert_eq!(file["file_data"], "data:text/csv;base64,YSxi");
    assert_eq!(body["messages"][1]["role"], "system");
}
