//! Transcripts of sessions, to which each request adds its messages.

use std::collections::BTreeSet;

use latchkey_contract::router::v1::stream_generate_response::Event;
use latchkey_contract::router::v1::{
    CountTokensRequest, FinishReason, GenerateRequest, GenerateResponse, StreamGenerateResponse,
};
use serde_json::json;
use tonic::{Code, Status, Streaming};

use super::{
    TALK, conversation, delete, get, ok_answer, plain, sealed, sent_messages, start_session,
    tool_call, turns, with_text,
};
use crate::harness::{ACME, APP, Answer, Router, anthropic, chat, refused};
use crate::on_both_databases;

on_both_databases!(
    the_transcript_precedes_the_new_messages,
    a_transcript_survives_a_restart,
    a_data_key_is_cached_until_the_workspace_changes,
    a_failed_call_adds_no_turn,
    concurrent_requests_add_whole_turns,
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

async fn concurrent_requests_add_whole_turns(router: Router) {
    start_session(&router, sealed()).await;
    let held: Vec<_> = (0..4).map(|_| router.provider.holds_answer()).collect();
    let texts = ["one", "two", "three", "four"];
    let answers = async {
        // The provider receives every call before it answers one.
        router.provider.receives_call(4).await;
        for answer in held {
            answer.send(ok_answer()).ok().unwrap();
        }
    };
    let (a, b, c, d, ()) = tokio::join!(
        router.generate(with_text(texts[0])),
        router.generate(with_text(texts[1])),
        router.generate(with_text(texts[2])),
        router.generate(with_text(texts[3])),
        answers,
    );
    let named: BTreeSet<_> = [a, b, c, d].map(|answer| answer.unwrap().turn).into();
    let numbered = |number| format!("{TALK}/turns/{number}");
    assert_eq!(named, (1..=4).map(numbered).collect());
    let kept = turns(&router, TALK).await.unwrap();
    let sealed_messages: BTreeSet<_> = kept
        .iter()
        .map(|turn| format!("{:?}", turn.messages))
        .collect();
    let expected = texts.map(|text| format!("{:?}", [super::user(text)]));
    assert_eq!(sealed_messages, expected.into());
    assert_eq!(get(&router, TALK).await.unwrap().turn_count, 4);
    router.generate(with_text("five")).await.unwrap();
    assert_eq!(sent_messages(&router).len(), 9);
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
    assert_eq!(response.unwrap().turn, "");
    assert_eq!(router.count("turns", "true").await, 0);
}

async fn a_truncated_tool_call_adds_no_turn(router: Router) {
    start_session(&router, sealed()).await;
    router.provider.returns_once(tool_call("{\"city\": \"Par"));
    let response = router.generate(with_text("Hello")).await.unwrap();
    assert_eq!(response.turn, "");
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
    let id = super::create_request("other", plain());
    let other = super::create(&router, id).await.unwrap();
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
