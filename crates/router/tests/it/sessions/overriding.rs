//! Requests that override the target of their session.

use latchkey_contract::router::v1::{GenerateRequest, Session};
use tonic::Code;

use super::{
    TALK, claude_answer, create, create_request, get, ok_answer, plain, start_session, with_text,
};
use crate::harness::{ACME, Router, WEB, on, refused};
use crate::on_both_databases;

on_both_databases!(
    a_request_without_a_target_uses_the_sessions,
    a_target_in_a_request_applies_to_that_request_only,
    a_session_of_another_workspace_is_refused,
    a_session_of_a_project_serves_requests_of_that_project_only,
    a_missing_session_is_not_found,
    the_sessions_key_counts_as_a_named_key_for_fallbacks,
);

/// The key, provider and model of the last query.
fn last_query(router: &Router) -> (String, String, String) {
    let query = router.vault.queries().pop().unwrap();
    (query.key, query.provider, query.model)
}

fn named(key: &str, provider: &str, model: &str) -> (String, String, String) {
    (key.to_owned(), provider.to_owned(), model.to_owned())
}

async fn a_request_without_a_target_uses_the_sessions(router: Router) {
    start_session(&router, plain()).await;
    router.generate(with_text("Hello")).await.unwrap();
    assert_eq!(last_query(&router), named("", "openai", "gpt-4.1"));
    // Without a transcript, each request has the whole conversation.
    router.generate(with_text("And now?")).await.unwrap();
    assert_eq!(
        super::sent_messages(&router),
        super::conversation(&["And now?"])
    );
}

async fn a_target_in_a_request_applies_to_that_request_only(router: Router) {
    let session = Session {
        key: "main".to_owned(),
        ..plain()
    };
    start_session(&router, session).await;
    let before = get(&router, TALK).await.unwrap();
    let naming = |key: &str, provider: &str, model: &str| GenerateRequest {
        key: key.to_owned(),
        provider: provider.to_owned(),
        model: model.to_owned(),
        ..with_text("Hello")
    };
    for (request, expected) in [
        (naming("", "", "gpt-4o"), named("main", "openai", "gpt-4o")),
        (naming("other", "", "gpt-4o"), named("other", "", "gpt-4o")),
        (
            naming("", "anthropic", "claude-sonnet-5"),
            named("", "anthropic", "claude-sonnet-5"),
        ),
        (naming("", "", ""), named("main", "openai", "gpt-4.1")),
    ] {
        let answer = match request.provider.as_str() {
            "anthropic" => claude_answer(),
            _ => ok_answer(),
        };
        router.provider.returns_once(answer);
        router.generate(request).await.unwrap();
        assert_eq!(last_query(&router), expected);
    }
    assert_eq!(get(&router, TALK).await.unwrap(), before);
}

async fn a_session_of_another_workspace_is_refused(router: Router) {
    start_session(&router, plain()).await;
    let request = GenerateRequest {
        session: "workspaces/other/sessions/talk".to_owned(),
        ..with_text("Hello")
    };
    let outcome = router.generate(request).await;
    let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refusal.fields, ["session"]);
    // A session of the workspace serves its projects too.
    router.generate(on(WEB, with_text("Hello"))).await.unwrap();
    assert_eq!(router.vault.queries().pop().unwrap().parent, WEB);
}

async fn a_session_of_a_project_serves_requests_of_that_project_only(router: Router) {
    let session = Session {
        scope: WEB.to_owned(),
        ..plain()
    };
    start_session(&router, session).await;
    for parent in [ACME, "workspaces/acme/projects/app"] {
        let outcome = router.generate(on(parent, with_text("Hello"))).await;
        let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, ["session"]);
    }
    router.generate(on(WEB, with_text("Hello"))).await.unwrap();
    assert_eq!(router.provider.calls().len(), 1);
}

async fn a_missing_session_is_not_found(router: Router) {
    let outcome = router.generate(with_text("Hello")).await;
    refused(outcome, Code::NotFound, "SESSION_NOT_FOUND");
    let request = GenerateRequest {
        session: "talk".to_owned(),
        ..with_text("Hello")
    };
    let outcome = router.generate(request).await;
    let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refusal.fields, ["session"]);
    assert!(router.vault.queries().is_empty());
}

async fn the_sessions_key_counts_as_a_named_key_for_fallbacks(router: Router) {
    let session = Session {
        key: "main".to_owned(),
        ..plain()
    };
    create(&router, create_request("talk", session))
        .await
        .unwrap();
    router.provider.returns_once(ok_answer());
    let fallback = latchkey_contract::router::v1::Fallback {
        provider: "anthropic".to_owned(),
        model: "claude-sonnet-5".to_owned(),
        key: String::new(),
    };
    let request = GenerateRequest {
        fallbacks: vec![fallback],
        ..with_text("Hello")
    };
    let outcome = router.generate(request).await;
    let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refusal.fields, ["fallbacks[0].key"]);
}
