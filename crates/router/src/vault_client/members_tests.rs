//! The cache of memberships.

use std::sync::Arc;
use std::time::Duration;

use latchkey_contract::Reason;
use latchkey_contract::uid::WorkspaceUid;
use latchkey_contract::vault::v1::member::Role;
use latchkey_contract::vault::v1::{LookUpMemberRequest, LookUpMemberResponse, ScopeRevision};

use latchkey_rpc::refusal::Refusal;
use tonic::Status;

use super::MAX_OVERTAKEN;
use super::members::MAX_MEMBERS;
use super::testing::{FRESHNESS, Fixture, PendingLookup, workspace_uid};
use crate::domain::member::MemberRole;
use crate::error::RouterError;

const ACME: &str = "workspaces/acme";

const ADA: &str = "token:ada";
const OTHER: &str = "workspaces/other";
const MICROSECOND: Duration = Duration::from_micros(1);

fn scope(name: &str) -> WorkspaceUid {
    workspace_uid(name)
}

/// A role in a workspace, read at a revision of it.
fn role_at(workspace: &str, role: Role, revision: i64) -> LookUpMemberResponse {
    let workspace_uid = workspace_uid(workspace).to_string();
    LookUpMemberResponse {
        role: role.into(),
        revision: Some(ScopeRevision {
            workspace_uid,
            revision,
        }),
    }
}

async fn role(pending: PendingLookup) -> Option<MemberRole> {
    pending.await.unwrap().unwrap()
}

async fn unavailable(pending: PendingLookup) {
    let outcome = pending.await.unwrap();
    assert!(
        matches!(outcome, Err(RouterError::VaultUnavailable)),
        "{outcome:?}"
    );
}

impl Fixture {
    /// Looks up ada in acme, and answers the request.
    async fn learn(&mut self, answer: LookUpMemberResponse) -> Option<MemberRole> {
        let pending = self.start_lookup(ACME, ADA);
        self.next_lookup().await.answer(answer);
        role(pending).await
    }

    /// Looks up a cached member.
    async fn knows(&mut self, identity: &str) -> Option<MemberRole> {
        let role = role(self.start_lookup(ACME, identity)).await;
        assert!(!self.has_lookup());
        role
    }
}

#[tokio::test]
async fn a_lookup_names_the_workspace_and_the_identity() {
    let mut fixture = Fixture::in_session().await;
    let pending = fixture.start_lookup(ACME, ADA);
    let received = fixture.next_lookup().await;
    let expected = LookUpMemberRequest {
        router_session: "s1".to_owned(),
        workspace: ACME.to_owned(),
        identity: ADA.to_owned(),
    };
    assert_eq!(received.request, expected);
    received.answer(role_at(ACME, Role::Owner, 5));
    assert_eq!(role(pending).await, Some(MemberRole::Owner));
}

#[tokio::test]
async fn every_role_and_its_absence_are_cached() {
    for (answered, cached) in [
        (Role::Owner, Some(MemberRole::Owner)),
        (Role::Member, Some(MemberRole::Member)),
        (Role::Caller, Some(MemberRole::Caller)),
        (Role::Unspecified, None),
    ] {
        let mut fixture = Fixture::in_session().await;
        assert_eq!(fixture.learn(role_at(ACME, answered, 5)).await, cached);
        assert_eq!(fixture.knows(ADA).await, cached);
    }
}

#[tokio::test]
async fn another_workspace_or_identity_is_looked_up_separately() {
    let mut fixture = Fixture::in_session().await;
    fixture.learn(role_at(ACME, Role::Owner, 5)).await;
    for (workspace, identity) in [(ACME, "token:adam"), (OTHER, ADA)] {
        let pending = fixture.start_lookup(workspace, identity);
        let received = fixture.next_lookup().await;
        received.answer(role_at(workspace, Role::Unspecified, 5));
        assert_eq!(role(pending).await, None);
    }
    assert_eq!(fixture.knows(ADA).await, Some(MemberRole::Owner));
}

#[tokio::test]
async fn only_an_invalidation_of_the_workspace_drops_an_answer() {
    let mut fixture = Fixture::in_session().await;
    fixture.learn(role_at(ACME, Role::Owner, 5)).await;
    for other in ["platform", OTHER] {
        fixture.vault.invalidate(scope(other), 8);
        assert_eq!(fixture.knows(ADA).await, Some(MemberRole::Owner));
    }
    fixture.vault.invalidate(scope(ACME), 6);
    let again = fixture.learn(role_at(ACME, Role::Caller, 6)).await;
    assert_eq!(again, Some(MemberRole::Caller));
}

#[tokio::test]
async fn an_answer_older_than_an_invalidation_is_requested_again() {
    let mut fixture = Fixture::in_session().await;
    let pending = fixture.start_lookup(ACME, ADA);
    let received = fixture.next_lookup().await;
    fixture.vault.invalidate(scope(ACME), 6);
    received.answer(role_at(ACME, Role::Owner, 5));
    let received = fixture.next_lookup().await;
    received.answer(role_at(ACME, Role::Unspecified, 6));
    assert_eq!(role(pending).await, None);
}

#[tokio::test]
async fn repeated_invalidations_end_in_vault_unavailable() {
    let mut fixture = Fixture::in_session().await;
    fixture.vault.invalidate(scope(ACME), 6);
    let pending = fixture.start_lookup(ACME, ADA);
    for _ in 0..MAX_OVERTAKEN {
        fixture
            .next_lookup()
            .await
            .answer(role_at(ACME, Role::Owner, 5));
    }
    unavailable(pending).await;
}

#[tokio::test]
async fn an_answer_of_an_ended_session_is_not_cached() {
    let mut fixture = Fixture::in_session().await;
    let pending = fixture.start_lookup(ACME, ADA);
    let received = fixture.next_lookup().await;
    fixture.begin_session("s2");
    received.answer(role_at(ACME, Role::Owner, 5));
    let received = fixture.next_lookup().await;
    assert_eq!(received.request.router_session, "s2");
    received.answer(role_at(ACME, Role::Caller, 5));
    assert_eq!(role(pending).await, Some(MemberRole::Caller));
}

#[tokio::test]
async fn a_lost_session_leaves_its_answers_until_they_lapse() {
    let mut fixture = Fixture::in_session().await;
    fixture.learn(role_at(ACME, Role::Member, 5)).await;
    fixture.vault.lose_session();
    let almost = FRESHNESS.checked_sub(MICROSECOND).unwrap();
    fixture.clock.advance(almost);
    assert_eq!(fixture.knows(ADA).await, Some(MemberRole::Member));
    fixture.clock.advance(MICROSECOND);
    unavailable(fixture.start_lookup(ACME, ADA)).await;
    assert!(!fixture.has_lookup());
}

#[tokio::test]
async fn an_ended_or_a_new_session_drops_all_answers() {
    let mut fixture = Fixture::in_session().await;
    fixture.learn(role_at(ACME, Role::Member, 5)).await;
    fixture.vault.end_session();
    unavailable(fixture.start_lookup(ACME, ADA)).await;
    fixture.begin_session("s2");
    fixture.learn(role_at(ACME, Role::Member, 5)).await;
    fixture.begin_session("s3");
    fixture.learn(role_at(ACME, Role::Member, 5)).await;
}

#[tokio::test]
async fn an_unknown_workspace_has_no_members_and_is_not_cached() {
    let mut fixture = Fixture::in_session().await;
    for _ in 0..2 {
        let pending = fixture.start_lookup(ACME, ADA);
        let refusal = Refusal::new(Reason::WorkspaceNotFound, "nowhere");
        let received = fixture.next_lookup().await;
        received.refuse(refusal.into_status("vault.latchkey"));
        assert_eq!(role(pending).await, None);
    }
}

#[tokio::test]
async fn a_failed_lookup_is_an_error() {
    let unknown = Refusal::new(Reason::RouterSessionUnknown, "who?");
    for status in [
        Status::unavailable("down"),
        unknown.into_status("vault.latchkey"),
    ] {
        let mut fixture = Fixture::in_session().await;
        let pending = fixture.start_lookup(ACME, ADA);
        fixture.next_lookup().await.refuse(status);
        unavailable(pending).await;
    }
    let mut fixture = Fixture::in_session().await;
    let pending = fixture.start_lookup(ACME, ADA);
    let refusal = Refusal::new(Reason::Integrity, "integrity check failed");
    let received = fixture.next_lookup().await;
    received.refuse(refusal.into_status("vault.latchkey"));
    let outcome = pending.await.unwrap();
    let Err(RouterError::Refused(refusal)) = outcome else {
        panic!("it is not the vault's refusal: {outcome:?}");
    };
    assert_eq!(refusal.reason, Reason::Integrity);
}

#[tokio::test]
async fn an_answer_without_the_uid_of_the_workspace_is_not_used() {
    for uid in [None, Some(ACME), Some("")] {
        let mut fixture = Fixture::in_session().await;
        let pending = fixture.start_lookup(ACME, ADA);
        let mut answer = role_at(ACME, Role::Owner, 5);
        answer.revision = uid.map(|uid| ScopeRevision {
            workspace_uid: uid.to_owned(),
            revision: 5,
        });
        fixture.next_lookup().await.answer(answer);
        unavailable(pending).await;
    }
}

#[tokio::test]
async fn concurrent_lookups_of_the_same_member_share_one_call() {
    let mut fixture = Fixture::in_session().await;
    let all: Vec<_> = (0..10).map(|_| fixture.start_lookup(ACME, ADA)).collect();
    fixture
        .next_lookup()
        .await
        .answer(role_at(ACME, Role::Owner, 5));
    for pending in all {
        assert_eq!(role(pending).await, Some(MemberRole::Owner));
    }
    assert!(!fixture.has_lookup());
    assert!(fixture.vault.member_flights.is_empty());
}

#[tokio::test]
async fn identities_without_a_role_are_evicted_before_members() {
    let mut fixture = Fixture::in_session().await;
    fixture.learn(role_at(ACME, Role::Owner, 5)).await;
    let session = fixture.vault.session().unwrap();
    let acme = ACME.parse().unwrap();
    let keep = |number: usize, role| {
        let identity = format!("token:{number}").into();
        let answer = role_at(ACME, role, 5);
        let cached = fixture
            .vault
            .keep_member(&acme, &identity, Arc::clone(&session), &answer);
        assert!(cached.unwrap().is_some());
    };
    for number in 1..=MAX_MEMBERS {
        keep(number, Role::Unspecified);
    }
    assert_eq!(fixture.knows(ADA).await, Some(MemberRole::Owner));
    assert_eq!(fixture.knows("token:16384").await, None);
    // Identities without a role were evicted, except the last one.
    let pending = fixture.start_lookup(ACME, "token:1");
    let received = fixture.next_lookup().await;
    received.answer(role_at(ACME, Role::Unspecified, 5));
    role(pending).await;

    // Members are evicted too when there are too many of them.
    for number in 1..=MAX_MEMBERS {
        let identity = format!("token:{number}").into();
        let answer = role_at(ACME, Role::Caller, 5);
        let session = Arc::clone(&session);
        let cached = fixture
            .vault
            .keep_member(&acme, &identity, session, &answer);
        assert!(cached.unwrap().is_some());
    }
    fixture.learn(role_at(ACME, Role::Owner, 5)).await;
}
