//! The settings that a request takes from its session, and the limits of settings and transcripts.

use latchkey_contract::router::v1::{Part, Role, ToolCall};

use super::*;
use crate::domain::target_fields::TargetFields;

fn named(key: &str, provider: &str, model: &str) -> ModelTarget {
    ModelTarget::parse(TargetFields {
        provider,
        model,
        key,
    })
    .unwrap()
}

fn session(key: &str, provider: &str, model: &str) -> Session {
    let name: SessionName = "workspaces/acme/sessions/talk".parse().unwrap();
    Session {
        uid: Uuid::nil(),
        scope: Scope::Workspace(name.workspace.clone()),
        workspace_uid: Some(ACME),
        project_uid: None,
        name,
        settings: Settings {
            display_name: String::new(),
            target: named(key, provider, model),
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

/// The completed fields of a request, where the catalogue knows `gpt` and `claude`.
fn chosen(session: &Session, requested: &ModelTarget) -> ModelTarget {
    let before = session.clone();
    let chosen = session.choose(requested.clone(), |model| {
        matches!(model.as_str(), "gpt" | "claude")
    });
    assert_eq!(*session, before);
    chosen
}

#[test]
fn a_request_without_target_fields_takes_all_settings() {
    let session = session("main", "openai", "gpt");
    assert_eq!(
        chosen(&session, &ModelTarget::default()),
        named("main", "openai", "gpt")
    );
}

#[test]
fn a_request_with_a_key_takes_no_setting() {
    let session = session("main", "openai", "gpt");
    for requested in [
        named("other", "", ""),
        named("other", "openai", ""),
        named("other", "", "claude"),
    ] {
        assert_eq!(chosen(&session, &requested), requested);
    }
}

#[test]
fn a_request_with_another_provider_takes_no_setting() {
    let session = session("main", "openai", "gpt");
    for requested in [named("", "anthropic", ""), named("", "anthropic", "claude")] {
        assert_eq!(chosen(&session, &requested), requested);
    }
    let keyless = self::session("", "", "gpt");
    let requested = named("", "openai", "");
    assert_eq!(chosen(&keyless, &requested), requested);
}

#[test]
fn a_request_with_a_provider_keeps_the_key_of_a_session_without_one() {
    let session = session("main", "", "gpt");
    let requested = named("", "openai", "");
    assert_eq!(chosen(&session, &requested), named("main", "openai", "gpt"));
    let requested = named("", "openai", "gpt-mini");
    assert_eq!(
        chosen(&session, &requested),
        named("main", "openai", "gpt-mini")
    );
}

#[test]
fn a_request_with_the_sessions_provider_takes_key_and_model() {
    let session = session("main", "openai", "gpt");
    let requested = named("", "openai", "");
    assert_eq!(chosen(&session, &requested), named("main", "openai", "gpt"));
    let requested = named("", "openai", "gpt-mini");
    assert_eq!(
        chosen(&session, &requested),
        named("main", "openai", "gpt-mini")
    );
}

#[test]
fn a_request_with_only_a_model_keeps_the_sessions_key() {
    let session = session("main", "openai", "gpt");
    let requested = named("", "", "claude");
    assert_eq!(
        chosen(&session, &requested),
        named("main", "openai", "claude")
    );
}

#[test]
fn without_a_key_a_known_model_leaves_the_sessions_provider() {
    let session = session("", "openai", "gpt");
    let requested = named("", "", "claude");
    assert_eq!(chosen(&session, &requested), requested);
    let unknown = named("", "", "unknown");
    assert_eq!(chosen(&session, &unknown), named("", "openai", "unknown"));
}

const ACME: WorkspaceUid = WorkspaceUid(Uuid::from_u128(1));

/// A workspace, or its project of that identity, which was created at that microsecond.
fn scope(name: &str, project: Option<(u128, i64)>) -> ScopeIdentity {
    ScopeIdentity {
        name: name.parse().unwrap(),
        workspace: ACME,
        workspace_create_time: Timestamp::UNIX_EPOCH,
        project: project.map(|(uid, created)| {
            let uid = ProjectUid(Uuid::from_u128(uid));
            (uid, Timestamp::from_micros(created))
        }),
    }
}

const WEB: &str = "workspaces/acme/projects/web";

#[test]
fn a_session_of_a_workspace_admits_its_projects() {
    let session = session("", "", "");
    assert!(session.admits(&scope("workspaces/acme", None)));
    assert!(session.admits(&scope(WEB, Some((2, 0)))));
}

#[test]
fn a_session_of_a_project_admits_only_that_project() {
    let mut session = session("", "", "");
    session.scope = WEB.parse().unwrap();
    session.project_uid = Some(ProjectUid(Uuid::from_u128(2)));
    assert!(session.admits(&scope(WEB, Some((2, 0)))));
    // Another project that got the name.
    assert!(!session.admits(&scope(WEB, Some((3, 0)))));
    assert!(!session.admits(&scope("workspaces/acme", None)));
}

#[test]
fn a_session_of_an_earlier_release_admits_the_project_that_had_the_name_then() {
    let mut session = session("", "", "");
    session.scope = WEB.parse().unwrap();
    session.create_time = Timestamp::from_micros(5);
    assert!(session.admits(&scope(WEB, Some((2, 5)))));
    assert!(!session.admits(&scope(WEB, Some((3, 6)))));
    let app = "workspaces/acme/projects/app";
    assert!(!session.admits(&scope(app, Some((2, 5)))));
    assert!(!session.admits(&scope("workspaces/acme", None)));
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
fn an_invalid_setting_is_refused_by_its_field() {
    let field = |change: fn(&mut Settings)| {
        let mut settings = session("main", "openai", "gpt").settings;
        change(&mut settings);
        settings.checked().err().map(|error| error.field)
    };
    assert_eq!(field(|_| {}), None);
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
fn a_transcript_has_a_maximum_of_turns_and_bytes() {
    let data_key = "workspaces/acme/dataKeys/019aa5b1-0000-7000-8000-000000000000";
    let mut transcript = Transcript::new(data_key.parse().unwrap());
    assert_eq!(transcript.check_room(MAX_BYTES), Ok(()));
    assert_eq!(transcript.check_room(MAX_BYTES + 1), Err(TooLong));
    transcript.size = MAX_BYTES;
    assert_eq!(transcript.check_room(1), Err(TooLong));
    transcript.size = 0;
    transcript.turn_count = MAX_TURNS - 1;
    assert_eq!(transcript.check_room(1), Ok(()));
    transcript.turn_count = MAX_TURNS;
    assert_eq!(transcript.check_room(1), Err(TooLong));
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
fn a_truncated_tool_call_can_not_be_repeated() {
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
fn empty_parts_are_not_repeated() {
    let text = |text: &str| part::Content::Text(text.to_owned());
    assert_eq!(repeated(answer(Vec::new())), None);
    assert_eq!(repeated(answer(vec![text("")])), None);
    let remaining = repeated(answer(vec![text(""), text("Good day")]));
    assert_eq!(remaining, Some(answer(vec![text("Good day")])));
}
