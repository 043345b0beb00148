//! "Work with multiple models, and […] switch between them within the same conversation without losing
//! context."

use std::collections::BTreeSet;

use latchkey_contract::router::v1::session::Transcript;
use latchkey_contract::router::v1::{
    CreateSessionRequest, GenerateRequest, ListTurnsRequest, Message, Role, Session,
};
use latchkey_e2e::history::{listed, message, missing, picture, results, text, tool};
use latchkey_e2e::refused;
use latchkey_migrations::testing::Backend;
use tonic::Code;

use crate::on_both_databases;
use crate::scene::Scene;

on_both_databases!(
    models_are_switched_within_the_same_conversation_without_losing_context,
    a_strict_conversation_is_not_switched_where_something_would_be_lost,
);

/// Four providers, each with a reasoning model.
const MODELS: [(&str, &str); 4] = [
    ("openai", "gpt-5.4"),
    ("anthropic", "claude-opus-4-7"),
    ("google", "gemini-3.8-flash"),
    ("openrouter", "anthropic/claude-opus-4.7"),
];
const TURNS: usize = 8;
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\nnot a real picture";

/// Creates a session with a sealed transcript, and a key of each of the four providers.
async fn conversation(backend: Backend) -> (Scene, String) {
    let mut scene = Scene::of("geekflare", backend).await;
    for (provider, _) in MODELS {
        let api_key = format!("sk-not-a-real-key-for-{provider}");
        scene.world_key(provider, &api_key).await;
    }
    let request = CreateSessionRequest {
        parent: scene.workspace.clone(),
        session_id: "weather".to_owned(),
        session: Some(Session {
            transcript: Transcript::Sealed.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let created = scene.admin.sessions.create_session(request).await;
    let session = created.unwrap().into_inner().name;
    (scene, session)
}

/// A request with the new message alone, for the model of that turn; the session adds the transcript.
fn turn_of(scene: &Scene, session: &str, turn: usize, new: Message) -> GenerateRequest {
    let (provider, model) = MODELS[turn % MODELS.len()];
    GenerateRequest {
        parent: scene.workspace.clone(),
        session: session.to_owned(),
        provider: provider.to_owned(),
        model: model.to_owned(),
        messages: vec![new],
        tools: vec![tool()],
        ..Default::default()
    }
}

fn question() -> Message {
    message(Role::User, [text("the-question"), picture(PICTURE)])
}

async fn models_are_switched_within_the_same_conversation_without_losing_context(backend: Backend) {
    let (mut scene, session) = conversation(backend).await;
    let mut said = vec![question()];
    for turn in 0..TURNS {
        let new = said.last().unwrap().clone();
        let answer = scene.generate(turn_of(&scene, &session, turn, new)).await;
        let prompt = scene.deployment.world.prompts().pop().unwrap();
        let (provider, _) = MODELS[turn % MODELS.len()];
        assert_eq!(prompt.provider, provider);
        // The model received the whole conversation, its picture included, except the parts that
        // `portability` lists.
        let lost = missing(&said, &prompt);
        let lost = lost.into_iter().map(|field| placed(&field, said.len() - 1));
        assert_eq!(
            lost.collect::<BTreeSet<_>>(),
            listed(&answer.portability),
            "turn {turn}, {provider}"
        );
        assert_eq!(answer.turn, format!("{session}/turns/{}", turn + 1));
        said.push(answer.message.unwrap());
        said.push(results(said.last().unwrap(), turn));
    }
    said.pop();
    // In the second round, each provider received its own signatures again.
    let prompts = scene.deployment.world.prompts();
    for (turn, (provider, _)) in MODELS.iter().enumerate() {
        let state = match *provider {
            "google" => format!("stategoogle{turn}"),
            named => format!("state-{named}-{turn}"),
        };
        let body = &prompts[turn + MODELS.len()].body;
        assert!(body.contains(&state), "{state} is not in {body}");
    }
    let request = ListTurnsRequest {
        parent: session,
        ..Default::default()
    };
    let turns = scene.admin.sessions.list_turns(request).await;
    let turns = turns.unwrap().into_inner().turns;
    let kept = turns.into_iter().flat_map(|turn| {
        let answer = turn.answer.unwrap();
        turn.messages.into_iter().chain([answer])
    });
    assert_eq!(kept.collect::<Vec<_>>(), said);
    scene.end().await;
}

/// The path of a message's field, when the first `kept` messages are in the transcript.
fn placed(field: &str, kept: usize) -> String {
    let rest = field.strip_prefix("messages[").unwrap();
    let (message, part) = rest.split_once(']').unwrap();
    let message: usize = message.parse().unwrap();
    match message.checked_sub(kept) {
        None => format!("transcript[{message}]{part}"),
        Some(message) => format!("messages[{message}]{part}"),
    }
}

async fn a_strict_conversation_is_not_switched_where_something_would_be_lost(backend: Backend) {
    let (mut scene, session) = conversation(backend).await;
    let first = turn_of(&scene, &session, 0, question());
    let answer = scene.generate(first).await;
    // No tool fails in this turn: OpenAI's API can't express a failed tool.
    let new = results(answer.message.as_ref().unwrap(), 1);
    let strict = |turn| GenerateRequest {
        strict: true,
        ..turn_of(&scene, &session, turn, new.clone())
    };
    // Another provider's model does not accept this model's reasoning.
    let (elsewhere, same) = (strict(1), strict(0));
    let status = scene.admin.inference.generate(elsewhere).await;
    let refused = refused(&status.unwrap_err());
    assert_eq!(
        (refused.code, &*refused.reason),
        (Code::FailedPrecondition, "LOSSY_SWITCH")
    );
    assert!(
        refused
            .fields
            .iter()
            .any(|field| field.contains("parts[0]")),
        "{refused:?}"
    );
    assert_eq!(scene.deployment.world.prompts().len(), 1);
    let answer = scene.generate(same).await;
    assert_eq!(answer.portability, []);
    scene.end().await;
}
