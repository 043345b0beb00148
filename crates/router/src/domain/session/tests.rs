//! What a request takes from its session, and the bounds of both.

use latchkey_contract::router::v1::{Part, Role, ToolCall};

use super::*;

const NOTHING: Named<'_> = named("", "", "");

const fn named<'a>(key: &'a str, provider: &'a str, model: &'a str) -> Named<'a> {
    Named {
        key,
        provider,
        model,
    }
}

fn session(key: &str, provider: &str, model: &str) -> Session {
    let name: SessionName = "workspaces/acme/sessions/talk".parse().unwrap();
    Session {
        uid: Uuid::nil(),
        scope: Scope::Workspace(name.workspace.clone()),
        name,
        settings: Settings {
            display_name: String::new(),
            key: key.to_owned(),
            provider: provider.to_owned(),
            model: model.to_owned(),
            strict: false,
            retention: DEFAULT_RETENTION,
        },
        transcript: None,
        creator: "token:app".to_owned(),
        create_time: Timestamp::UNIX_EPOCH,
        update_time: Timestamp::UNIX_EPOCH,
        last_use_time: Timestamp::UNIX_EPOCH,
        revision: 1,
    }
}

/// What a request takes, where the catalogue knows `gpt` and `claude`.
fn chosen<'a>(session: &'a Session, said: Named<'a>) -> Named<'a> {
    let before = session.clone();
    let chosen = session.choose(said, |model| matches!(model, "gpt" | "claude"));
    assert_eq!(*session, before);
    chosen
}

#[test]
fn a_request_that_names_nothing_takes_all_three() {
    let session = session("main", "openai", "gpt");
    assert_eq!(chosen(&session, NOTHING), named("main", "openai", "gpt"));
}

#[test]
fn a_request_that_names_a_key_takes_nothing() {
    let session = session("main", "openai", "gpt");
    for said in [
        named("other", "", ""),
        named("other", "openai", ""),
        named("other", "", "claude"),
    ] {
        assert_eq!(chosen(&session, said), said);
    }
}

#[test]
fn a_request_that_names_another_provider_takes_nothing() {
    let session = session("main", "openai", "gpt");
    for said in [named("", "anthropic", ""), named("", "anthropic", "claude")] {
        assert_eq!(chosen(&session, said), said);
    }
    let keyless = self::session("", "", "gpt");
    let said = named("", "openai", "");
    assert_eq!(chosen(&keyless, said), said);
}

#[test]
fn a_provider_is_held_against_the_key_of_a_session_that_names_none() {
    let session = session("main", "", "gpt");
    let said = named("", "openai", "");
    assert_eq!(chosen(&session, said), named("main", "openai", "gpt"));
    let said = named("", "openai", "gpt-mini");
    assert_eq!(chosen(&session, said), named("main", "openai", "gpt-mini"));
}

#[test]
fn a_request_that_names_the_sessions_provider_takes_the_rest() {
    let session = session("main", "openai", "gpt");
    let said = named("", "openai", "");
    assert_eq!(chosen(&session, said), named("main", "openai", "gpt"));
    let said = named("", "openai", "gpt-mini");
    assert_eq!(chosen(&session, said), named("main", "openai", "gpt-mini"));
}

#[test]
fn a_request_that_names_a_model_alone_stays_with_the_sessions_key() {
    let session = session("main", "openai", "gpt");
    let said = named("", "", "claude");
    assert_eq!(chosen(&session, said), named("main", "openai", "claude"));
}

#[test]
fn without_a_key_a_model_goes_to_whose_it_is() {
    let session = session("", "openai", "gpt");
    let said = named("", "", "claude");
    assert_eq!(chosen(&session, said), said);
    let said = named("", "", "nobody-knows");
    let stays = named("", "openai", "nobody-knows");
    assert_eq!(chosen(&session, said), stays);
}

#[test]
fn a_session_of_a_project_admits_that_project_alone() {
    let scope = |text: &str| text.parse::<Scope>().unwrap();
    let mut session = session("", "", "");
    assert!(session.admits(&scope("workspaces/acme")));
    assert!(session.admits(&scope("workspaces/acme/projects/web")));
    assert!(!session.admits(&scope("workspaces/other")));
    session.scope = scope("workspaces/acme/projects/web");
    assert!(session.admits(&scope("workspaces/acme/projects/web")));
    assert!(!session.admits(&scope("workspaces/acme/projects/app")));
    assert!(!session.admits(&scope("workspaces/acme")));
}

#[test]
fn a_session_expires_its_retention_after_its_last_use() {
    let session = session("", "", "");
    let end = Timestamp::UNIX_EPOCH + DEFAULT_RETENTION;
    assert_eq!(session.expire_time(), end);
    assert!(!session.is_expired(end - Duration::from_micros(1)));
    assert!(session.is_expired(end));
}

#[test]
fn settings_out_of_bounds_are_named() {
    let field = |change: fn(&mut Settings)| {
        let mut settings = session("main", "openai", "gpt").settings;
        change(&mut settings);
        settings.checked().err().map(|error| error.field)
    };
    assert_eq!(field(|_| {}), None);
    assert_eq!(field(|s| s.key = "platform/keys/shared".to_owned()), None);
    assert_eq!(field(|s| s.key = "Main".to_owned()), Some("key"));
    assert_eq!(field(|s| s.model = "m".repeat(257)), Some("model"));
    let long = |s: &mut Settings| s.display_name = "ä".repeat(64);
    assert_eq!(field(long), Some("display_name"));
    assert_eq!(field(|s| s.display_name = "ä".repeat(63)), None);
    let minute = Duration::from_mins(1);
    for (retention, problem) in [
        (minute, None),
        (Duration::from_micros(59_999_999), Some("retention")),
        (MAX_RETENTION, None),
        (MAX_RETENTION + minute, Some("retention")),
    ] {
        let mut settings = session("", "", "").settings;
        settings.retention = retention;
        assert_eq!(settings.checked().err().map(|error| error.field), problem);
    }
}

#[test]
fn a_transcript_has_a_last_turn_and_a_last_byte() {
    let data_key = "workspaces/acme/dataKeys/019aa5b1-0000-7000-8000-000000000000";
    let mut transcript = Transcript::new(data_key.parse().unwrap());
    assert_eq!(transcript.room_for(MAX_BYTES), Ok(()));
    assert_eq!(transcript.room_for(MAX_BYTES + 1), Err(TooLong));
    transcript.size = MAX_BYTES;
    assert_eq!(transcript.room_for(1), Err(TooLong));
    transcript.size = 0;
    transcript.turn_count = MAX_TURNS - 1;
    assert_eq!(transcript.room_for(1), Ok(()));
    transcript.turn_count = MAX_TURNS;
    assert_eq!(transcript.room_for(1), Err(TooLong));
}

fn answer(contents: Vec<part::Content>) -> Message {
    let parts = contents.into_iter().map(|content| Part {
        content: Some(content),
        provider_state: None,
    });
    Message {
        role: Role::Assistant.into(),
        parts: parts.collect(),
    }
}

fn call(id: &str, arguments: &str) -> part::Content {
    part::Content::ToolCall(ToolCall {
        id: id.to_owned(),
        name: "weather".to_owned(),
        arguments: arguments.to_owned(),
    })
}

#[test]
fn a_tool_call_that_was_cut_off_can_not_be_repeated() {
    assert!(can_be_repeated(&answer(vec![
        call("a", "{}"),
        call("b", " ")
    ])));
    for calls in [
        vec![call("a", "{\"city\": \"Par")],
        vec![call("a", "[]")],
        vec![call("", "{}")],
        vec![call("a", "{}"), call("a", "{}")],
    ] {
        assert!(!can_be_repeated(&answer(calls)));
    }
}

#[test]
fn what_has_nothing_in_it_is_not_repeated() {
    let text = |text: &str| part::Content::Text(text.to_owned());
    assert_eq!(repeated(answer(Vec::new())), None);
    assert_eq!(repeated(answer(vec![text("")])), None);
    let said = repeated(answer(vec![text(""), text("Good day")]));
    assert_eq!(said, Some(answer(vec![text("Good day")])));
}
