//! `ListTurns`.

use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{
    FinishReason, ListTurnsRequest, ListTurnsResponse, Payer, Role, Turn,
};
use tonic::{Code, Status};

use super::{TALK, message, plain, sealed, start_session, turns, user, with_text};
use crate::harness::{ACME, APP, Router, START, refused, version};
use crate::on_both_databases;

on_both_databases!(
    a_turn_has_its_messages_and_its_answer,
    turns_are_listed_page_by_page,
    a_page_fits_the_message_limit_of_clients,
    a_session_without_a_transcript_has_no_turns,
);

async fn page(router: &Router, size: i32, token: &str) -> Result<ListTurnsResponse, Status> {
    let request = ListTurnsRequest {
        parent: TALK.to_owned(),
        page_size: size,
        page_token: token.to_owned(),
    };
    let listed = router.sessions(APP).list_turns(request).await;
    listed.map(tonic::Response::into_inner)
}

fn numbers(turns: &[Turn]) -> Vec<&str> {
    let numbers = turns
        .iter()
        .map(|turn| turn.name.rsplit_once('/').unwrap().1);
    numbers.collect()
}

async fn a_turn_has_its_messages_and_its_answer(router: Router) {
    start_session(&router, sealed()).await;
    router.generate(with_text("Hello")).await.unwrap();
    let (seconds, _) = START.to_unix();
    let expected = Turn {
        name: format!("{TALK}/turns/1"),
        messages: vec![user("Hello")],
        answer: Some(message(
            Role::Assistant,
            Content::Text("Good day".to_owned()),
        )),
        finish_reason: FinishReason::Stop.into(),
        provider: "openai".to_owned(),
        model: "gpt-4.1-2025-04-14".to_owned(),
        key_version: version(ACME, "main"),
        payer: Payer::OwnKey.into(),
        portability: Vec::new(),
        create_time: Some(prost_types::Timestamp { seconds, nanos: 0 }),
    };
    assert_eq!(turns(&router, TALK).await.unwrap(), [expected]);
}

async fn turns_are_listed_page_by_page(router: Router) {
    start_session(&router, sealed()).await;
    for text in ["one", "two", "three"] {
        router.generate(with_text(text)).await.unwrap();
    }
    let first = page(&router, 2, "").await.unwrap();
    assert_eq!(numbers(&first.turns), ["1", "2"]);
    let second = page(&router, 2, &first.next_page_token).await.unwrap();
    assert_eq!(numbers(&second.turns), ["3"]);
    assert_eq!(second.next_page_token, "");
    let outcome = page(&router, 2, "bm90aGluZw").await;
    refused(outcome, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
}

async fn a_page_fits_the_message_limit_of_clients(router: Router) {
    start_session(&router, sealed()).await;
    let long = "word ".repeat(400_000);
    for _ in 0..2 {
        router.generate(with_text(&long)).await.unwrap();
    }
    let first = page(&router, 0, "").await.unwrap();
    assert_eq!(numbers(&first.turns), ["1"]);
    let second = page(&router, 0, &first.next_page_token).await.unwrap();
    assert_eq!(numbers(&second.turns), ["2"]);
    assert_eq!(second.next_page_token, "");
}

async fn a_session_without_a_transcript_has_no_turns(router: Router) {
    start_session(&router, plain()).await;
    let response = router.generate(with_text("Hello")).await.unwrap();
    assert_eq!(response.turn, "");
    assert!(turns(&router, TALK).await.unwrap().is_empty());
}
