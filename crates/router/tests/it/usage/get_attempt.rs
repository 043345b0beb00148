//! `GetAttempt`.

use latchkey_contract::router::v1::{Attempt, GetAttemptRequest};
use tonic::{Code, Status};

use crate::harness::{
    ACME, APP, Answer, Caller, OPERATOR, OTHER_APP, OTHER_CALLER, OWNER, Router, chat, gpt, refused,
};
use crate::on_both_databases;

on_both_databases!(
    callers_that_may_see_an_attempt_get_it,
    a_caller_does_not_see_the_attempts_of_others,
    an_attempt_is_found_in_its_own_workspace_only,
    a_missing_attempt_is_not_found,
    a_malformed_name_is_refused,
    another_workspaces_caller_is_refused,
    getting_an_attempt_without_the_database_is_unavailable,
);

async fn attempt(router: &Router) -> Attempt {
    router.provider.returns(Answer::json(200, &chat::whole()));
    let response = router.generate(gpt()).await.unwrap();
    response.attempts[0].clone()
}

async fn get(router: &Router, caller: Caller, name: &str) -> Result<Attempt, Status> {
    let request = GetAttemptRequest {
        name: name.to_owned(),
    };
    let got = router.usage(caller).get_attempt(request).await;
    got.map(tonic::Response::into_inner)
}

async fn callers_that_may_see_an_attempt_get_it(router: Router) {
    let made = attempt(&router).await;
    for caller in [APP, OWNER, OPERATOR] {
        assert_eq!(get(&router, caller, &made.name).await.unwrap(), made);
    }
}

async fn a_caller_does_not_see_the_attempts_of_others(router: Router) {
    let made = attempt(&router).await;
    let outcome = get(&router, OTHER_APP, &made.name).await;
    refused(outcome, Code::NotFound, "ATTEMPT_NOT_FOUND");
}

async fn an_attempt_is_found_in_its_own_workspace_only(router: Router) {
    let made = attempt(&router).await;
    let elsewhere = made.name.replace(ACME, "workspaces/other");
    let outcome = get(&router, OPERATOR, &elsewhere).await;
    refused(outcome, Code::NotFound, "ATTEMPT_NOT_FOUND");
}

async fn a_missing_attempt_is_not_found(router: Router) {
    let name = format!("{ACME}/attempts/019aa5b1-0000-7000-8000-000000000000");
    refused(
        get(&router, OWNER, &name).await,
        Code::NotFound,
        "ATTEMPT_NOT_FOUND",
    );
}

async fn a_malformed_name_is_refused(router: Router) {
    let made = attempt(&router).await;
    let (_, id) = made.name.rsplit_once('/').unwrap();
    for name in [
        String::new(),
        ACME.to_owned(),
        format!("{ACME}/attempts/"),
        format!("{ACME}/attempts/1"),
        format!("{ACME}/projects/web/attempts/{id}"),
        format!("acme/attempts/{id}"),
    ] {
        let outcome = get(&router, OWNER, &name).await;
        let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, ["name"], "{name}");
    }
}

async fn another_workspaces_caller_is_refused(router: Router) {
    let made = attempt(&router).await;
    let outcome = get(&router, OTHER_CALLER, &made.name).await;
    let there = refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    let missing = format!("{ACME}/attempts/019aa5b1-0000-7000-8000-000000000000");
    let outcome = get(&router, OTHER_CALLER, &missing).await;
    let nowhere = refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
    assert_eq!(there.message, nowhere.message);
}

async fn getting_an_attempt_without_the_database_is_unavailable(router: Router) {
    let made = attempt(&router).await;
    get(&router, OWNER, &made.name).await.unwrap();
    router.take_database_away().await;
    let outcome = get(&router, OWNER, &made.name).await;
    let refusal = refused(outcome, Code::Unavailable, "DATABASE_UNAVAILABLE");
    assert!(refusal.retry_after.is_some());
}
