//! `UpdateSession`.

use std::time::Duration;

use latchkey_contract::router::v1::{Session, UpdateSessionRequest};
use prost_types::FieldMask;
use tonic::{Code, Status};

use super::{TALK, create, create_request, get, plain, sealed, start_session, with_text};
use crate::harness::{APP, Router, refused};
use crate::on_both_databases;

on_both_databases!(
    only_the_fields_of_the_mask_change,
    an_empty_field_of_the_mask_is_cleared,
    without_a_mask_the_set_fields_change,
    a_shorter_retention_counts_from_the_last_use,
    an_etag_guards_against_a_concurrent_change,
    a_use_does_not_change_the_etag,
    an_immutable_or_malformed_field_is_named,
    updating_a_missing_session_is_not_found,
);

async fn update(router: &Router, session: Session, paths: &[&str]) -> Result<Session, Status> {
    let request = UpdateSessionRequest {
        session: Some(session),
        update_mask: Some(FieldMask {
            paths: paths.iter().map(ToString::to_string).collect(),
        }),
    };
    let updated = router.sessions(APP).update_session(request).await;
    updated.map(tonic::Response::into_inner)
}

fn talk(session: Session) -> Session {
    Session {
        name: TALK.to_owned(),
        ..session
    }
}

async fn only_the_fields_of_the_mask_change(router: Router) {
    let before = create(&router, create_request("talk", plain()))
        .await
        .unwrap();
    router.clock.advance(Duration::from_secs(5));
    let wanted = talk(Session {
        key: "main".to_owned(),
        model: "gpt-5.4".to_owned(),
        display_name: "not named".to_owned(),
        strict: true,
        ..plain()
    });
    let updated = update(&router, wanted, &["key", "model", "strict"]).await;
    let mut update_time = before.update_time.unwrap();
    update_time.seconds += 5;
    let expected = Session {
        key: "main".to_owned(),
        model: "gpt-5.4".to_owned(),
        strict: true,
        update_time: Some(update_time),
        etag: "2".to_owned(),
        ..before
    };
    assert_eq!(updated.unwrap(), expected);
    assert_eq!(get(&router, TALK).await.unwrap(), expected);
}

async fn an_empty_field_of_the_mask_is_cleared(router: Router) {
    let session = Session {
        key: "main".to_owned(),
        strict: true,
        retention: Some(prost_types::Duration {
            seconds: 60,
            nanos: 0,
        }),
        ..plain()
    };
    create(&router, create_request("talk", session))
        .await
        .unwrap();
    let paths = ["key", "model", "strict", "retention"];
    let updated = update(&router, talk(Session::default()), &paths)
        .await
        .unwrap();
    assert_eq!((&*updated.key, &*updated.model), ("", ""));
    assert_eq!(updated.provider, "openai");
    assert!(!updated.strict);
    assert_eq!(updated.retention.unwrap().seconds, 30 * 24 * 60 * 60);
}

async fn without_a_mask_the_set_fields_change(router: Router) {
    create(&router, create_request("talk", plain()))
        .await
        .unwrap();
    let wanted = talk(Session {
        display_name: "Cats".to_owned(),
        ..Session::default()
    });
    let updated = update(&router, wanted, &[]).await.unwrap();
    assert_eq!(updated.display_name, "Cats");
    assert_eq!(updated.model, "gpt-4.1");
}

async fn a_shorter_retention_counts_from_the_last_use(router: Router) {
    let before = create(&router, create_request("talk", plain()))
        .await
        .unwrap();
    router.clock.advance(Duration::from_mins(10));
    let wanted = talk(Session {
        retention: Some(prost_types::Duration {
            seconds: 15 * 60,
            nanos: 0,
        }),
        ..Session::default()
    });
    let updated = update(&router, wanted, &["retention"]).await.unwrap();
    let (used, expires) = (before.last_use_time.unwrap(), updated.expire_time.unwrap());
    assert_eq!(expires.seconds - used.seconds, 15 * 60);
    assert_eq!(get(&router, TALK).await.unwrap(), updated);
}

async fn an_etag_guards_against_a_concurrent_change(router: Router) {
    let created = create(&router, create_request("talk", plain()))
        .await
        .unwrap();
    let renamed = |name: &str, etag: &str| {
        talk(Session {
            display_name: name.to_owned(),
            etag: etag.to_owned(),
            ..Session::default()
        })
    };
    let updated = update(&router, renamed("first", &created.etag), &[]).await;
    let outcome = update(&router, renamed("second", &created.etag), &[]).await;
    refused(outcome, Code::Aborted, "ETAG_MISMATCH");
    assert_eq!(get(&router, TALK).await.unwrap(), updated.unwrap());
}

async fn a_use_does_not_change_the_etag(router: Router) {
    start_session(&router, sealed()).await;
    let before = get(&router, TALK).await.unwrap();
    router.clock.advance(Duration::from_secs(5));
    router.generate(with_text("Hello")).await.unwrap();
    let after = get(&router, TALK).await.unwrap();
    assert_eq!(after.etag, before.etag);
    assert_eq!(after.update_time, before.update_time);
    assert_ne!(after.last_use_time, before.last_use_time);
}

async fn an_immutable_or_malformed_field_is_named(router: Router) {
    create(&router, create_request("talk", plain()))
        .await
        .unwrap();
    for path in ["scope", "transcript", "creator", "colour"] {
        let outcome = update(&router, talk(plain()), &[path]).await;
        let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, ["update_mask"]);
        assert!(refusal.message.contains(path));
    }
    let wrong = talk(Session {
        provider: "unknown".to_owned(),
        ..Session::default()
    });
    let outcome = update(&router, wrong, &["provider"]).await;
    let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refusal.fields, ["session.provider"]);
}

async fn updating_a_missing_session_is_not_found(router: Router) {
    let outcome = update(&router, talk(plain()), &["model"]).await;
    refused(outcome, Code::NotFound, "SESSION_NOT_FOUND");
}
