//! No part of a conversation is dropped silently: each part is in the body of the request or named
//! as a loss.

mod conversations;
mod planting;

use std::cell::RefCell;
use std::collections::BTreeMap;

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{GenerateRequest, Loss, Role, loss};
use latchkey_providers::encode::Exchange;
use latchkey_providers::{Api, Dialect};
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::cases::{
    CATALOGUE, Case, call, conversation, failed, message, part, pdf, reasoning, result, text, user,
    with_state,
};
use conversations::{Leaf, Planted, What, conversations};

/// A model per provider and dialect. Azure's deployments are named after their models.
const MODELS: [(ProviderId, &str); 14] = [
    (ProviderId::Anthropic, "claude-haiku-4-5"),
    (ProviderId::Anthropic, "claude-opus-5"),
    (ProviderId::Azure, "gpt-4.1"),
    (ProviderId::Azure, "gpt-5.4"),
    (ProviderId::Custom, "llama-4"),
    (ProviderId::DeepSeek, "deepseek-flash"),
    (ProviderId::Google, "gemini-2.5-flash"),
    (ProviderId::Google, "gemini-3-flash-preview"),
    (ProviderId::OpenAi, "gpt-4.1"),
    (ProviderId::OpenAi, "gpt-5.4"),
    (ProviderId::OpenAi, "o3"),
    (ProviderId::OpenRouter, "anthropic/claude-sonnet-5"),
    (ProviderId::Vertex, "claude-opus-4-7"),
    (ProviderId::Vertex, "gemini-3-flash-preview"),
];

const CASES: u32 = 512;

#[test]
fn what_the_body_lacks_is_named_as_a_loss() {
    let mut runner = TestRunner::new(Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    });
    let taken: RefCell<BTreeMap<(ProviderId, &str), u32>> = RefCell::default();
    let outcome = runner.run(&conversations(), |planted| {
        for (provider, model) in MODELS {
            // A request that the model does not support is refused, which is not silent.
            let Ok(exchange) = case(provider, model, planted.request.clone()).encode() else {
                continue;
            };
            *taken.borrow_mut().entry((provider, model)).or_default() += 1;
            if let Err(message) = check(&planted, &exchange) {
                return Err(TestCaseError::fail(format!(
                    "{provider} {model}: {message}"
                )));
            }
        }
        Ok(())
    });
    outcome.unwrap();
    // The test is meaningless for a model that refuses nearly every request.
    for model in MODELS {
        let taken = taken.borrow().get(&model).copied().unwrap_or_default();
        assert!(taken > CASES / 20, "{model:?} takes {taken} of {CASES}");
    }
}

fn check(planted: &Planted, exchange: &Exchange) -> Result<(), String> {
    let body = str::from_utf8(&exchange.request.body).unwrap();
    for leaf in &planted.leaves {
        check_leaf(exchange.dialect, leaf, body, &exchange.portability)?;
    }
    let parts = planted
        .request
        .messages
        .iter()
        .flat_map(|message| &message.parts);
    let failures = parts.filter(|part| match &part.content {
        Some(Content::ToolResult(result)) => result.failed,
        _ => false,
    });
    let unmarked = exchange
        .portability
        .iter()
        .filter(|loss| loss.kind() == loss::Kind::ToolFailureMark);
    let marks = [r#""is_error":true"#, r#""response":{"error":"#];
    let marked: usize = marks.map(|mark| body.matches(mark).count()).iter().sum();
    if failures.count() == unmarked.count() + marked {
        Ok(())
    } else {
        Err(format!(
            "a tool failure is neither marked nor named as a loss in {body}"
        ))
    }
}

fn check_leaf(dialect: Dialect, leaf: &Leaf, body: &str, losses: &[Loss]) -> Result<(), String> {
    use loss::Kind;
    let named = |kinds: &[Kind]| {
        let mut here = losses.iter().filter(|loss| loss.field == leaf.field);
        here.any(|loss| kinds.contains(&loss.kind()))
    };
    let present = leaf
        .spellings
        .iter()
        .any(|spelling| body.contains(spelling));
    let fine = match leaf.what {
        What::Words => present,
        What::CallId => present || dialect.api() == Api::GenerateContent,
        What::Blank => present || named(&[Kind::BlankText]),
        What::Filename => present != named(&[Kind::Filename]),
        What::Reasoning => present != named(&[Kind::Reasoning]),
        What::State => present != named(&[Kind::ProviderState, Kind::Reasoning]),
        What::Refusal => {
            let word = &leaf.spellings[0];
            let marked = body.contains(&format!(r#""refusal":"{word}""#));
            present && marked != named(&[Kind::RefusalMark])
        }
    };
    if fine {
        Ok(())
    } else {
        Err(format!(
            "{leaf:?} and its losses differ: {losses:?} in {body}"
        ))
    }
}

fn case(provider: ProviderId, model: &'static str, request: GenerateRequest) -> Case {
    let case = Case::new(provider, model, request);
    match provider {
        ProviderId::Azure => Case {
            traits: CATALOGUE.traits(ProviderId::OpenAi, model).clone(),
            ..case
        },
        _ => case,
    }
}

/// The losses of a conversation: place, kind, and provider.
fn named(
    provider: ProviderId,
    model: &'static str,
    request: GenerateRequest,
) -> Vec<(String, loss::Kind, String)> {
    let losses = case(provider, model, request).encode().unwrap().portability;
    let losses = losses.into_iter();
    losses
        .map(|loss| (loss.field.clone(), loss.kind(), loss.provider))
        .collect()
}

fn lost(field: &str, kind: loss::Kind, provider: &str) -> (String, loss::Kind, String) {
    (field.to_owned(), kind, provider.to_owned())
}

#[test]
fn only_one_refusal_of_a_message_keeps_its_mark_and_only_at_openai() {
    let refusal = |message: &str| part(Content::Refusal(message.to_owned()));
    let request = || {
        let refused = message(Role::Assistant, [refusal("No."), refusal("Never.")]);
        conversation([user("x"), refused, user("y")])
    };
    let second = lost("messages[1].parts[1]", loss::Kind::RefusalMark, "");
    let first = lost("messages[1].parts[0]", loss::Kind::RefusalMark, "");
    for provider in [ProviderId::OpenAi, ProviderId::Azure] {
        let named = named(provider, "gpt-4.1", request());
        assert_eq!(named, std::slice::from_ref(&second), "{provider}");
    }
    for (provider, model) in [
        (ProviderId::Custom, "llama-4"),
        (ProviderId::DeepSeek, "deepseek-flash"),
        (ProviderId::OpenRouter, "a/b"),
        (ProviderId::Anthropic, "claude-opus-5"),
        (ProviderId::OpenAi, "gpt-5.4"),
    ] {
        let both = [first.clone(), second.clone()];
        assert_eq!(named(provider, model, request()), both, "{provider}");
    }
}

#[test]
fn reasoning_is_sent_back_to_its_provider_only() {
    let states = [
        ("anthropic", "EqQB"),
        ("azure", r#"{"id":"rs_1"}"#),
        ("deepseek", "reasoning_content"),
        ("openai", r#"{"id":"rs_1"}"#),
        ("openrouter", "[]"),
    ];
    for (provider, model, own) in [
        (ProviderId::Anthropic, "claude-opus-5", Some("anthropic")),
        (ProviderId::Azure, "gpt-5.4", Some("azure")),
        (ProviderId::Azure, "gpt-4.1", None),
        (ProviderId::Custom, "llama-4", None),
        (ProviderId::DeepSeek, "deepseek-flash", Some("deepseek")),
        (ProviderId::OpenAi, "gpt-5.4", Some("openai")),
        (ProviderId::OpenAi, "gpt-4.1", None),
        (ProviderId::OpenRouter, "a/b", Some("openrouter")),
    ] {
        let thoughts = states.map(|(mark, data)| with_state(reasoning("Hm."), mark, data));
        let mut parts = vec![reasoning("Nobody's.")];
        parts.extend(thoughts);
        parts.push(text("Hi."));
        let request = conversation([user("x"), message(Role::Assistant, parts), user("y")]);
        let others = states
            .iter()
            .enumerate()
            .filter(|(_, (mark, _))| Some(*mark) != own);
        let others = others.map(|(place, (mark, _))| {
            let field = format!("messages[1].parts[{}]", place + 1);
            lost(&field, loss::Kind::Reasoning, mark)
        });
        let mut expected = vec![lost("messages[1].parts[0]", loss::Kind::Reasoning, "")];
        expected.extend(others);
        assert_eq!(
            named(provider, model, request),
            expected,
            "{provider} {model}"
        );
    }
}

#[test]
fn lost_marks_and_state_are_named_with_their_place() {
    let inner = with_state(text("4 °C"), "openai", "{}");
    let request = conversation([
        message(Role::User, [with_state(text("x"), "openai", "{}"), pdf()]),
        message(
            Role::Assistant,
            [with_state(
                call("a", "now", "{}"),
                "openai",
                r#"{"id":"fc_1"}"#,
            )],
        ),
        message(Role::Tool, [failed(result("a", [inner]))]),
    ]);
    assert_eq!(
        named(ProviderId::OpenAi, "gpt-5.4", request),
        [
            lost("messages[0].parts[0]", loss::Kind::ProviderState, "openai"),
            lost("messages[2].parts[0]", loss::Kind::ToolFailureMark, ""),
            lost(
                "messages[2].parts[0].tool_result.parts[0]",
                loss::Kind::ProviderState,
                "openai"
            ),
        ]
    );
}

#[test]
fn unused_reasoning_is_found_by_its_id() {
    let item = |id: &str| {
        let data = format!(r#"{{"type":"reasoning","id":"{id}","summary":[]}}"#);
        with_state(reasoning(""), "openai", &data)
    };
    let parts = [
        item("rs_1"),
        item("rs_2"),
        with_state(text("Hi."), "openai", r#"{"id":"rs_2"}"#),
    ];
    let messages = [user("x"), message(Role::Assistant, parts), user("y")];
    let case = case(ProviderId::OpenAi, "gpt-5.4", conversation(messages));
    let sent = case.encode().unwrap().sent_reasoning;
    let sent: Vec<_> = sent
        .into_iter()
        .map(|(id, loss)| (id, (loss.field.clone(), loss.kind(), loss.provider)))
        .collect();
    let expected =
        |id: &str, field: &str| (id.to_owned(), lost(field, loss::Kind::Reasoning, "openai"));
    assert_eq!(
        sent,
        [
            expected("rs_1", "messages[1].parts[0]"),
            expected("rs_2", "messages[1].parts[1]")
        ]
    );
}
