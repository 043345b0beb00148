//! Members: how long what the vault says of them is kept.

use latchkey_contract::Reason;
use latchkey_contract::vault::v1::member::Role;
use latchkey_contract::vault::v1::{LookUpMemberRequest, LookUpMemberResponse, ScopeRevision};

use super::super::members::MAX_MEMBERS;
use super::fixture::Asking;
use super::*;
use crate::domain::member::MemberRole;

const ADA: &str = "token:ada";
const OTHER: &str = "workspaces/other";

/// A role in a workspace, read at a revision of it.
fn told(workspace: &str, role: Role, revision: i64) -> LookUpMemberResponse {
    let scope = workspace.to_owned();
    LookUpMemberResponse {
        role: role.into(),
        revision: Some(ScopeRevision { scope, revision }),
    }
}

async fn role(asking: Asking) -> Option<MemberRole> {
    asking.await.unwrap().unwrap()
}

async fn unavailable(asking: Asking) {
    let outcome = asking.await.unwrap();
    assert!(
        matches!(outcome, Err(RouterError::VaultUnavailable)),
        "{outcome:?}"
    );
}

impl Fixture {
    /// Asks for ada in acme and has the vault answer.
    async fn learn(&mut self, answer: LookUpMemberResponse) -> Option<MemberRole> {
        let asking = self.ask_for_member(ACME, ADA);
        self.look_up().await.answer(answer);
        role(asking).await
    }

    /// What is known already.
    async fn knows(&mut self, identity: &str) -> Option<MemberRole> {
        let role = role(self.ask_for_member(ACME, identity)).await;
        assert!(!self.was_asked_for_member());
        role
    }
}

#[tokio::test]
async fn the_question_names_the_workspace_and_the_identity() {
    let mut fixture = Fixture::router_session().await;
    let asking = fixture.ask_for_member(ACME, ADA);
    let question = fixture.look_up().await;
    let expected = LookUpMemberRequest {
        router_session: "s1".to_owned(),
        workspace: ACME.to_owned(),
        identity: ADA.to_owned(),
    };
    assert_eq!(question.request, expected);
    question.answer(told(ACME, Role::Owner, 5));
    assert_eq!(role(asking).await, Some(MemberRole::Owner));
}

#[tokio::test]
async fn every_role_is_kept_and_so_is_that_there_is_none() {
    for (said, kept) in [
        (Role::Owner, Some(MemberRole::Owner)),
        (Role::Member, Some(MemberRole::Member)),
        (Role::Caller, Some(MemberRole::Caller)),
        (Role::Unspecified, None),
    ] {
        let mut fixture = Fixture::router_session().await;
        assert_eq!(fixture.learn(told(ACME, said, 5)).await, kept);
        assert_eq!(fixture.knows(ADA).await, kept);
    }
}

#[tokio::test]
async fn another_workspace_and_another_identity_are_other_questions() {
    let mut fixture = Fixture::router_session().await;
    fixture.learn(told(ACME, Role::Owner, 5)).await;
    for (workspace, identity) in [(ACME, "token:adam"), (OTHER, ADA)] {
        let asking = fixture.ask_for_member(workspace, identity);
        let question = fixture.look_up().await;
        question.answer(told(workspace, Role::Unspecified, 5));
        assert_eq!(role(asking).await, None);
    }
    assert_eq!(fixture.knows(ADA).await, Some(MemberRole::Owner));
}

#[tokio::test]
async fn an_invalidation_of_the_workspace_alone_takes_an_answer_back() {
    let mut fixture = Fixture::router_session().await;
    fixture.learn(told(ACME, Role::Owner, 5)).await;
    for other in ["platform", OTHER] {
        fixture.keys.invalidate(&scope(other), 8, &[]);
        assert_eq!(fixture.knows(ADA).await, Some(MemberRole::Owner));
    }
    fixture.keys.invalidate(&scope(ACME), 6, &[]);
    let again = fixture.learn(told(ACME, Role::Caller, 6)).await;
    assert_eq!(again, Some(MemberRole::Caller));
}

#[tokio::test]
async fn an_answer_that_an_invalidation_overtook_is_asked_for_again() {
    let mut fixture = Fixture::router_session().await;
    let asking = fixture.ask_for_member(ACME, ADA);
    let question = fixture.look_up().await;
    fixture.keys.invalidate(&scope(ACME), 6, &[]);
    question.answer(told(ACME, Role::Owner, 5));
    let question = fixture.look_up().await;
    question.answer(told(ACME, Role::Unspecified, 6));
    assert_eq!(role(asking).await, None);
}

#[tokio::test]
async fn an_answer_that_is_overtaken_again_and_again_is_given_up() {
    let mut fixture = Fixture::router_session().await;
    fixture.keys.invalidate(&scope(ACME), 6, &[]);
    let asking = fixture.ask_for_member(ACME, ADA);
    for _ in 0..MAX_OVERTAKEN {
        fixture.look_up().await.answer(told(ACME, Role::Owner, 5));
    }
    unavailable(asking).await;
}

#[tokio::test]
async fn an_answer_of_a_session_that_ended_is_not_kept() {
    let mut fixture = Fixture::router_session().await;
    let asking = fixture.ask_for_member(ACME, ADA);
    let question = fixture.look_up().await;
    fixture.begin_session("s2");
    question.answer(told(ACME, Role::Owner, 5));
    let question = fixture.look_up().await;
    assert_eq!(question.request.router_session, "s2");
    question.answer(told(ACME, Role::Caller, 5));
    assert_eq!(role(asking).await, Some(MemberRole::Caller));
}

#[tokio::test]
async fn a_lost_session_leaves_its_answers_until_they_lapse() {
    let mut fixture = Fixture::router_session().await;
    fixture.learn(told(ACME, Role::Member, 5)).await;
    fixture.keys.lose_session();
    let almost = FRESHNESS.checked_sub(MICROSECOND).unwrap();
    fixture.clock.advance(almost);
    assert_eq!(fixture.knows(ADA).await, Some(MemberRole::Member));
    fixture.clock.advance(MICROSECOND);
    unavailable(fixture.ask_for_member(ACME, ADA)).await;
    assert!(!fixture.was_asked_for_member());
}

#[tokio::test]
async fn an_ended_or_a_new_session_drops_all_answers() {
    let mut fixture = Fixture::router_session().await;
    fixture.learn(told(ACME, Role::Member, 5)).await;
    fixture.keys.end_session();
    unavailable(fixture.ask_for_member(ACME, ADA)).await;
    fixture.begin_session("s2");
    fixture.learn(told(ACME, Role::Member, 5)).await;
    fixture.begin_session("s3");
    fixture.learn(told(ACME, Role::Member, 5)).await;
}

#[tokio::test]
async fn a_workspace_that_does_not_exist_has_no_members_and_is_asked_for_again() {
    let mut fixture = Fixture::router_session().await;
    for _ in 0..2 {
        let asking = fixture.ask_for_member(ACME, ADA);
        let refusal = Refusal::new(Reason::WorkspaceNotFound, "nowhere");
        let question = fixture.look_up().await;
        question.refuse(refusal.into_status("vault.latchkey"));
        assert_eq!(role(asking).await, None);
    }
}

#[tokio::test]
async fn what_cant_be_known_is_no_answer() {
    let unknown = Refusal::new(Reason::RouterSessionUnknown, "who?");
    for status in [
        Status::unavailable("down"),
        unknown.into_status("vault.latchkey"),
    ] {
        let mut fixture = Fixture::router_session().await;
        let asking = fixture.ask_for_member(ACME, ADA);
        fixture.look_up().await.refuse(status);
        unavailable(asking).await;
    }
    let mut fixture = Fixture::router_session().await;
    let asking = fixture.ask_for_member(ACME, ADA);
    let refusal = Refusal::new(Reason::Integrity, "integrity check failed");
    let question = fixture.look_up().await;
    question.refuse(refusal.into_status("vault.latchkey"));
    let outcome = asking.await.unwrap();
    let Err(RouterError::Refused(refusal)) = outcome else {
        panic!("it is not the vault's refusal: {outcome:?}");
    };
    assert_eq!(refusal.reason, Reason::Integrity);
}

#[tokio::test]
async fn an_answer_that_nothing_could_take_back_is_not_used() {
    for revision in [None, Some((OTHER, 5)), Some(("platform", 5)), Some(("", 5))] {
        let mut fixture = Fixture::router_session().await;
        let asking = fixture.ask_for_member(ACME, ADA);
        let mut answer = told(ACME, Role::Owner, 5);
        answer.revision = revision.map(|(scope, revision)| ScopeRevision {
            scope: scope.to_owned(),
            revision,
        });
        fixture.look_up().await.answer(answer);
        unavailable(asking).await;
    }
}

#[tokio::test]
async fn those_who_ask_for_the_same_at_once_share_one_question() {
    let mut fixture = Fixture::router_session().await;
    let all: Vec<_> = (0..10).map(|_| fixture.ask_for_member(ACME, ADA)).collect();
    fixture.look_up().await.answer(told(ACME, Role::Owner, 5));
    for asking in all {
        assert_eq!(role(asking).await, Some(MemberRole::Owner));
    }
    assert!(!fixture.was_asked_for_member());
    assert!(fixture.keys.member_turns.is_empty());
}

#[tokio::test]
async fn strangers_make_room_before_members_do() {
    let mut fixture = Fixture::router_session().await;
    fixture.learn(told(ACME, Role::Owner, 5)).await;
    let session = fixture.keys.session().unwrap();
    let acme = ACME.parse().unwrap();
    let keep = |number: usize, role| {
        let identity = format!("token:{number}").into();
        let answer = told(ACME, role, 5);
        let kept = fixture
            .keys
            .keep_member(&acme, &identity, Arc::clone(&session), &answer);
        assert!(kept.unwrap().is_some());
    };
    for number in 1..=MAX_MEMBERS {
        keep(number, Role::Unspecified);
    }
    assert_eq!(fixture.knows(ADA).await, Some(MemberRole::Owner));
    assert_eq!(fixture.knows("token:16384").await, None);
    // The strangers before the last one are asked for again.
    let asking = fixture.ask_for_member(ACME, "token:1");
    let question = fixture.look_up().await;
    question.answer(told(ACME, Role::Unspecified, 5));
    role(asking).await;

    // Members go too when there are too many of them.
    for number in 1..=MAX_MEMBERS {
        let identity = format!("token:{number}").into();
        let answer = told(ACME, Role::Caller, 5);
        let session = Arc::clone(&session);
        let kept = fixture.keys.keep_member(&acme, &identity, session, &answer);
        assert!(kept.unwrap().is_some());
    }
    fixture.learn(told(ACME, Role::Owner, 5)).await;
}
