//! `CreateSession`.

use std::time::Duration;

use latchkey_contract::router::v1::{CreateSessionRequest, Session, session};
use tonic::Code;

use super::{TALK, create, create_request, get, plain, sealed};
use crate::harness::{ACME, APP, OTHER_APP, Router, START, WEB, refused};
use crate::on_both_databases;

on_both_databases!(
    unset_fields_have_their_defaults,
    set_fields_are_stored,
    an_id_is_generated_if_the_request_has_none,
    the_same_request_has_one_effect_and_one_answer,
    a_request_id_is_valid_for_one_request,
    a_request_id_belongs_to_its_caller,
    concurrent_equal_requests_create_one_session,
    a_name_in_use_is_refused,
    only_a_session_with_a_transcript_gets_a_data_key,
    a_malformed_field_is_named,
    without_the_vault_nothing_is_sealed,
);

const REQUEST_ID: &str = "6b9f6a0e-58a7-4f0c-9d4b-7c1f0b1c2d3e";

fn span(seconds: u64) -> Option<prost_types::Duration> {
    prost_types::Duration::try_from(Duration::from_secs(seconds)).ok()
}

async fn unset_fields_have_their_defaults(router: Router) {
    let created = create(&router, create_request("talk", Session::default())).await;
    let (seconds, _) = START.to_unix();
    let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let days = 30 * 24 * 60 * 60;
    let expected = Session {
        name: TALK.to_owned(),
        scope: ACME.to_owned(),
        transcript: session::Transcript::None.into(),
        retention: span(days),
        creator: APP.requester(),
        create_time: at(seconds),
        update_time: at(seconds),
        last_use_time: at(seconds),
        expire_time: at(seconds + i64::try_from(days).unwrap()),
        etag: "1".to_owned(),
        ..Session::default()
    };
    assert_eq!(created.unwrap(), expected);
    assert_eq!(get(&router, TALK).await.unwrap(), expected);
}

async fn set_fields_are_stored(router: Router) {
    let session = Session {
        scope: WEB.to_owned(),
        display_name: "Über Katzen".to_owned(),
        key: "platform/keys/shared".to_owned(),
        provider: "anthropic".to_owned(),
        model: "claude-sonnet-5".to_owned(),
        strict: true,
        transcript: session::Transcript::Sealed.into(),
        retention: span(60),
        ..Session::default()
    };
    let created = create(&router, create_request("talk", session.clone()))
        .await
        .unwrap();
    let expected = Session {
        name: created.name.clone(),
        creator: created.creator.clone(),
        create_time: created.create_time,
        update_time: created.update_time,
        last_use_time: created.last_use_time,
        expire_time: created.expire_time,
        etag: created.etag.clone(),
        ..session
    };
    assert_eq!(created, expected);
    assert_eq!(get(&router, TALK).await.unwrap(), expected);
}

async fn an_id_is_generated_if_the_request_has_none(router: Router) {
    let first = create(&router, create_request("", plain())).await.unwrap();
    let second = create(&router, create_request("", plain())).await.unwrap();
    assert_ne!(first.name, second.name);
    assert_eq!(get(&router, &first.name).await.unwrap(), first);
}

fn again(id: &str) -> CreateSessionRequest {
    CreateSessionRequest {
        request_id: REQUEST_ID.to_owned(),
        ..create_request(id, sealed())
    }
}

async fn the_same_request_has_one_effect_and_one_answer(router: Router) {
    let first = create(&router, again("")).await.unwrap();
    router.provider.returns(super::ok_answer());
    let request = super::GenerateRequest {
        session: first.name.clone(),
        ..super::with_text("Hello")
    };
    router.generate(request).await.unwrap();
    assert_eq!(create(&router, again("")).await.unwrap(), first);
    assert_eq!(router.count("sessions", "true").await, 1);
    assert_eq!(router.vault.data_keys().names().len(), 1);
}

async fn a_request_id_is_valid_for_one_request(router: Router) {
    create(&router, again("talk")).await.unwrap();
    let outcome = create(&router, again("other")).await;
    let refusal = refused(outcome, Code::AlreadyExists, "REQUEST_ID_REUSED");
    assert_eq!(refusal.fields, ["request_id"]);
}

async fn a_request_id_belongs_to_its_caller(router: Router) {
    create(&router, again("talk")).await.unwrap();
    let mut other = router.sessions(OTHER_APP);
    other.create_session(again("other")).await.unwrap();
    let outcome = other.create_session(again("other")).await;
    assert!(outcome.is_ok());
    let mut third = again("talk");
    third.request_id = String::new();
    let outcome = other.create_session(third).await;
    refused(outcome, Code::AlreadyExists, "SESSION_EXISTS");
}

async fn concurrent_equal_requests_create_one_session(router: Router) {
    let (a, b, c) = tokio::join!(
        create(&router, again("talk")),
        create(&router, again("talk")),
        create(&router, again("talk")),
    );
    let first = a.unwrap();
    assert_eq!((b.unwrap(), c.unwrap()), (first.clone(), first));
    assert_eq!(router.vault.data_keys().names().len(), 1);
}

async fn a_name_in_use_is_refused(router: Router) {
    create(&router, create_request("talk", sealed()))
        .await
        .unwrap();
    let outcome = create(&router, create_request("talk", sealed())).await;
    refused(outcome, Code::AlreadyExists, "SESSION_EXISTS");
    assert_eq!(router.vault.data_keys().names().len(), 1);
}

async fn only_a_session_with_a_transcript_gets_a_data_key(router: Router) {
    create(&router, create_request("one", plain()))
        .await
        .unwrap();
    assert!(router.vault.data_keys().names().is_empty());
    create(&router, create_request("two", sealed()))
        .await
        .unwrap();
    create(&router, create_request("three", sealed()))
        .await
        .unwrap();
    assert_eq!(router.vault.data_keys().names().len(), 2);
}

async fn a_malformed_field_is_named(router: Router) {
    let with = |change: fn(&mut CreateSessionRequest)| {
        let mut request = create_request("talk", plain());
        change(&mut request);
        request
    };
    let session = |change: fn(&mut Session)| {
        let mut session = plain();
        change(&mut session);
        create_request("talk", session)
    };
    for (request, field) in [
        (with(|r| r.parent = "acme".to_owned()), "parent"),
        (with(|r| r.session_id = "Talk".to_owned()), "session_id"),
        (with(|r| r.request_id = "1".to_owned()), "request_id"),
        (
            session(|s| s.scope = "workspaces/other".to_owned()),
            "session.scope",
        ),
        (session(|s| s.scope = "web".to_owned()), "session.scope"),
        (
            session(|s| s.display_name = "n".repeat(64)),
            "session.display_name",
        ),
        (session(|s| s.key = "a/b".to_owned()), "session.key"),
        (
            session(|s| s.provider = "unknown".to_owned()),
            "session.provider",
        ),
        (session(|s| s.model = "m\n".to_owned()), "session.model"),
        (session(|s| s.transcript = 9), "session.transcript"),
        (session(|s| s.retention = span(59)), "session.retention"),
        (
            session(|s| {
                s.retention = Some(prost_types::Duration {
                    seconds: -1,
                    nanos: 0,
                });
            }),
            "session.retention",
        ),
    ] {
        let outcome = create(&router, request).await;
        let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, [field]);
    }
    assert_eq!(router.count("sessions", "true").await, 0);
}

async fn without_the_vault_nothing_is_sealed(mut router: Router) {
    // The identity of the workspace is cached from then on.
    create(&router, create_request("first", plain()))
        .await
        .unwrap();
    router.vault.stop().await;
    let outcome = create(&router, create_request("talk", sealed())).await;
    refused(outcome, Code::Unavailable, "VAULT_UNAVAILABLE");
    // A session without a transcript needs no data key.
    create(&router, create_request("talk", plain()))
        .await
        .unwrap();
}
