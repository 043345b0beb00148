//! `DeleteSession`.

use tonic::{Code, Status};

use super::{
    TALK, create, create_request, delete, get, plain, sealed, start_session, turns, with_text,
};
use crate::harness::{Router, refused};
use crate::on_both_databases;

on_both_databases!(
    deleting_a_session_deletes_its_turns_and_destroys_its_key,
    a_session_without_a_transcript_has_no_key_to_destroy,
    a_session_is_not_deleted_before_its_key_is_destroyed,
    an_etag_guards_against_a_concurrent_change,
    a_session_whose_key_is_destroyed_is_not_found,
    a_new_session_of_the_same_name_has_no_earlier_turns,
);

async fn deleting_a_session_deletes_its_turns_and_destroys_its_key(router: Router) {
    start_session(&router, sealed()).await;
    router.generate(with_text("Hello")).await.unwrap();
    assert_eq!(router.count("turns", "true").await, 1);
    delete(&router, TALK, "").await.unwrap();
    assert!(router.vault.data_keys().names().is_empty());
    assert_eq!(router.count("turns", "true").await, 0);
    assert_eq!(router.count("sessions", "true").await, 0);
    for outcome in [
        delete(&router, TALK, "").await,
        get(&router, TALK).await.map(drop),
        turns(&router, TALK).await.map(drop),
        router.generate(with_text("Hello")).await.map(drop),
    ] {
        refused(outcome, Code::NotFound, "SESSION_NOT_FOUND");
    }
}

async fn a_session_without_a_transcript_has_no_key_to_destroy(router: Router) {
    create(&router, create_request("talk", plain()))
        .await
        .unwrap();
    let refuses = Status::internal("nothing is to be destroyed");
    router.vault.data_keys().refuses_destruction(Some(refuses));
    delete(&router, TALK, "").await.unwrap();
}

async fn a_session_is_not_deleted_before_its_key_is_destroyed(router: Router) {
    start_session(&router, sealed()).await;
    router.generate(with_text("Hello")).await.unwrap();
    let keys = router.vault.data_keys();
    keys.refuses_destruction(Some(Status::unavailable("not now")));
    let outcome = delete(&router, TALK, "").await;
    refused(outcome, Code::Unavailable, "VAULT_UNAVAILABLE");
    assert_eq!(turns(&router, TALK).await.unwrap().len(), 1);
    keys.refuses_destruction(None);
    delete(&router, TALK, "").await.unwrap();
    assert!(keys.names().is_empty());
}

async fn an_etag_guards_against_a_concurrent_change(router: Router) {
    start_session(&router, sealed()).await;
    let outcome = delete(&router, TALK, "7").await;
    refused(outcome, Code::Aborted, "ETAG_MISMATCH");
    assert_eq!(router.vault.data_keys().names().len(), 1);
    delete(&router, TALK, "1").await.unwrap();
}

async fn a_session_whose_key_is_destroyed_is_not_found(router: Router) {
    start_session(&router, sealed()).await;
    router.generate(with_text("Hello")).await.unwrap();
    // Another router has destroyed the key and not yet deleted the rows.
    router.vault.data_keys().deletes_all();
    let router = router.restart().await;
    let outcome = router.generate(with_text("And now?")).await;
    refused(outcome, Code::NotFound, "SESSION_NOT_FOUND");
    assert_eq!(router.provider.calls().len(), 1);
    delete(&router, TALK, "").await.unwrap();
}

async fn a_new_session_of_the_same_name_has_no_earlier_turns(router: Router) {
    start_session(&router, sealed()).await;
    router.generate(with_text("Hello")).await.unwrap();
    delete(&router, TALK, "").await.unwrap();
    create(&router, create_request("talk", sealed()))
        .await
        .unwrap();
    assert!(turns(&router, TALK).await.unwrap().is_empty());
    let response = router.generate(with_text("Hello again")).await.unwrap();
    assert_eq!(response.turn, format!("{TALK}/turns/1"));
    assert_eq!(
        super::sent_messages(&router),
        super::conversation(&["Hello again"])
    );
}
