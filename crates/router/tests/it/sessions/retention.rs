//! Expiry of sessions that have not been used for their retention.

use std::time::Duration;

use latchkey_contract::router::v1::{ListSessionsRequest, Session};
use tonic::{Code, Status};

use super::{TALK, create, create_request, get, plain, sealed, start_session, turns, with_text};
use crate::harness::{ACME, APP, Router, START, refused};
use crate::on_both_databases;

on_both_databases!(
    an_expired_session_is_not_found_before_it_is_deleted,
    an_expired_session_is_deleted_with_its_key,
    a_use_restarts_the_retention,
    a_failed_deletion_is_retried_and_does_not_block_others,
    a_name_is_free_after_its_session_has_expired,
    unused_data_keys_are_wiped_from_memory,
);

const MINUTE: Duration = Duration::from_mins(1);

fn for_a_minute(session: Session) -> Session {
    Session {
        retention: prost_types::Duration::try_from(MINUTE).ok(),
        ..session
    }
}

async fn an_expired_session_is_not_found_before_it_is_deleted(router: Router) {
    start_session(&router, for_a_minute(sealed())).await;
    router.generate(with_text("Hello")).await.unwrap();
    router.clock.set(START + MINUTE);
    for outcome in [
        get(&router, TALK).await.map(drop),
        turns(&router, TALK).await.map(drop),
        router.generate(with_text("And now?")).await.map(drop),
        super::delete(&router, TALK, "").await,
    ] {
        refused(outcome, Code::NotFound, "SESSION_NOT_FOUND");
    }
    let request = ListSessionsRequest {
        parent: ACME.to_owned(),
        ..ListSessionsRequest::default()
    };
    let listed = router.sessions(APP).list_sessions(request).await.unwrap();
    assert!(listed.into_inner().sessions.is_empty());
    assert_eq!(router.count("sessions", "true").await, 1);
}

async fn an_expired_session_is_deleted_with_its_key(router: Router) {
    start_session(&router, for_a_minute(sealed())).await;
    router.generate(with_text("Hello")).await.unwrap();
    create(&router, create_request("plain", for_a_minute(plain())))
        .await
        .unwrap();
    create(&router, create_request("long", sealed()))
        .await
        .unwrap();
    router.clock.set(START + MINUTE - Duration::from_micros(1));
    assert_eq!(router.conversations.sweep().await.unwrap(), 0);
    router.clock.set(START + MINUTE);
    assert_eq!(router.conversations.sweep().await.unwrap(), 2);
    assert_eq!(router.count("sessions", "session_id = 'long'").await, 1);
    assert_eq!(router.count("sessions", "true").await, 1);
    assert_eq!(router.count("turns", "true").await, 0);
    assert_eq!(router.vault.data_keys().names().len(), 1);
    assert_eq!(router.conversations.sweep().await.unwrap(), 0);
}

async fn a_use_restarts_the_retention(router: Router) {
    start_session(&router, for_a_minute(sealed())).await;
    router.clock.set(START + MINUTE / 2);
    router.generate(with_text("Hello")).await.unwrap();
    router.clock.set(START + MINUTE);
    assert_eq!(router.conversations.sweep().await.unwrap(), 0);
    let session = get(&router, TALK).await.unwrap();
    let (used, expires) = (session.last_use_time.unwrap(), session.expire_time.unwrap());
    assert_eq!(used.seconds, START.to_unix().0 + 30);
    assert_eq!(expires.seconds, used.seconds + 60);
    router.clock.set(START + MINUTE + MINUTE / 2);
    assert_eq!(router.conversations.sweep().await.unwrap(), 1);
}

async fn a_failed_deletion_is_retried_and_does_not_block_others(router: Router) {
    start_session(&router, for_a_minute(sealed())).await;
    create(&router, create_request("plain", for_a_minute(plain())))
        .await
        .unwrap();
    let keys = router.vault.data_keys();
    let refusal = latchkey_rpc::refusal::Refusal::new(latchkey_contract::Reason::Integrity, "no");
    keys.refuses_destruction(Some(refusal.into_status("vault.latchkey")));
    router.clock.set(START + MINUTE);
    assert_eq!(router.conversations.sweep().await.unwrap(), 1);
    assert_eq!(router.count("sessions", "session_id = 'talk'").await, 1);
    keys.refuses_destruction(Some(Status::unavailable("not now")));
    assert!(router.conversations.sweep().await.is_err());
    keys.refuses_destruction(None);
    assert_eq!(router.conversations.sweep().await.unwrap(), 1);
    assert!(keys.names().is_empty());
}

async fn a_name_is_free_after_its_session_has_expired(router: Router) {
    start_session(&router, for_a_minute(sealed())).await;
    router.generate(with_text("Hello")).await.unwrap();
    let old = router.vault.data_keys().names();
    router.clock.set(START + MINUTE);
    create(&router, create_request("talk", sealed()))
        .await
        .unwrap();
    let new = router.vault.data_keys().names();
    assert_eq!((old.len(), new.len()), (1, 1));
    assert_ne!(old, new);
    assert!(turns(&router, TALK).await.unwrap().is_empty());
    assert_eq!(router.count("turns", "true").await, 0);
}

async fn unused_data_keys_are_wiped_from_memory(router: Router) {
    start_session(&router, sealed()).await;
    router.generate(with_text("Hello")).await.unwrap();
    assert_eq!(turns(&router, TALK).await.unwrap().len(), 1);
    assert_eq!(router.vault.data_keys().lease_count(), 0);
    router.clock.advance(Duration::from_mins(5));
    router.conversations.sweep().await.unwrap();
    assert_eq!(turns(&router, TALK).await.unwrap().len(), 1);
    assert_eq!(router.vault.data_keys().lease_count(), 1);
}
