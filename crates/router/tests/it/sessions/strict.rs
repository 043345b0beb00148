//! Strict requests, which are refused if the target model would lose content.

use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{Fallback, GenerateRequest, Role, Session};
use tonic::Code;

use super::{
    TALK, claude_answer, message, plain, sealed, start_session, tool_call, turns, user, with_text,
};
use crate::harness::{Router, claude, gpt, refused};
use crate::on_both_databases;

on_both_databases!(
    a_lossy_switch_is_refused_with_its_losses,
    a_strict_session_makes_its_requests_strict,
    a_lossy_model_is_skipped_for_the_next,
    a_strict_request_without_losses_is_answered,
);

/// A conversation with a refusal, which OpenAI's format marks and Anthropic's cannot.
fn declined(request: GenerateRequest) -> GenerateRequest {
    let declining = Content::Refusal("I would rather not".to_owned());
    GenerateRequest {
        messages: vec![
            user("Hello"),
            message(Role::Assistant, declining),
            user("And now?"),
        ],
        ..request
    }
}

fn strict(request: GenerateRequest) -> GenerateRequest {
    GenerateRequest {
        strict: true,
        ..request
    }
}

async fn a_lossy_switch_is_refused_with_its_losses(router: Router) {
    let outcome = router.generate(strict(declined(claude()))).await;
    let refusal = refused(outcome, Code::FailedPrecondition, "LOSSY_SWITCH");
    assert_eq!(refusal.fields, ["messages[1].parts[0]"]);
    let outcome = router.stream(strict(declined(claude()))).await;
    let refusal = refused(outcome, Code::FailedPrecondition, "LOSSY_SWITCH");
    assert_eq!(refusal.fields, ["request.messages[1].parts[0]"]);
    assert!(router.provider.calls().is_empty());
    assert!(router.attempts().await.is_empty());
    // Without strictness, the loss is reported.
    router.provider.returns(claude_answer());
    let response = router.generate(declined(claude())).await.unwrap();
    assert_eq!(response.portability.len(), 1);
}

async fn a_strict_session_makes_its_requests_strict(router: Router) {
    let session = Session {
        strict: true,
        ..sealed()
    };
    start_session(&router, session).await;
    router.generate(declined(with_text(""))).await.unwrap();
    let request = GenerateRequest {
        provider: "anthropic".to_owned(),
        model: "claude-sonnet-5".to_owned(),
        ..with_text("And then?")
    };
    let outcome = router.generate(request).await;
    let refusal = refused(outcome, Code::FailedPrecondition, "LOSSY_SWITCH");
    assert_eq!(refusal.fields, ["transcript[1].parts[0]"]);
    assert_eq!(router.provider.calls().len(), 1);
    assert_eq!(turns(&router, TALK).await.unwrap().len(), 1);
}

async fn a_lossy_model_is_skipped_for_the_next(router: Router) {
    router.provider.returns(super::ok_answer());
    let request = GenerateRequest {
        fallbacks: vec![Fallback {
            provider: "openai".to_owned(),
            model: "gpt-4.1".to_owned(),
            key: String::new(),
        }],
        ..strict(declined(claude()))
    };
    let response = router.generate(request.clone()).await.unwrap();
    assert!(response.portability.is_empty());
    assert_eq!(response.attempts.len(), 1);
    assert_eq!(response.attempts[0].provider, "openai");
    // Without strictness, the lossy model is called first.
    router.provider.returns(claude_answer());
    let request = GenerateRequest {
        strict: false,
        ..request
    };
    let response = router.generate(request).await.unwrap();
    assert_eq!(response.attempts[0].provider, "anthropic");
}

async fn a_strict_request_without_losses_is_answered(router: Router) {
    start_session(&router, plain()).await;
    router.generate(strict(declined(gpt()))).await.unwrap();
    router.generate(strict(with_text("Hello"))).await.unwrap();
    router.provider.returns(tool_call("{}"));
    let response = router.generate(strict(with_text("Hello"))).await.unwrap();
    assert_eq!(response.attempts.len(), 1);
}
