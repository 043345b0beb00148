//! A conversation with tools, carried through every provider in turn.

use std::collections::{BTreeMap, BTreeSet};

use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{
    FinishReason, GenerateRequest, GenerateResponse, Loss, Message, Part, Role, Tool, ToolResult,
    loss,
};
use latchkey_contract::vault::v1::{Key, KeyMaterial, key_material};
use latchkey_e2e::{Clients, Deployment, Prompt, TOOL, World, custom_key};
use latchkey_migrations::testing::Backend;

use crate::on_both_databases;

const ACME: &str = "workspaces/acme";
const TURNS: usize = 10;

/// Each provider, and a model of it that thinks.
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

on_both_databases!(ten_turns_with_tools_lose_nothing_but_what_portability_lists);

async fn ten_turns_with_tools_lose_nothing_but_what_portability_lists(backend: Backend) {
    let deployment = Deployment::start(backend).await;
    let mut admin = deployment.clients("admin");
    admin.workspace("acme").await;
    for (provider, _) in MODELS {
        store_key(&mut admin, &deployment.world, provider).await;
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
        let asked = admin.inference.generate(request).await;
        let answer = match asked {
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
    // The first two were asked again at the end, and got back what they had signed.
    let prompts = deployment.world.prompts();
    assert!(prompts[8].body.contains("state-openai-0"));
    assert!(prompts[9].body.contains("state-anthropic-1"));
    assert!(!prompts[9].body.contains("state-openai-0"));
}

/// The fields whose content the provider was not shown: their words, or their state.
fn missing(messages: &[Message], prompt: &Prompt) -> BTreeSet<String> {
    let mut missing = BTreeSet::new();
    for (m, message) in messages.iter().enumerate() {
        for (p, part) in message.parts.iter().enumerate() {
            let shown = words(part).iter().all(|word| prompt.body.contains(word));
            if !shown {
                missing.insert(format!("messages[{m}].parts[{p}]"));
            }
        }
    }
    missing
}

/// What can be found of a part wherever it went. Ids may be written otherwise, so they are left out;
/// that calls and results belong together, the providers check.
fn words(part: &Part) -> Vec<String> {
    let mut words = match part.content.as_ref().unwrap() {
        Content::Text(text) => vec![text.clone()],
        Content::Reasoning(reasoning) => vec![reasoning.text.clone()],
        Content::ToolCall(call) => {
            let arguments: BTreeMap<String, String> =
                serde_json::from_str(&call.arguments).unwrap();
            arguments.into_values().collect()
        }
        Content::ToolResult(result) => result.parts.iter().flat_map(words).collect(),
        other => panic!("nobody said {other:?}"),
    };
    let state = part.provider_state.as_ref();
    let state = state.map(|state| String::from_utf8_lossy(&state.data).into_owned());
    words.extend(state.iter().flat_map(|state| marks(state)));
    words
}

/// Of a state, what no other has: signatures and the ids of items.
fn marks(state: &str) -> Vec<String> {
    let of_a_mark = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let marks = state.split(|c| !of_a_mark(c));
    marks
        .filter(|mark| {
            mark.starts_with("state") || mark.starts_with("fc_") || mark.starts_with("msg-")
        })
        .map(str::to_owned)
        .collect()
}

/// The fields that were left behind, whole or in part; marks apart, whose words travel.
fn listed(losses: &[Loss]) -> BTreeSet<String> {
    let left_behind = |loss: &&Loss| {
        matches!(
            loss.kind(),
            loss::Kind::ProviderState | loss::Kind::Reasoning
        )
    };
    let fields = losses.iter().filter(left_behind);
    fields.map(|loss| loss.field.clone()).collect()
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

/// The results of a message's calls; each third turn one of the tools fails.
fn results(called: &Message, turn: usize) -> Message {
    let calls = called.parts.iter().filter_map(|part| match &part.content {
        Some(Content::ToolCall(call)) => Some(call),
        _ => None,
    });
    let results = calls.enumerate().map(|(place, call)| Part {
        content: Some(Content::ToolResult(ToolResult {
            tool_call_id: call.id.clone(),
            name: TOOL.to_owned(),
            parts: vec![text(&format!("result-{place}-{turn}"))],
            failed: place == 1 && turn.is_multiple_of(3),
        })),
        provider_state: None,
    });
    message(Role::Tool, results)
}

fn message(role: Role, parts: impl IntoIterator<Item = Part>) -> Message {
    Message {
        role: role.into(),
        parts: parts.into_iter().collect(),
    }
}

fn text(text: &str) -> Part {
    Part {
        content: Some(Content::Text(text.to_owned())),
        provider_state: None,
    }
}

fn tool() -> Tool {
    Tool {
        name: TOOL.to_owned(),
        description: "The weather in a city".to_owned(),
        json_schema: r#"{"type":"object","properties":{"city":{"type":"string"}}}"#.to_owned(),
        strict: None,
    }
}

async fn store_key(admin: &mut Clients, world: &World, provider: &str) {
    let own_address = ["anthropic", "azure", "custom", "openai"].contains(&provider);
    let key = Key {
        provider: provider.to_owned(),
        base_url: if own_address {
            world.base_url(provider)
        } else {
            String::new()
        },
        location: if provider == "vertex" { "global" } else { "" }.to_owned(),
        ..Key::default()
    };
    let mut request = custom_key(ACME, provider, key, "sk-not-a-real-key-in-this-world");
    if provider == "vertex" {
        request.material = Some(KeyMaterial {
            kind: Some(key_material::Kind::ServiceAccountJson(service_account())),
        });
    }
    if let Err(status) = admin.keys.create_key(request).await {
        panic!("{provider}: {status}");
    }
}

/// A service account whose key the whole world has: testRSA2048 of RFC 9500, 2.1.
fn service_account() -> String {
    const RFC_9500: &str = include_str!("../../../vault/tests/data/rfc9500_rsa_2048.pkcs8.base64");
    let private_key = format!("-----BEGIN PRIVATE KEY-----\n{RFC_9500}-----END PRIVATE KEY-----\n");
    let account = serde_json::json!({
        "type": "service_account",
        "project_id": "acme-models",
        "private_key_id": "not-a-real-key-id-0123456789",
        "private_key": private_key,
        "client_email": "latchkey@acme-models.iam.gserviceaccount.example",
    });
    account.to_string()
}
