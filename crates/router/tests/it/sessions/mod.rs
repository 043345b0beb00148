//! `SessionService`, one file per method, and requests in sessions.

mod create_session;
mod delete_session;
mod integrity;
mod leaks;
mod limits;
mod list_sessions;
mod list_turns;
mod overriding;
mod reading;
mod retention;
mod strict;
mod switching;
mod transcripts;
mod update_session;

use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{
    CreateSessionRequest, DeleteSessionRequest, GenerateRequest, GetSessionRequest,
    ListTurnsRequest, Message, Part, Role, Session, Turn, session,
};
use serde_json::json;
use tonic::Status;

use crate::harness::{ACME, APP, Answer, Router, anthropic, chat};

/// The name of the session of most tests.
const TALK: &str = "workspaces/acme/sessions/talk";

/// A session with a model of OpenAI and without a transcript.
fn plain() -> Session {
    Session {
        provider: "openai".to_owned(),
        model: "gpt-4.1".to_owned(),
        ..Session::default()
    }
}

/// The same session with a transcript.
fn sealed() -> Session {
    Session {
        transcript: session::Transcript::Sealed.into(),
        ..plain()
    }
}

fn create_request(id: &str, session: Session) -> CreateSessionRequest {
    CreateSessionRequest {
        parent: ACME.to_owned(),
        session_id: id.to_owned(),
        session: Some(session),
        request_id: String::new(),
    }
}

async fn create(router: &Router, request: CreateSessionRequest) -> Result<Session, Status> {
    let created = router.sessions(APP).create_session(request).await;
    created.map(tonic::Response::into_inner)
}

/// Creates the session of most tests. The provider answers by Chat Completions.
async fn start_session(router: &Router, session: Session) {
    create(router, create_request("talk", session))
        .await
        .unwrap();
    router.provider.returns(ok_answer());
}

fn ok_answer() -> Answer {
    Answer::json(200, &chat::whole())
}

fn claude_answer() -> Answer {
    Answer::json(200, &anthropic::whole())
}

async fn get(router: &Router, name: &str) -> Result<Session, Status> {
    let name = name.to_owned();
    let got = router
        .sessions(APP)
        .get_session(GetSessionRequest { name })
        .await;
    got.map(tonic::Response::into_inner)
}

async fn delete(router: &Router, name: &str, etag: &str) -> Result<(), Status> {
    let request = DeleteSessionRequest {
        name: name.to_owned(),
        etag: etag.to_owned(),
    };
    router.sessions(APP).delete_session(request).await.map(drop)
}

async fn turns(router: &Router, name: &str) -> Result<Vec<Turn>, Status> {
    let request = ListTurnsRequest {
        parent: name.to_owned(),
        ..ListTurnsRequest::default()
    };
    let listed = router.sessions(APP).list_turns(request).await;
    listed.map(|listed| listed.into_inner().turns)
}

fn message(role: Role, content: Content) -> Message {
    Message {
        role: role.into(),
        parts: vec![Part {
            content: Some(content),
            provider_state: None,
        }],
    }
}

fn user(text: &str) -> Message {
    message(Role::User, Content::Text(text.to_owned()))
}

/// A request in the session with one message and no target.
fn with_text(text: &str) -> GenerateRequest {
    GenerateRequest {
        parent: ACME.to_owned(),
        session: TALK.to_owned(),
        messages: vec![user(text)],
        ..GenerateRequest::default()
    }
}

/// The messages of the last call to the provider, as (role, text).
fn sent_messages(router: &Router) -> Vec<(String, String)> {
    let calls = router.provider.calls();
    let body = &calls.last().unwrap().body;
    let messages = body["messages"].as_array().unwrap();
    let sent_messages = messages.iter().map(|message| {
        let content = match &message["content"] {
            content if content.is_string() => content.clone(),
            parts => parts[0]["text"].clone(),
        };
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        (text(&message["role"]), text(&content))
    });
    sent_messages.collect()
}

/// A conversation as [`sent_messages`] returns it: user and assistant alternate, the user first.
fn conversation(texts: &[&str]) -> Vec<(String, String)> {
    let roles = ["user", "assistant"].into_iter().cycle();
    let pairs = roles.zip(texts);
    pairs
        .map(|(role, text)| (role.to_owned(), (*text).to_owned()))
        .collect()
}

/// An answer of Chat Completions with a tool call.
fn tool_call(arguments: &str) -> Answer {
    let mut whole = chat::whole();
    whole["choices"][0]["message"] = json!({
        "role": "assistant",
        "content": null,
        "tool_calls": [{
            "id": "call_1",
            "type": "function",
            "function": {"name": "weather", "arguments": arguments},
        }],
    });
    whole["choices"][0]["finish_reason"] = json!("tool_calls");
    Answer::json(200, &whole)
}
