//! Sessions that change their provider: the transcript is translated, and losses are reported.

use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{
    GenerateRequest, Image, Loss, Message, Part, Role, Tool, ToolResult, image, loss,
};
use serde_json::json;
use tonic::Code;

use super::{
    TALK, claude_answer, conversation, get, message, sealed, sent_messages, start_session,
    tool_call, turns, user, with_text,
};
use crate::harness::{Answer, Router, chat, refused};
use crate::on_both_databases;

on_both_databases!(
    another_model_receives_the_whole_transcript,
    tool_calls_and_their_results_are_translated,
    a_loss_is_reported_with_its_place,
    an_error_in_the_transcript_is_named_with_its_place,
);

fn claude(request: GenerateRequest) -> GenerateRequest {
    GenerateRequest {
        provider: "anthropic".to_owned(),
        model: "claude-sonnet-5".to_owned(),
        ..request
    }
}

async fn another_model_receives_the_whole_transcript(router: Router) {
    start_session(&router, sealed()).await;
    let before = get(&router, TALK).await.unwrap();
    router.generate(with_text("Hello")).await.unwrap();
    router.provider.returns_once(claude_answer());
    let response = router
        .generate(claude(with_text("And now?")))
        .await
        .unwrap();
    assert!(response.portability.is_empty());
    assert_eq!(router.provider.receives_call(2).await.path, "/v1/messages");
    let expected = conversation(&["Hello", "Good day", "And now?"]);
    assert_eq!(sent_messages(&router), expected);
    // The session keeps its own model.
    router.generate(with_text("And then?")).await.unwrap();
    assert_eq!(
        router.provider.receives_call(3).await.path,
        "/v1/chat/completions"
    );
    assert_eq!(sent_messages(&router).len(), 5);
    let after = get(&router, TALK).await.unwrap();
    let settings = |session: latchkey_contract::router::v1::Session| {
        (session.key, session.provider, session.model, session.etag)
    };
    assert_eq!(settings(after), settings(before));
    let kept = turns(&router, TALK).await.unwrap();
    let providers: Vec<_> = kept.iter().map(|turn| &*turn.provider).collect();
    assert_eq!(providers, ["openai", "anthropic", "openai"]);
}

async fn tool_calls_and_their_results_are_translated(router: Router) {
    start_session(&router, sealed()).await;
    let with_tool = |request| GenerateRequest {
        tools: vec![Tool {
            name: "weather".to_owned(),
            ..Tool::default()
        }],
        ..request
    };
    router
        .provider
        .returns_once(tool_call("{\"city\": \"Paris\"}"));
    router
        .generate(with_tool(with_text("Hello")))
        .await
        .unwrap();
    let result = Content::ToolResult(ToolResult {
        tool_call_id: "call_1".to_owned(),
        parts: user("It rains").parts,
        ..ToolResult::default()
    });
    let request = GenerateRequest {
        messages: vec![message(Role::Tool, result)],
        ..with_text("")
    };
    router.provider.returns_once(claude_answer());
    router.generate(claude(with_tool(request))).await.unwrap();
    let call = router.provider.receives_call(2).await;
    let messages = &call.body["messages"];
    assert_eq!(messages[1]["content"][0]["input"], json!({"city": "Paris"}));
    assert_eq!(messages[2]["content"][0]["tool_use_id"], "call_1");
    assert_eq!(turns(&router, TALK).await.unwrap().len(), 2);
}

/// An answer of Chat Completions that declines.
fn declined() -> Answer {
    let mut whole = chat::whole();
    whole["choices"][0]["message"] = json!({
        "role": "assistant",
        "content": null,
        "refusal": "I would rather not",
    });
    Answer::json(200, &whole)
}

async fn a_loss_is_reported_with_its_place(router: Router) {
    start_session(&router, sealed()).await;
    router.provider.returns_once(declined());
    router.generate(with_text("Hello")).await.unwrap();
    let declining = Content::Refusal("Not that either".to_owned());
    let request = GenerateRequest {
        messages: vec![
            user("Or this?"),
            message(Role::Assistant, declining),
            user("And now?"),
        ],
        ..with_text("")
    };
    router.provider.returns_once(claude_answer());
    let response = router.generate(claude(request)).await.unwrap();
    let mark = |field: &str| Loss {
        field: field.to_owned(),
        kind: loss::Kind::RefusalMark.into(),
        provider: String::new(),
    };
    let expected = [mark("transcript[1].parts[0]"), mark("messages[1].parts[0]")];
    assert_eq!(response.portability, expected);
    let kept = turns(&router, TALK).await.unwrap();
    assert_eq!(kept[1].portability, expected);
}

async fn an_error_in_the_transcript_is_named_with_its_place(router: Router) {
    start_session(&router, sealed()).await;
    let picture = Content::Image(Image {
        source: Some(image::Source::Url("https://example.org/cat.png".to_owned())),
        detail: image::Detail::High.into(),
    });
    let mut shown = user("What is this?");
    shown.parts.push(Part {
        content: Some(picture),
        provider_state: None,
    });
    let request = GenerateRequest {
        messages: vec![shown],
        ..with_text("")
    };
    router.generate(request).await.unwrap();
    // Anthropic has no level of detail for images.
    let outcome = router.generate(claude(with_text("And now?"))).await;
    let refusal = refused(outcome, Code::InvalidArgument, "UNSUPPORTED_BY_PROVIDER");
    assert_eq!(refusal.fields, ["transcript[0].parts[1].image.detail"]);
    let request = GenerateRequest {
        messages: vec![user("And now?"), Message::default()],
        ..with_text("")
    };
    let outcome = router.generate(request.clone()).await;
    let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refusal.fields, ["messages[1].role"]);
    let outcome = router.stream(request).await;
    let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refusal.fields, ["request.messages[1].role"]);
}
