//! Callers with a role by a membership, which the router looks up in the vault.

use std::time::Duration;

use latchkey_contract::router::v1::{CountTokensRequest, ListAttemptsRequest, ListModelsRequest};
use latchkey_contract::vault::v1::member::Role;
use latchkey_migrations::testing::Backend;
use latchkey_rpc::refusal::Refusal;
use tonic::{Code, Status};

use crate::harness::{
    ACME, ADA, APP, Answer, BOB, BOT, Caller, FRESHNESS, OTHER_CALLER, Router, WITHOUT_ROLE, chat,
    gpt, membership, on, own, refused,
};

const MEMBERS: &[(Caller, Role)] = &[(ADA, Role::Owner), (BOB, Role::Member), (BOT, Role::Caller)];

async fn router() -> Router {
    let router = Router::start(Backend::Sqlite).await;
    router.provider.returns(Answer::json(200, &chat::whole()));
    router.vault_grants([own("main")]);
    router.vault.has_members(1, MEMBERS);
    router
}

async fn generate(router: &Router, caller: Caller) -> Result<(), Status> {
    router.generate_as(caller, gpt()).await.map(drop)
}

#[track_caller]
fn denied(outcome: Result<(), Status>) {
    refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
}

fn attempts_of_acme() -> ListAttemptsRequest {
    ListAttemptsRequest {
        parent: ACME.to_owned(),
        ..ListAttemptsRequest::default()
    }
}

/// The requesters of the attempts that the caller can list.
async fn visible_requesters(router: &Router, caller: Caller) -> Vec<String> {
    let listed = router.usage(caller).list_attempts(attempts_of_acme()).await;
    let attempts = listed.unwrap().into_inner().attempts;
    let mut requesters: Vec<_> = attempts
        .into_iter()
        .map(|attempt| attempt.requester)
        .collect();
    requesters.sort_unstable();
    requesters
}

#[tokio::test]
async fn members_use_the_keys_of_their_workspace() {
    let router = router().await;
    for caller in [ADA, BOB, BOT] {
        generate(&router, caller).await.unwrap();
    }
    let requesters = visible_requesters(&router, ADA).await;
    assert_eq!(requesters, ["token:ada", "token:bob", "token:bot"]);
}

#[tokio::test]
async fn a_caller_without_a_membership_is_refused_before_any_call() {
    let router = router().await;
    for caller in [WITHOUT_ROLE, OTHER_CALLER] {
        denied(generate(&router, caller).await);
    }
    assert!(router.vault.queries().is_empty());
    assert!(router.provider.calls().is_empty());
    let look_ups = router.vault.look_ups();
    assert_eq!(look_ups.len(), 2);
    assert_eq!(
        (&*look_ups[0].router_session, &*look_ups[0].workspace),
        ("s1", ACME)
    );
    assert_eq!(look_ups[0].identity, WITHOUT_ROLE.requester());
}

#[tokio::test]
async fn a_grant_in_the_configuration_needs_no_look_up() {
    let mut router = router().await;
    generate(&router, APP).await.unwrap();
    router.vault.stop().await;
    generate(&router, APP).await.unwrap();
    router.vault.start_again();
    router.vault.has_session(2).await;
    assert!(router.vault.look_ups().is_empty());
}

#[tokio::test]
async fn a_look_up_is_cached_for_members_and_for_others() {
    let router = router().await;
    for _ in 0..3 {
        generate(&router, BOB).await.unwrap();
        denied(generate(&router, WITHOUT_ROLE).await);
    }
    assert_eq!(router.vault.look_ups().len(), 2);
    assert_eq!(router.vault.queries().len(), 1);
}

#[tokio::test]
async fn the_look_up_of_an_unknown_workspace_is_not_cached() {
    let router = router().await;
    for _ in 0..2 {
        let elsewhere = on("workspaces/elsewhere", gpt());
        denied(router.generate_as(BOB, elsewhere).await.map(drop));
    }
    assert_eq!(router.vault.look_ups().len(), 2);
}

#[tokio::test]
async fn a_refusal_does_not_reveal_whether_the_workspace_exists() {
    let router = router().await;
    let mut messages = std::collections::BTreeSet::new();
    for parent in [ACME, "workspaces/elsewhere"] {
        let outcome = router.generate_as(WITHOUT_ROLE, on(parent, gpt())).await;
        let refusal = refused(outcome, Code::PermissionDenied, "PERMISSION_DENIED");
        messages.insert(format!("{refusal:?}"));
    }
    assert_eq!(messages.len(), 1);
}

#[tokio::test]
async fn a_caller_without_any_role_gets_no_validation_error() {
    let router = router().await;
    let request = CountTokensRequest { request: None };
    let mut client = router.inference(WITHOUT_ROLE);
    denied(client.count_tokens(request).await.map(drop));
    let request = ListModelsRequest {
        parent: "acme".to_owned(),
        ..ListModelsRequest::default()
    };
    denied(client.list_models(request).await.map(drop));
    // A caller with a role in any workspace gets the validation error.
    let request = CountTokensRequest { request: None };
    let outcome = router.inference(OTHER_CALLER).count_tokens(request).await;
    refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert!(router.vault.look_ups().is_empty());
}

#[tokio::test]
async fn a_removed_member_is_refused_after_the_acknowledgement() {
    let router = router().await;
    generate(&router, BOB).await.unwrap();
    router.vault.has_members(2, &[(ADA, Role::Owner)]);
    router.vault.invalidates(ACME, 2, &[]);
    let confirmed = |received: &crate::harness::Received| !received.acknowledgements.is_empty();
    router.vault.receives(confirmed).await;
    let calls = router.provider.calls().len();
    denied(generate(&router, BOB).await);
    assert_eq!(router.provider.calls().len(), calls);
    assert_eq!(router.vault.look_ups().len(), 2);
}

#[tokio::test]
async fn a_new_member_is_admitted_after_the_acknowledgement() {
    let router = router().await;
    denied(generate(&router, WITHOUT_ROLE).await);
    router.vault.has_members(2, &[(WITHOUT_ROLE, Role::Caller)]);
    router.vault.invalidates(ACME, 2, &[]);
    let confirmed = |received: &crate::harness::Received| !received.acknowledgements.is_empty();
    router.vault.receives(confirmed).await;
    generate(&router, WITHOUT_ROLE).await.unwrap();
}

#[tokio::test]
async fn a_cached_membership_lasts_for_the_freshness_without_the_vault() {
    let mut router = router().await;
    generate(&router, BOB).await.unwrap();
    denied(generate(&router, WITHOUT_ROLE).await);
    router.vault.stop().await;
    let almost = FRESHNESS.checked_sub(Duration::from_micros(1)).unwrap();
    router.clock.advance(almost);
    generate(&router, BOB).await.unwrap();
    denied(generate(&router, WITHOUT_ROLE).await);
    // A caller without a cached look-up is neither admitted nor denied.
    let outcome = generate(&router, ADA).await;
    refused(outcome, Code::Unavailable, "VAULT_UNAVAILABLE");
    router.clock.advance(Duration::from_micros(1));
    for caller in [BOB, WITHOUT_ROLE] {
        let outcome = generate(&router, caller).await;
        refused(outcome, Code::Unavailable, "VAULT_UNAVAILABLE");
    }

    router.vault.start_again();
    router.vault.has_session(2).await;
    generate(&router, BOB).await.unwrap();
    assert_eq!(router.vault.look_ups().last().unwrap().router_session, "s2");
}

#[tokio::test]
async fn memberships_are_dropped_when_the_vault_fences_the_router() {
    let router = router().await;
    generate(&router, BOB).await.unwrap();
    router.vault.rejects_sessions();
    router.vault.ends_session(Status::aborted("fenced"));
    router
        .vault
        .receives(|received| received.rejected > 0)
        .await;
    let outcome = generate(&router, BOB).await;
    refused(outcome, Code::Unavailable, "VAULT_UNAVAILABLE");
}

#[tokio::test]
async fn a_membership_that_fails_its_integrity_check_admits_no_caller() {
    let router = router().await;
    let refusal = Refusal::new(
        latchkey_contract::Reason::Integrity,
        "integrity check failed",
    );
    let damaged = refusal.into_status("vault.latchkey");
    router.vault.looks_up(move |_| Err(damaged.clone()));
    let outcome = generate(&router, BOB).await;
    refused(outcome, Code::DataLoss, "INTEGRITY");
    assert!(router.provider.calls().is_empty());
}

#[tokio::test]
async fn an_unknown_role_or_a_missing_revision_admits_no_caller() {
    let router = router().await;
    router.vault.looks_up(|_| {
        let mut answer = membership(ACME, Role::Owner, 1);
        answer.role = 17;
        Ok(answer)
    });
    denied(generate(&router, BOB).await);
    router.vault.looks_up(|_| {
        let mut answer = membership(ACME, Role::Owner, 1);
        answer.revision = None;
        Ok(answer)
    });
    let outcome = generate(&router, ADA).await;
    refused(outcome, Code::Unavailable, "VAULT_UNAVAILABLE");
}

#[tokio::test]
async fn an_owner_sees_all_usage_and_other_members_their_own() {
    let router = router().await;
    for caller in [APP, ADA, BOB, BOT] {
        generate(&router, caller).await.unwrap();
    }
    let all = ["token:ada", "token:app", "token:bob", "token:bot"];
    assert_eq!(visible_requesters(&router, ADA).await, all);
    for caller in [APP, BOB, BOT] {
        assert_eq!(
            visible_requesters(&router, caller).await,
            [caller.requester()]
        );
    }
}

#[tokio::test]
async fn a_configured_caller_sees_all_usage_where_it_is_a_member_with_the_role_owner() {
    let mut router = router().await;
    router.vault.has_members(1, &[(APP, Role::Owner)]);
    generate(&router, APP).await.unwrap();
    generate(&router, crate::harness::OTHER_APP).await.unwrap();
    assert_eq!(
        visible_requesters(&router, APP).await,
        ["token:app", "token:other-app"]
    );
    // Without the vault, it is not known which workspace has the name.
    router.vault.stop().await;
    router.clock.advance(FRESHNESS);
    let outcome = router.usage(APP).list_attempts(attempts_of_acme()).await;
    refused(outcome, Code::Unavailable, "VAULT_UNAVAILABLE");
}
