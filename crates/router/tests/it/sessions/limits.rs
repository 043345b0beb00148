//! The limits of a transcript.

use tonic::Code;

use super::{TALK, get, sealed, start_session, with_text};
use crate::harness::{Router, refused};
use crate::on_both_databases;

on_both_databases!(
    a_session_has_at_most_a_thousand_turns,
    a_transcript_with_the_new_messages_has_at_most_sixteen_mebibytes,
    a_transcript_of_1000_turns_is_full,
);

async fn a_session_has_at_most_a_thousand_turns(router: Router) {
    start_session(&router, sealed()).await;
    router
        .execute("UPDATE sessions SET turn_count = 1000")
        .await;
    let outcome = router.generate(with_text("Hello")).await;
    refused(outcome, Code::FailedPrecondition, "SESSION_TOO_LONG");
    let outcome = router.stream(with_text("Hello")).await;
    refused(outcome, Code::FailedPrecondition, "SESSION_TOO_LONG");
    assert!(router.provider.calls().is_empty());
}

async fn a_transcript_with_the_new_messages_has_at_most_sixteen_mebibytes(router: Router) {
    start_session(&router, sealed()).await;
    let four = "a".repeat(4 * 1024 * 1024);
    for _ in 0..3 {
        router.generate(with_text(&four)).await.unwrap();
    }
    let outcome = router.generate(with_text(&four)).await;
    refused(outcome, Code::FailedPrecondition, "SESSION_TOO_LONG");
    assert_eq!(router.provider.calls().len(), 3);
    // A shorter message fits.
    router.generate(with_text("Hello")).await.unwrap();
    assert_eq!(get(&router, TALK).await.unwrap().turn_count, 4);
}

async fn a_transcript_of_1000_turns_is_full(router: Router) {
    start_session(&router, sealed()).await;
    router
        .execute("UPDATE sessions SET turn_count = 1000")
        .await;
    let outcome = router.generate(with_text("Hello")).await;
    refused(outcome, Code::FailedPrecondition, "SESSION_TOO_LONG");
    assert!(router.provider.calls().is_empty());
}
