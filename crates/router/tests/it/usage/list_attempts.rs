//! `ListAttempts`.

use std::time::Duration;

use latchkey_clock::Timestamp;
use latchkey_contract::router::v1::{
    Attempt, GenerateRequest, ListAttemptsRequest, ListAttemptsResponse,
};
use tonic::{Code, Status};

use crate::harness::{
    ACME, APP, Answer, Caller, OPERATOR, OTHER_APP, OTHER_CALLER, OWNER, Router, START, WEB, chat,
    gpt, key, on, refused, version,
};
use crate::on_both_databases;

on_both_databases!(
    attempts_are_listed_newest_first,
    a_caller_sees_its_own_attempts_only,
    a_project_shows_its_own_attempts_only,
    a_workspace_shows_its_projects_attempts_and_no_other_workspaces,
    pages_follow_each_other,
    pages_split_attempts_of_the_same_moment,
    times_bound_the_list,
    a_key_bounds_the_list,
    a_page_token_is_valid_for_its_own_list_only,
    a_malformed_field_is_named,
    another_workspaces_caller_is_refused,
);

async fn list(
    router: &Router,
    caller: Caller,
    request: ListAttemptsRequest,
) -> Result<ListAttemptsResponse, Status> {
    let listed = router.usage(caller).list_attempts(request).await;
    listed.map(tonic::Response::into_inner)
}

fn of(parent: &str) -> ListAttemptsRequest {
    ListAttemptsRequest {
        parent: parent.to_owned(),
        ..ListAttemptsRequest::default()
    }
}

/// Makes calls a second apart, and returns their attempts, newest first.
async fn calls(router: &Router, caller: Caller, requests: Vec<GenerateRequest>) -> Vec<Attempt> {
    router.provider.returns(Answer::json(200, &chat::whole()));
    let mut made = Vec::new();
    for request in requests {
        let response = router.generate_as(caller, request).await.unwrap();
        made.insert(0, response.attempts[0].clone());
        router.clock.advance(Duration::from_secs(1));
    }
    made
}

async fn attempts(router: &Router, caller: Caller, request: ListAttemptsRequest) -> Vec<Attempt> {
    let listed = list(router, caller, request).await.unwrap();
    assert_eq!(listed.next_page_token, "");
    listed.attempts
}

fn at(seconds: u64) -> prost_types::Timestamp {
    let (seconds, nanos) = (START + Duration::from_secs(seconds)).to_unix();
    let nanos = i32::try_from(nanos).unwrap();
    prost_types::Timestamp { seconds, nanos }
}

async fn attempts_are_listed_newest_first(router: Router) {
    assert_eq!(attempts(&router, OWNER, of(ACME)).await, []);
    let made = calls(&router, APP, vec![gpt(), gpt(), gpt()]).await;
    for caller in [APP, OWNER, OPERATOR] {
        assert_eq!(attempts(&router, caller, of(ACME)).await, made);
    }
    assert_eq!(made[0].start_time, Some(at(2)));
}

async fn a_caller_sees_its_own_attempts_only(router: Router) {
    let first = calls(&router, APP, vec![gpt()]).await;
    let second = calls(&router, OTHER_APP, vec![gpt()]).await;
    assert_eq!(attempts(&router, APP, of(ACME)).await, first);
    assert_eq!(attempts(&router, OTHER_APP, of(ACME)).await, second);
    assert_eq!(
        attempts(&router, OWNER, of(ACME)).await,
        [second, first].concat()
    );
}

async fn a_project_shows_its_own_attempts_only(router: Router) {
    calls(
        &router,
        APP,
        vec![gpt(), on("workspaces/acme/projects/app", gpt())],
    )
    .await;
    let web = calls(&router, APP, vec![on(WEB, gpt())]).await;
    assert_eq!(attempts(&router, OWNER, of(WEB)).await, web);
    assert_eq!(attempts(&router, APP, of(WEB)).await, web);
    let nothing = attempts(&router, OWNER, of("workspaces/acme/projects/new")).await;
    assert_eq!(nothing, []);
}

async fn a_workspace_shows_its_projects_attempts_and_no_other_workspaces(router: Router) {
    let mine = calls(&router, APP, vec![gpt(), on(WEB, gpt())]).await;
    let theirs = calls(&router, OTHER_CALLER, vec![on("workspaces/other", gpt())]).await;
    assert_eq!(attempts(&router, OPERATOR, of(ACME)).await, mine);
    assert_eq!(
        attempts(&router, OPERATOR, of("workspaces/other")).await,
        theirs
    );
}

/// Reads the list page by page.
async fn paged(router: &Router, request: ListAttemptsRequest) -> Vec<Vec<Attempt>> {
    let mut pages = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListAttemptsRequest {
            page_token,
            ..request.clone()
        };
        let page = list(router, OWNER, request).await.unwrap();
        pages.push(page.attempts);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return pages;
        }
    }
}

async fn pages_follow_each_other(router: Router) {
    let made = calls(&router, APP, vec![gpt(); 5]).await;
    for size in 1..=6 {
        let request = ListAttemptsRequest {
            page_size: i32::try_from(size).unwrap(),
            ..of(ACME)
        };
        let pages = paged(&router, request).await;
        assert_eq!(pages.len(), 5_usize.div_ceil(size));
        assert!(pages.iter().all(|page| page.len() <= size));
        assert_eq!(pages.concat(), made);
    }
}

async fn pages_split_attempts_of_the_same_moment(router: Router) {
    router.provider.returns(Answer::json(200, &chat::whole()));
    for _ in 0..5 {
        router.generate(gpt()).await.unwrap();
    }
    let all = attempts(&router, OWNER, of(ACME)).await;
    assert!(all.iter().all(|attempt| attempt.start_time == Some(at(0))));
    let request = ListAttemptsRequest {
        page_size: 2,
        ..of(ACME)
    };
    assert_eq!(paged(&router, request).await.concat(), all);
}

async fn times_bound_the_list(router: Router) {
    let made = calls(&router, APP, vec![gpt(); 4]).await;
    for (start_time, end_time, expected) in [
        (Some(at(1)), None, &made[..3]),
        (None, Some(at(1)), &made[3..]),
        (Some(at(1)), Some(at(3)), &made[1..3]),
        (Some(at(3)), Some(at(3)), &[]),
        (Some(at(4)), None, &[]),
    ] {
        let request = ListAttemptsRequest {
            start_time,
            end_time,
            ..of(ACME)
        };
        assert_eq!(attempts(&router, OWNER, request).await, expected);
    }
}

async fn a_key_bounds_the_list(router: Router) {
    router.vault_grants_default(|request, lease| {
        lease.key_version = match request.key.as_str() {
            "" => version("platform", "main"),
            key => version(ACME, key),
        };
    });
    let with_key = |key: &str| GenerateRequest {
        key: key.to_owned(),
        ..gpt()
    };
    let made = calls(&router, APP, vec![gpt(), with_key("one"), with_key("two")]).await;
    for (key, expected) in [
        (key(ACME, "two"), &made[..1]),
        (key(ACME, "one"), &made[1..2]),
        (key("platform", "main"), &made[2..]),
        (key(ACME, "main"), &[]),
    ] {
        let request = ListAttemptsRequest { key, ..of(ACME) };
        assert_eq!(attempts(&router, OWNER, request).await, expected);
    }
}

async fn a_page_token_is_valid_for_its_own_list_only(router: Router) {
    calls(&router, APP, vec![gpt(); 2]).await;
    let first = ListAttemptsRequest {
        page_size: 1,
        ..of(ACME)
    };
    let page_token = list(&router, OWNER, first.clone())
        .await
        .unwrap()
        .next_page_token;
    let with = |request: ListAttemptsRequest| ListAttemptsRequest {
        page_token: page_token.clone(),
        ..request
    };
    let scribbled = ListAttemptsRequest {
        page_token: "scribble".to_owned(),
        ..first.clone()
    };
    let later = ListAttemptsRequest {
        start_time: Some(at(0)),
        ..first.clone()
    };
    let by_key = ListAttemptsRequest {
        key: key(ACME, "main"),
        ..first.clone()
    };
    for request in [scribbled, with(of(WEB)), with(later), with(by_key)] {
        let outcome = list(&router, OWNER, request).await;
        let refusal = refused(outcome, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
        assert_eq!(refusal.fields, ["page_token"]);
    }
    // The page size may change between pages.
    let second = list(&router, OWNER, with(of(ACME))).await.unwrap();
    assert_eq!(second.attempts.len(), 1);
}

async fn a_malformed_field_is_named(router: Router) {
    let never = |seconds, nanos| Some(prost_types::Timestamp { seconds, nanos });
    let too_late = Timestamp::MAX.to_unix().0 + 1;
    let by_key = |key: &str| ListAttemptsRequest {
        key: key.to_owned(),
        ..of(ACME)
    };
    let from = |start_time| ListAttemptsRequest {
        start_time,
        ..of(ACME)
    };
    let until = |end_time| ListAttemptsRequest {
        end_time,
        ..of(ACME)
    };
    for (request, field) in [
        (of(""), "parent"),
        (of("platform"), "parent"),
        (of("acme"), "parent"),
        (by_key("main"), "key"),
        (by_key(&version(ACME, "main")), "key"),
        (from(never(0, -1)), "start_time"),
        (from(never(too_late, 0)), "start_time"),
        (until(never(0, 1_000_000_000)), "end_time"),
    ] {
        let outcome = list(&router, OPERATOR, request).await;
        let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, [field]);
    }
}

async fn another_workspaces_caller_is_refused(router: Router) {
    for parent in [ACME, WEB, "workspaces/nowhere"] {
        let outcome = list(&router, OTHER_CALLER, of(parent)).await;
        refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}
