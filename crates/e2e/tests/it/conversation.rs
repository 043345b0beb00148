//! A conversation with tools, carried through every provider in turn.

use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{FinishReason, GenerateRequest, GenerateResponse, Role};
use latchkey_e2e::history::{listed, message, missing, results, text, tool};
use latchkey_e2e::{Deployment, world_key};
use latchkey_migrations::testing::Backend;

use crate::on_both_databases;

const ACME: &str = "workspaces/acme";
const TURNS: usize = 10;

/// Each provider, and a reasoning model of it.
const MODELS: [(&str, &str); 8] = [
    ("openai", "gpt-5.4"),
    ("anthropic", "claude-opus-4-7"),
    ("google", "gemini-3.8-flash"),
    ("vertex", "gemini-3.8-flash"),
    ("azure", "gpt-5.4"),
    ("openrouter", "anthropic/claude-opus-4.7"),
    ("deepseek", "deepseek-v4-pro"),
    ("custom", "llama-4"),
];

on_both_databases!(ten_turns_with_tools_lose_only_the_fields_that_portability_lists);

async fn ten_turns_with_tools_lose_only_the_fields_that_portability_lists(backend: Backend) {
    let deployment = Deployment::start(backend).await;
    let mut admin = deployment.clients("admin");
    admin.workspace("acme").await;
    for (provider, _) in MODELS {
        let api_key = "sk-not-a-real-key-in-this-world";
        let request = world_key(&deployment.world, ACME, provider, provider, api_key);
        if let Err(status) = admin.keys.create_key(request).await {
            panic!("{provider}: {status}");
        }
    }
    let mut messages = vec![message(Role::User, [text("the-question")])];
    for turn in 0..TURNS {
        let (provider, model) = MODELS[turn % MODELS.len()];
        let request = GenerateRequest {
            parent: ACME.to_owned(),
            provider: provider.to_owned(),
            model: model.to_owned(),
            messages: messages.clone(),
            tools: vec![tool()],
            ..GenerateRequest::default()
        };
        let answer = match admin.inference.generate(request).await {
            Ok(answer) => answer.into_inner(),
            Err(status) => panic!("turn {turn}, {provider}: {status}"),
        };
        let prompt = deployment.world.prompts().pop().unwrap();
        assert_eq!(prompt.provider, provider);
        assert_eq!(
            missing(&messages, &prompt),
            listed(&answer.portability),
            "turn {turn}"
        );
        check_answer(&answer, provider, turn);
        messages.push(answer.message.unwrap());
        messages.push(results(messages.last().unwrap(), turn));
    }
    // The last two turns go to the first two providers again, with the state that each had signed.
    let prompts = deployment.world.prompts();
    assert!(prompts[8].body.contains("state-openai-0"));
    assert!(prompts[9].body.contains("state-anthropic-1"));
    assert!(!prompts[9].body.contains("state-openai-0"));
}

fn check_answer(answer: &GenerateResponse, provider: &str, turn: usize) {
    assert_eq!(answer.finish_reason(), FinishReason::ToolCalls);
    let parts = &answer.message.as_ref().unwrap().parts;
    let kinds = parts.iter().map(|part| match &part.content {
        Some(Content::Reasoning(thought)) => format!("thought {}", thought.text),
        Some(Content::Text(text)) => format!("text {text}"),
        Some(Content::ToolCall(call)) => format!("call {}", call.arguments),
        other => panic!("{other:?}"),
    });
    let expected = [
        format!("thought thought-{provider}-{turn}"),
        format!("text said-{provider}-{turn}"),
        format!(r#"call {{"city":"city-a-{provider}-{turn}"}}"#),
        format!(r#"call {{"city":"city-b-{provider}-{turn}"}}"#),
    ];
    assert_eq!(kinds.collect::<Vec<_>>(), expected);
    let [attempt] = &answer.attempts[..] else {
        panic!("{:?}", answer.attempts)
    };
    assert_eq!(attempt.provider, provider);
}
