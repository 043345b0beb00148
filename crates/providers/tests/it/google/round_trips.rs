//! Answers of Google's models are sent back to them unchanged, and to other providers without
//! Google's state.

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{GenerateRequest, Message, Part, Role, loss};
use latchkey_providers::Dialect;
use latchkey_providers::catalogue::Catalogue;
use latchkey_providers::decode::{self, Reply};
use serde_json::{Value, json};

use crate::cases::{
    Case, KEY, call, conversation, message, pdf, reasoning, result, text, user, weather_tool,
    with_state,
};
use crate::golden::goldens;
use crate::refusals::{FLASH_2_5, FLASH_3, GPT_4_1, HAIKU_4_5, VERTEX_FLASH_3};

#[test]
fn an_answer_is_sent_back_unchanged_part_by_part() {
    let mut compared = 0;
    for (folder, provider) in [
        ("google", ProviderId::Google),
        ("vertex", ProviderId::Vertex),
    ] {
        for (name, golden) in goldens(&format!("{folder}/answers")) {
            let expected = &golden["body"]["candidates"][0]["content"]["parts"];
            if expected.is_null() || golden["answer"]["finish_reason"] == "PAUSED" {
                continue;
            }
            let request = answered(read(provider, &golden["body"]));
            let sent = Case::new(provider, FLASH_3.1, request).body().unwrap();
            assert_eq!(*expected, sent["contents"][1]["parts"], "{folder}/{name}");
            compared += 1;
        }
    }
    assert!(compared >= 4);
}

#[test]
fn each_result_carries_the_id_that_google_gave_its_call() {
    let ids_sent = |first: Part, second: Part| answered(message(Role::Assistant, [first, second]));
    let signed = |id: &str| with_state(call(id, "now", "{}"), "google", "EuMC");
    let ids = |(provider, model): (ProviderId, &'static str), request: GenerateRequest| {
        let body = Case::new(provider, model, request).body().unwrap();
        let ids = |turn: usize, data: &str| -> Vec<Value> {
            let parts = body["contents"][turn]["parts"].as_array().unwrap();
            parts.iter().map(|part| part[data]["id"].clone()).collect()
        };
        let called = ids(1, "functionCall");
        assert_eq!(called, ids(2, "functionResponse"));
        called
    };
    let none = [Value::Null, Value::Null];
    let both = ids_sent(signed("a1"), call("b2", "now", "{}"));
    assert_eq!(ids(FLASH_3, both.clone()), [json!("a1"), json!("b2")]);
    // Models before Gemini 3 refuse ids, and ids of another endpoint are unknown.
    assert_eq!(ids(FLASH_2_5, both.clone()), none);
    assert_eq!(ids(VERTEX_FLASH_3, both), none);
    // A synthetic id is unknown to every provider.
    let synthetic = ids_sent(signed("call_r1_0"), call("b2", "now", "{}"));
    assert_eq!(ids(FLASH_3, synthetic), [Value::Null, json!("b2")]);
    let foreign = ids_sent(call("toolu_1", "now", "{}"), call("toolu_2", "now", "{}"));
    assert_eq!(ids(FLASH_3, foreign), none);
}

#[test]
fn only_the_first_call_of_a_foreign_step_in_the_current_turn_gets_the_mark() {
    let step = |a: &str, b: &str| {
        [
            message(
                Role::Assistant,
                [call(a, "now", "{}"), call(b, "now", "{}")],
            ),
            message(Role::Tool, [result(a, [text("x")]), result(b, [text("y")])]),
        ]
    };
    let messages = [
        vec![user("Earlier.")],
        step("a", "b").to_vec(),
        vec![user("Now.")],
        step("c", "d").to_vec(),
        step("e", "f").to_vec(),
    ];
    let request = conversation(messages.concat());
    let signatures = |(provider, model)| -> Vec<Value> {
        let body = Case::new(provider, model, request.clone()).body().unwrap();
        let parts = body["contents"].as_array().unwrap().iter();
        let parts = parts.flat_map(|turn| turn["parts"].as_array().unwrap());
        parts
            .filter(|part| part.get("functionCall").is_some())
            .map(|part| part["thoughtSignature"].clone())
            .collect()
    };
    let (none, mark) = (Value::Null, json!("skip_thought_signature_validator"));
    let marked = [&none, &none, &mark, &none, &mark, &none].map(Clone::clone);
    assert_eq!(signatures(FLASH_3), marked);
    assert_eq!(signatures(FLASH_2_5), vec![Value::Null; 6]);
}

#[test]
fn parts_that_are_not_sent_are_named() {
    let own = message(
        Role::Assistant,
        [
            with_state(reasoning("Hm."), "google", ""),
            with_state(text("Hi."), "google", "EuMC"),
            with_state(text(""), "google", "EuMC"),
        ],
    );
    let request = conversation([message(Role::User, [text("x"), pdf()]), own, user("y")]);
    let losses = |(provider, model): (ProviderId, &'static str)| -> Vec<(String, i32, String)> {
        let case = Case::new(provider, model, request.clone());
        let Ok(exchange) = case.encode() else {
            panic!("{model} refuses it");
        };
        let losses = exchange.portability.into_iter();
        losses
            .map(|loss| (loss.field, loss.kind, loss.provider))
            .collect()
    };
    let lost = |field: &str, kind: loss::Kind, provider: &str| {
        (field.to_owned(), i32::from(kind), provider.to_owned())
    };
    let filename = lost("messages[0].parts[1]", loss::Kind::Filename, "");
    assert_eq!(losses(FLASH_3), std::slice::from_ref(&filename));
    let foreign = [
        lost("messages[1].parts[0]", loss::Kind::Reasoning, "google"),
        lost("messages[1].parts[1]", loss::Kind::ProviderState, "google"),
        lost("messages[1].parts[2]", loss::Kind::ProviderState, "google"),
    ];
    assert_eq!(losses(VERTEX_FLASH_3), [&[filename], &foreign[..]].concat());
    assert_eq!(losses(GPT_4_1), foreign);
    assert_eq!(losses(HAIKU_4_5), foreign);
}

#[test]
fn a_text_that_only_carries_state_is_sent_to_its_provider_only() {
    let request = conversation([
        user("x"),
        message(
            Role::Assistant,
            [text("Hi."), with_state(text(""), "google", "EuMC")],
        ),
        user("y"),
    ]);
    let sent = |(provider, model)| Case::new(provider, model, request.clone()).body().unwrap();
    let expected = json!({"role": "assistant", "content": "Hi."});
    assert_eq!(sent(GPT_4_1)["messages"][1], expected);
    assert_eq!(sent((ProviderId::OpenAi, "gpt-5.4"))["input"][1], expected);
    assert_eq!(sent(HAIKU_4_5)["messages"][1], expected);
    let parts = sent(VERTEX_FLASH_3)["contents"][1]["parts"].clone();
    assert_eq!(parts, json!([{"text": "Hi."}]));
}

fn read(provider: ProviderId, body: &Value) -> Message {
    let catalogue = Catalogue::builtin();
    let dialect = Dialect::new(provider, catalogue.traits(provider, FLASH_3.1));
    let (headers, body) = (http::HeaderMap::new(), body.to_string());
    let reply = Reply::undated(http::StatusCode::OK, &headers, body.as_bytes(), KEY);
    decode::unary(dialect, &reply).unwrap().message
}

/// The conversation after an answer: with the results of its calls, or with a user message.
fn answered(answer: Message) -> GenerateRequest {
    let calls = answer.parts.iter().filter_map(|part| match &part.content {
        Some(Content::ToolCall(call)) => Some(result(&call.id, [text("x")])),
        _ => None,
    });
    let results: Vec<_> = calls.collect();
    let next = if results.is_empty() {
        user("Go on.")
    } else {
        message(Role::Tool, results)
    };
    GenerateRequest {
        tools: vec![weather_tool()],
        ..conversation([user("Go."), answer, next])
    }
}
