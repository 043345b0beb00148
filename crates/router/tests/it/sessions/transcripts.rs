//! Transcripts of sessions, to which each request adds its messages.

use std::time::Duration;

use latchkey_clock::Clock as _;
use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::stream_generate_response::Event;
use latchkey_contract::router::v1::{
    CountTokensRequest, FinishReason, GenerateRequest, GenerateResponse, Message, Part, Role,
    StreamGenerateResponse, ToolResult, turn_omission,
};
use serde_json::json;
use tonic::{Code, Status, Streaming};

use super::{
    TALK, conversation, create, create_request, delete, get, ok_answer, plain, sealed,
    sent_messages, start_session, tool_call, turns, with_text,
};
use crate::harness::{ACME, APP, Answer, Router, anthropic, chat, refused};
use crate::on_both_databases;

on_both_databases!(
    the_transcript_precedes_the_new_messages,
    a_transcript_survives_a_restart,
    a_data_key_is_cached_until_the_workspace_changes,
    a_failed_call_adds_no_turn,
    a_session_is_busy_while_an_answer_is_added,
    a_cancelled_request_leaves_the_session_free,
    the_claim_of_a_router_that_is_gone_expires,
    a_request_that_follows_an_earlier_turn_is_refused,
    an_answer_that_another_turn_overtook_is_not_added,
    a_session_can_be_continued_after_requests_at_once,
    without_the_database_a_session_request_is_not_sent,
    an_answer_is_returned_even_if_its_turn_cannot_be_stored,
    an_answer_is_returned_even_if_its_session_was_deleted,
    a_truncated_tool_call_adds_no_turn,
    a_session_continues_after_an_empty_answer,
    a_paused_answer_is_continued_by_a_request_without_messages,
    a_streamed_answer_adds_a_turn,
    a_broken_stream_adds_no_turn,
    an_unstreamed_answer_to_a_stream_request_adds_a_turn,
    counting_tokens_reads_the_transcript_and_adds_no_turn,
);

async fn the_transcript_precedes_the_new_messages(router: Router) {
    start_session(&router, sealed()).await;
    let first = router.generate(with_text("Hello")).await.unwrap();
    assert_eq!(first.turn, format!("{TALK}/turns/1"));
    assert_eq!(sent_messages(&router), conversation(&["Hello"]));
    let second = router.generate(with_text("And now?")).await.unwrap();
    assert_eq!(second.turn, format!("{TALK}/turns/2"));
    let expected = conversation(&["Hello", "Good day", "And now?"]);
    assert_eq!(sent_messages(&router), expected);
    assert_eq!(get(&router, TALK).await.unwrap().turn_count, 2);
    // Requests without the session do not contain the transcript.
    router.generate(crate::harness::gpt()).await.unwrap();
    assert_eq!(sent_messages(&router), conversation(&["Hello"]));
}

async fn a_transcript_survives_a_restart(router: Router) {
    start_session(&router, sealed()).await;
    router.generate(with_text("Hello")).await.unwrap();
    assert_eq!(router.vault.data_keys().lease_count(), 0);
    let router = router.restart().await;
    router.generate(with_text("And now?")).await.unwrap();
    let expected = conversation(&["Hello", "Good day", "And now?"]);
    assert_eq!(sent_messages(&router), expected);
    assert_eq!(router.vault.data_keys().lease_count(), 1);
}

async fn a_data_key_is_cached_until_the_workspace_changes(router: Router) {
    start_session(&router, sealed()).await;
    for text in ["one", "two"] {
        router.generate(with_text(text)).await.unwrap();
    }
    assert_eq!(router.vault.data_keys().lease_count(), 0);
    router.vault.invalidates("platform", 2, &[]);
    router.vault.invalidates(ACME, 1, &[]);
    router
        .vault
        .receives(|received| received.acknowledgements.len() == 2)
        .await;
    assert_eq!(turns(&router, TALK).await.unwrap().len(), 2);
    assert_eq!(router.vault.data_keys().lease_count(), 1);
    assert_eq!(turns(&router, TALK).await.unwrap().len(), 2);
    assert_eq!(router.vault.data_keys().lease_count(), 1);
}

async fn a_failed_call_adds_no_turn(router: Router) {
    start_session(&router, sealed()).await;
    let no = json!({"error": {"message": "no", "type": "invalid_request_error"}});
    router.provider.returns_once(Answer::json(400, &no));
    let outcome = router.generate(with_text("Hello")).await;
    refused(outcome, Code::InvalidArgument, "PROVIDER_REJECTED_REQUEST");
    let wrong = GenerateRequest {
        max_output_tokens: Some(0),
        ..with_text("Hello")
    };
    let outcome = router.generate(wrong).await;
    refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert!(turns(&router, TALK).await.unwrap().is_empty());
    router.generate(with_text("And now?")).await.unwrap();
    assert_eq!(sent_messages(&router), conversation(&["And now?"]));
}

async fn a_session_is_busy_while_an_answer_is_added(router: Router) {
    start_session(&router, sealed()).await;
    let held = router.provider.holds_answer();
    let first = {
        let mut client = router.inference(APP);
        tokio::spawn(async move { client.generate(with_text("one")).await })
    };
    router.provider.receives_call(1).await;
    // Refused before any call.
    let outcome = router.generate(with_text("two")).await;
    refused(outcome, Code::Aborted, "SESSION_BUSY");
    // What adds no turn is not refused.
    assert!(turns(&router, TALK).await.unwrap().is_empty());
    held.send(ok_answer()).ok().unwrap();
    let first = first.await.unwrap().unwrap().into_inner();
    assert_eq!(first.turn, format!("{TALK}/turns/1"));
    assert_eq!(router.provider.calls().len(), 1);
    router.generate(with_text("two")).await.unwrap();
    let expected = conversation(&["one", "Good day", "two"]);
    assert_eq!(sent_messages(&router), expected);
}

async fn a_cancelled_request_leaves_the_session_free(router: Router) {
    start_session(&router, sealed()).await;
    let held = router.provider.holds_answer();
    let mut client = router.inference(APP);
    let cancelled = tokio::spawn(async move { client.generate(with_text("one")).await });
    router.provider.receives_call(1).await;
    cancelled.abort();
    drop(held);
    loop {
        match router.generate(with_text("two")).await {
            Ok(answer) => break assert_eq!(answer.turn, format!("{TALK}/turns/1")),
            Err(status) => assert_eq!(status.code(), Code::Aborted, "{status}"),
        }
    }
}

async fn the_claim_of_a_router_that_is_gone_expires(router: Router) {
    start_session(&router, sealed()).await;
    let until = router.clock.now().as_micros() + 1_000_000;
    let claim = "claim = (SELECT uid FROM sessions)";
    let claimed = format!("UPDATE sessions SET {claim}, claim_expire_time = {until}");
    router.execute(&claimed).await;
    let outcome = router.generate(with_text("one")).await;
    refused(outcome, Code::Aborted, "SESSION_BUSY");
    router.clock.advance(Duration::from_secs(1));
    router.generate(with_text("one")).await.unwrap();
}

/// A request that is sent again names the turn that it follows, so that it is not answered twice.
async fn a_request_that_follows_an_earlier_turn_is_refused(router: Router) {
    start_session(&router, sealed()).await;
    let after = |turn, text| GenerateRequest {
        after_turn: Some(turn),
        ..with_text(text)
    };
    router.generate(after(0, "one")).await.unwrap();
    let outcome = router.generate(after(0, "one")).await;
    refused(outcome, Code::Aborted, "SESSION_CONTINUED");
    assert_eq!(router.provider.calls().len(), 1);
    router.generate(after(1, "two")).await.unwrap();
    for turn in [-1, 3] {
        let outcome = router.generate(after(turn, "three")).await;
        let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, ["after_turn"]);
    }
    let without_session = GenerateRequest {
        after_turn: Some(0),
        ..crate::harness::gpt()
    };
    let outcome = router.generate(without_session).await;
    let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refusal.fields, ["after_turn"]);
}

/// The claim expired, and another request added a turn: the answer is returned, and says so.
async fn an_answer_that_another_turn_overtook_is_not_added(router: Router) {
    start_session(&router, sealed()).await;
    let held = router.provider.holds_answer();
    let mut client = router.inference(APP);
    let slow = tokio::spawn(async move { client.generate(with_text("one")).await });
    router.provider.receives_call(1).await;
    router
        .execute("UPDATE sessions SET claim_expire_time = 0")
        .await;
    router.generate(with_text("two")).await.unwrap();
    held.send(ok_answer()).ok().unwrap();
    let slow = slow.await.unwrap().unwrap().into_inner();
    assert_eq!(slow.turn, "");
    let omission = slow.turn_omission.unwrap();
    assert_eq!(omission.reason(), turn_omission::Reason::SessionContinued);
    assert_eq!(turns(&router, TALK).await.unwrap().len(), 1);
    router.generate(with_text("three")).await.unwrap();
}

/// Two requests at once on each session, whose answer ends in a tool call: one is answered, and a request
/// with the result of the tool can follow.
async fn a_session_can_be_continued_after_requests_at_once(router: Router) {
    const PAIRS: usize = 50;
    for pair in 0..PAIRS {
        let id = format!("pair-{pair}");
        create(&router, create_request(&id, sealed()))
            .await
            .unwrap();
        let session = format!("{ACME}/sessions/{id}");
        let request = |text: &str| GenerateRequest {
            session: session.clone(),
            ..with_text(text)
        };
        router.provider.returns(tool_call("{}"));
        let (first, second) = tokio::join!(
            router.generate(request("one")),
            router.generate(request("two")),
        );
        let answered = [first, second]
            .into_iter()
            .filter_map(|outcome| match outcome {
                Ok(answer) => Some(answer),
                // It came during the other call, or after it and without the result of the tool.
                Err(status) => {
                    let expected = [Code::Aborted, Code::InvalidArgument];
                    assert!(expected.contains(&status.code()), "{status}");
                    None
                }
            });
        let answered: Vec<_> = answered.collect();
        assert_eq!(answered.len(), 1);
        router.provider.returns(ok_answer());
        let next = GenerateRequest {
            messages: vec![tool_result()],
            ..request("")
        };
        let answer = router.generate(next).await.unwrap();
        assert_ne!(answer.turn, "");
    }
}

/// The result of the call of [`tool_call`].
fn tool_result() -> Message {
    let result = ToolResult {
        tool_call_id: "call_1".to_owned(),
        parts: vec![Part {
            content: Some(Content::Text("sunny".to_owned())),
            provider_state: None,
        }],
        ..ToolResult::default()
    };
    Message {
        role: Role::Tool.into(),
        parts: vec![Part {
            content: Some(Content::ToolResult(result)),
            provider_state: None,
        }],
    }
}

async fn without_the_database_a_session_request_is_not_sent(router: Router) {
    start_session(&router, sealed()).await;
    router.execute("ALTER TABLE sessions RENAME TO away").await;
    let outcome = router.generate(with_text("Hello")).await;
    refused(outcome, Code::Unavailable, "DATABASE_UNAVAILABLE");
    assert!(router.provider.calls().is_empty());
    // Requests without a session need no database.
    router.generate(crate::harness::gpt()).await.unwrap();
}

async fn an_answer_is_returned_even_if_its_turn_cannot_be_stored(router: Router) {
    start_session(&router, sealed()).await;
    let answer = router.provider.holds_answer();
    let away = async {
        router.provider.receives_call(1).await;
        router.execute("ALTER TABLE turns RENAME TO away").await;
        answer.send(ok_answer()).ok().unwrap();
    };
    let (response, ()) = tokio::join!(router.generate(with_text("Hello")), away);
    let response = response.unwrap();
    assert_eq!(response.turn, "");
    let omission = response.turn_omission.unwrap();
    assert_eq!(omission.reason(), turn_omission::Reason::Unavailable);
    assert!(response.message.is_some());
    router.execute("ALTER TABLE away RENAME TO turns").await;
    // No part of the turn is stored.
    assert_eq!(get(&router, TALK).await.unwrap().turn_count, 0);
    router.generate(with_text("And now?")).await.unwrap();
    assert_eq!(sent_messages(&router), conversation(&["And now?"]));
}

async fn an_answer_is_returned_even_if_its_session_was_deleted(router: Router) {
    start_session(&router, sealed()).await;
    let answer = router.provider.holds_answer();
    let meanwhile = async {
        router.provider.receives_call(1).await;
        delete(&router, TALK, "").await.unwrap();
        answer.send(ok_answer()).ok().unwrap();
    };
    let (response, ()) = tokio::join!(router.generate(with_text("Hello")), meanwhile);
    let response = response.unwrap();
    assert_eq!(response.turn, "");
    let omission = response.turn_omission.unwrap();
    assert_eq!(omission.reason(), turn_omission::Reason::SessionDeleted);
    assert_eq!(router.count("turns", "true").await, 0);
}

async fn a_truncated_tool_call_adds_no_turn(router: Router) {
    start_session(&router, sealed()).await;
    router.provider.returns_once(tool_call("{\"city\": \"Par"));
    let response = router.generate(with_text("Hello")).await.unwrap();
    assert_eq!(response.turn, "");
    let omission = response.turn_omission.unwrap();
    assert_eq!(omission.reason(), turn_omission::Reason::InvalidToolCall);
    router.generate(with_text("And now?")).await.unwrap();
    assert_eq!(sent_messages(&router), conversation(&["And now?"]));
}

async fn a_session_continues_after_an_empty_answer(router: Router) {
    start_session(&router, sealed()).await;
    let mut nothing = chat::whole();
    nothing["choices"][0]["message"]["content"] = json!("");
    nothing["choices"][0]["finish_reason"] = json!("length");
    router.provider.returns_once(Answer::json(200, &nothing));
    let response = router.generate(with_text("Hello")).await.unwrap();
    assert_eq!(response.turn, format!("{TALK}/turns/1"));
    router.generate(with_text("And now?")).await.unwrap();
    let user = |text: &str| ("user".to_owned(), text.to_owned());
    assert_eq!(sent_messages(&router), [user("Hello"), user("And now?")]);
}

async fn a_paused_answer_is_continued_by_a_request_without_messages(router: Router) {
    start_session(&router, sealed()).await;
    let mut paused = anthropic::whole();
    paused["stop_reason"] = json!("pause_turn");
    let paused = Answer::json(200, &paused);
    router.provider.returns_once(paused);
    let claude = |request| GenerateRequest {
        provider: "anthropic".to_owned(),
        model: "claude-haiku-4-5".to_owned(),
        ..request
    };
    let response = router.generate(claude(with_text("Hello"))).await.unwrap();
    assert_eq!(response.finish_reason(), FinishReason::Paused);
    let nothing = claude(GenerateRequest {
        messages: Vec::new(),
        ..with_text("")
    });
    router.provider.returns_once(super::claude_answer());
    router.generate(nothing.clone()).await.unwrap();
    assert_eq!(sent_messages(&router), conversation(&["Hello", "Good day"]));
    // The continued answer is complete.
    let outcome = router.generate(nothing).await;
    let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refusal.fields, ["messages"]);
}

/// The final response of a stream.
async fn completed(
    mut stream: Streaming<StreamGenerateResponse>,
) -> Result<GenerateResponse, Status> {
    loop {
        let piece = stream.message().await?.unwrap();
        if let Event::Completed(whole) = piece.event.unwrap() {
            return Ok(whole);
        }
    }
}

async fn a_streamed_answer_adds_a_turn(router: Router) {
    start_session(&router, sealed()).await;
    router.generate(with_text("Hello")).await.unwrap();
    router.provider.returns(Answer::events(&chat::pieces()));
    let stream = router.stream(with_text("And now?")).await.unwrap();
    let whole = completed(stream).await.unwrap();
    assert_eq!(whole.turn, format!("{TALK}/turns/2"));
    let expected = conversation(&["Hello", "Good day", "And now?"]);
    assert_eq!(sent_messages(&router), expected);
    let kept = turns(&router, TALK).await.unwrap();
    assert_eq!(kept[1].answer, whole.message);
    assert_eq!(kept[1].messages, [super::user("And now?")]);
}

async fn a_broken_stream_adds_no_turn(router: Router) {
    start_session(&router, sealed()).await;
    let pieces = chat::pieces();
    router
        .provider
        .returns_once(Answer::cut_events(&pieces[..2]));
    let stream = router.stream(with_text("Hello")).await.unwrap();
    let outcome = completed(stream).await;
    refused(outcome, Code::Unavailable, "STREAM_TRUNCATED");
    assert!(turns(&router, TALK).await.unwrap().is_empty());
}

async fn an_unstreamed_answer_to_a_stream_request_adds_a_turn(router: Router) {
    start_session(&router, sealed()).await;
    let stream = router.stream(with_text("Hello")).await.unwrap();
    let whole = completed(stream).await.unwrap();
    assert_eq!(whole.turn, format!("{TALK}/turns/1"));
    // A session without a transcript has no turn to name.
    let id = create_request("other", plain());
    let other = create(&router, id).await.unwrap();
    let request = GenerateRequest {
        session: other.name,
        ..with_text("Hello")
    };
    let stream = router.stream(request).await.unwrap();
    assert_eq!(completed(stream).await.unwrap().turn, "");
}

async fn counting_tokens_reads_the_transcript_and_adds_no_turn(router: Router) {
    start_session(&router, sealed()).await;
    router.generate(with_text("Hello")).await.unwrap();
    let counted = Answer::json(200, &json!({"input_tokens": 14}));
    router
        .provider
        .returns_at("/v1/messages/count_tokens", counted);
    let request = CountTokensRequest {
        request: Some(GenerateRequest {
            provider: "anthropic".to_owned(),
            model: "claude-sonnet-5".to_owned(),
            ..with_text("And now?")
        }),
    };
    let counted = router.inference(APP).count_tokens(request).await.unwrap();
    assert_eq!(counted.into_inner().input_tokens, 14);
    let expected = conversation(&["Hello", "Good day", "And now?"]);
    assert_eq!(sent_messages(&router), expected);
    assert_eq!(turns(&router, TALK).await.unwrap().len(), 1);
    // The field is named from the outer request.
    let request = CountTokensRequest {
        request: Some(GenerateRequest {
            session: "talk".to_owned(),
            ..with_text("And now?")
        }),
    };
    let outcome = router.inference(APP).count_tokens(request).await;
    let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refusal.fields, ["request.session"]);
}
