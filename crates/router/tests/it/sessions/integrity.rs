//! Turns that were changed or moved in the database, which are refused.

use latchkey_contract::router::v1::GenerateRequest;
use tonic::Code;

use super::{TALK, create, create_request, sealed, start_session, turns, with_text};
use crate::harness::{ACME, Router, refused};
use crate::on_both_databases;

on_both_databases!(
    swapped_turns_are_refused,
    a_changed_turn_is_refused,
    a_missing_turn_is_refused,
    a_turn_of_another_session_is_refused,
    a_column_that_no_router_writes_is_refused,
);

/// Creates two sessions with two turns each.
async fn two_talks(router: &Router) {
    start_session(router, sealed()).await;
    create(router, create_request("other", sealed()))
        .await
        .unwrap();
    for session in [TALK.to_owned(), format!("{ACME}/sessions/other")] {
        for text in ["one", "two"] {
            let request = GenerateRequest {
                session: session.clone(),
                ..with_text(text)
            };
            router.generate(request).await.unwrap();
        }
    }
    assert_eq!(turns(router, TALK).await.unwrap().len(), 2);
}

/// Checks that every use of the transcript is refused and sends nothing.
async fn is_noticed(router: &Router) {
    let calls = router.provider.calls().len();
    for outcome in [
        turns(router, TALK).await.map(drop),
        router.generate(with_text("And now?")).await.map(drop),
    ] {
        let refused = refused(outcome, Code::DataLoss, "INTEGRITY");
        let table = " turns ";
        assert!(refused.message.contains(table), "{}", refused.message);
    }
    assert_eq!(router.provider.calls().len(), calls);
}

async fn swapped_turns_are_refused(router: Router) {
    two_talks(&router).await;
    for (from, to) in [(1, 9), (2, 1), (9, 2)] {
        let swap = format!("UPDATE turns SET number = {to} WHERE number = {from}");
        router.execute(&swap).await;
    }
    is_noticed(&router).await;
}

async fn a_changed_turn_is_refused(router: Router) {
    two_talks(&router).await;
    let changed = match router.database.folder {
        Some(_) => "substr(sealed, 1, 20) || x'00' || substr(sealed, 22)",
        None => "set_byte(sealed, 20, 255 - get_byte(sealed, 20))",
    };
    router
        .execute(&format!("UPDATE turns SET sealed = {changed}"))
        .await;
    is_noticed(&router).await;
}

async fn a_missing_turn_is_refused(router: Router) {
    two_talks(&router).await;
    router.execute("DELETE FROM turns WHERE number = 1").await;
    is_noticed(&router).await;
}

async fn a_turn_of_another_session_is_refused(router: Router) {
    two_talks(&router).await;
    let others = "SELECT t.sealed FROM turns t \
                  WHERE t.number = turns.number AND t.session_uid <> turns.session_uid";
    router
        .execute(&format!("UPDATE turns SET sealed = ({others})"))
        .await;
    is_noticed(&router).await;
}

async fn a_column_that_no_router_writes_is_refused(router: Router) {
    two_talks(&router).await;
    router
        .execute("UPDATE turns SET payer = 'unknown' WHERE number = 2")
        .await;
    is_noticed(&router).await;
    router.execute("UPDATE sessions SET turn_count = -1").await;
    let outcome = turns(&router, TALK).await;
    let refused = refused(outcome, Code::DataLoss, "INTEGRITY");
    let column = "the value of column turn_count is not valid in sessions ";
    assert!(refused.message.contains(column), "{}", refused.message);
}
