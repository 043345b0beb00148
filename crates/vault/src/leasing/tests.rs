use std::pin::pin;

use futures_util::poll;
use latchkey_clock::{ManualClock, Timestamp};
use latchkey_contract::names::Scope;
use tokio::sync::mpsc::Receiver;
use uuid::Uuid;

use super::*;
use crate::domain::uid::{KeyUid, KeyVersionUid};

const FRESHNESS: Duration = Duration::from_secs(30);
/// Longer than the freshness span, the tolerated pause and the clocks' error together.
const LAPSE: Duration = Duration::from_secs(33);

struct Fixture {
    clock: Arc<ManualClock>,
    leasing: Leasing,
}

impl Fixture {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let leasing = Leasing::new(
            LeasingConfig::default(),
            Arc::clone(&clock) as Arc<dyn Clock>,
        );
        Self { clock, leasing }
    }

    fn connect(&self, id: u128) -> (Arc<RouterSession>, Receiver<RouterMessage>) {
        let id = RouterSessionId(Uuid::from_u128(id));
        let (session, messages) =
            RouterSession::new(id, "token:router".into(), String::new(), Vec::new());
        (self.leasing.connect(session), messages)
    }

    /// A session that depends on the workspace that [`change`] changes.
    fn depending(&self, id: u128) -> (Arc<RouterSession>, Receiver<RouterMessage>) {
        let (session, messages) = self.connect(id);
        session.depend_on(uid(), scope(), 1);
        (session, messages)
    }

    fn leased(&self) -> Vec<u128> {
        let leases = self.leasing.leases().into_keys();
        leases.map(|id| id.0.as_u128()).collect()
    }
}

fn uid() -> WorkspaceUid {
    WorkspaceUid(Uuid::from_u128(7))
}

fn scope() -> RevisionScope {
    "workspaces/w".parse().unwrap()
}

fn version() -> KeyVersionUid {
    KeyVersionUid {
        key: KeyUid(Uuid::from_u128(9)),
        version: 1,
    }
}

/// The workspace of the platform.
const PLATFORM: WorkspaceUid = WorkspaceUid(Uuid::nil());

fn change(revision: u64) -> Committed {
    let revoked = vec![version()];
    Committed {
        workspace: uid(),
        scope: Some(scope()),
        revision,
        revoked,
        in_progress: None,
    }
}

fn lease(key_version: &str, workspace: WorkspaceUid) -> LeaseRecord {
    LeaseRecord {
        key_version: key_version.parse().unwrap(),
        key_version_uid: version(),
        scope: "workspaces/w".parse::<Scope>().unwrap(),
        create_time: Timestamp::UNIX_EPOCH,
        revisions: vec![(workspace, 1), (PLATFORM, 1)],
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_is_answered_once_every_session_has_confirmed_it() {
    let fixture = Fixture::new();
    let (first, _messages) = fixture.depending(1);
    let (second, _other_messages) = fixture.depending(2);
    let mut telling = pin!(fixture.leasing.propagate(change(2)));
    assert!(poll!(&mut telling).is_pending());
    first.acknowledge(uid(), 2, 3);
    assert!(poll!(&mut telling).is_pending());
    fixture.clock.advance(Duration::from_millis(20));
    second.acknowledge(uid(), 2, 4);
    let expected = Propagation {
        revision: 2,
        acknowledged: 2,
        fenced: 0,
        in_flight: 7,
        elapsed: Duration::from_millis(20),
    };
    assert_eq!(telling.await, expected);
}

#[test]
fn a_first_dependency_must_be_read_again() {
    let fixture = Fixture::new();
    let (session, _messages) = fixture.connect(1);
    assert!(!session.depend_on(uid(), scope(), 1));
    assert!(session.depend_on(uid(), scope(), 2));
    // The older revision stays: a change in between must still be sent.
    assert_eq!(session.dependencies()[&uid()].1, 1);
}

#[test]
fn a_workspace_that_was_read_before_a_known_change_must_be_read_again() {
    let fixture = Fixture::new();
    let (session, _messages) = fixture.connect(1);
    assert!(!session.depend_on(uid(), scope(), 6));
    // Another call registered revision 6, which is not sent any more.
    assert!(!session.depend_on(uid(), scope(), 5));
    assert!(session.depend_on(uid(), scope(), 6));
}

#[tokio::test(start_paused = true)]
async fn a_confirmation_that_comes_late_does_not_take_back_a_later_one() {
    let fixture = Fixture::new();
    let (session, _messages) = fixture.depending(1);
    session.acknowledge(uid(), 6, 0);
    session.acknowledge(uid(), 5, 0);
    assert_eq!(fixture.leasing.propagate(change(6)).await.acknowledged, 1);
}

#[test]
fn a_later_revision_may_hide_a_change_of_this_vault() {
    let fixture = Fixture::new();
    let (_session, mut messages) = fixture.depending(1);
    let leasing = &fixture.leasing;
    let _in_progress = leasing.changes().begin(uid(), 2);
    // Another replica committed revision 3.
    assert!(!heads::relay(leasing, &leasing.dependencies(), uid(), 3));
    assert!(messages.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_session_is_sent_the_revoked_versions() {
    let fixture = Fixture::new();
    let (_session, mut messages) = fixture.depending(1);
    assert!(poll!(pin!(fixture.leasing.propagate(change(2)))).is_pending());
    let Some(RouterMessage::Invalidate {
        workspace,
        scope: invalidated,
        revision,
        revoked,
    }) = messages.recv().await
    else {
        panic!("it was sent another message")
    };
    assert_eq!(
        (workspace, invalidated, revision, revoked),
        (uid(), scope(), 2, vec![version()])
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_session_is_fenced_when_it_has_lapsed() {
    let fixture = Fixture::new();
    let (session, _messages) = fixture.depending(1);
    let mut telling = pin!(fixture.leasing.propagate(change(2)));
    assert!(poll!(&mut telling).is_pending());
    fixture.clock.advance(LAPSE);
    let propagation = telling.await;
    assert_eq!((propagation.acknowledged, propagation.fenced), (0, 1));
    assert_eq!(propagation.elapsed, LAPSE);
    assert!(session.ended().is_cancelled());
    let gone = fixture.leasing.session(session.id, "token:router");
    assert_eq!(gone.err(), Some(RouterSessionError::Unknown));
}

#[tokio::test(start_paused = true)]
async fn a_session_does_not_lapse_within_the_span_it_was_given() {
    let fixture = Fixture::new();
    let (session, _messages) = fixture.depending(1);
    fixture.clock.advance(FRESHNESS);
    assert!(fixture.leasing.note_keep_alive(&session));
    let mut telling = pin!(fixture.leasing.propagate(change(2)));
    fixture.clock.advance(FRESHNESS);
    assert!(poll!(&mut telling).is_pending());
    session.acknowledge(uid(), 2, 0);
    assert_eq!(telling.await.acknowledged, 1);
}

#[tokio::test(start_paused = true)]
async fn a_fenced_session_is_given_no_more_time() {
    let fixture = Fixture::new();
    let (session, _messages) = fixture.depending(1);
    fixture.clock.advance(LAPSE);
    assert_eq!(fixture.leasing.propagate(change(2)).await.fenced, 1);
    assert!(!fixture.leasing.note_keep_alive(&session));
}

#[tokio::test(start_paused = true)]
async fn a_detached_session_counts_until_it_lapses() {
    let fixture = Fixture::new();
    let (session, messages) = fixture.depending(1);
    drop(messages);
    fixture.leasing.disconnect(&session);
    let mut telling = pin!(fixture.leasing.propagate(change(2)));
    fixture.clock.advance(FRESHNESS);
    assert!(poll!(&mut telling).is_pending());
    fixture.clock.advance(Duration::from_secs(3));
    assert_eq!(telling.await.fenced, 1);
}

#[tokio::test(start_paused = true)]
async fn a_change_does_not_wait_for_a_session_that_left() {
    let fixture = Fixture::new();
    let (session, _messages) = fixture.depending(1);
    fixture.leasing.leave(&session);
    let propagation = fixture.leasing.propagate(change(2)).await;
    assert_eq!((propagation.acknowledged, propagation.fenced), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_does_not_depend_on_the_workspace_gets_no_message() {
    let fixture = Fixture::new();
    let (session, mut messages) = fixture.connect(1);
    let other = "workspaces/other".parse().unwrap();
    session.depend_on(WorkspaceUid(Uuid::from_u128(8)), other, 1);
    let propagation = fixture.leasing.propagate(change(2)).await;
    assert_eq!((propagation.acknowledged, propagation.fenced), (0, 0));
    assert!(messages.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn confirming_an_earlier_revision_is_not_enough_and_a_later_one_is() {
    let fixture = Fixture::new();
    let (session, _messages) = fixture.depending(1);
    let mut telling = pin!(fixture.leasing.propagate(change(3)));
    session.acknowledge(uid(), 2, 0);
    assert!(poll!(&mut telling).is_pending());
    session.acknowledge(PLATFORM, 9, 0);
    assert!(poll!(&mut telling).is_pending());
    session.acknowledge(uid(), 4, 0);
    assert_eq!(telling.await.acknowledged, 1);
}

#[tokio::test(start_paused = true)]
async fn a_router_that_does_not_keep_up_is_detached() {
    let fixture = Fixture::new();
    let (session, messages) = fixture.depending(1);
    let mut revision = 1;
    while session.is_connected() {
        revision += 1;
        fixture.leasing.relay(uid(), &scope(), revision);
        assert!(revision < 10_000, "the queue has no end");
    }
    assert!(session.ended().is_cancelled());
    drop(messages);
}

#[test]
fn the_time_that_is_left_shrinks_with_the_age_of_the_last_read() {
    let fixture = Fixture::new();
    let read = || *fixture.leasing.current_since.lock().unwrap() = Some(fixture.clock.boottime());
    assert_eq!(fixture.leasing.remaining(), Duration::ZERO);
    read();
    assert_eq!(fixture.leasing.remaining(), FRESHNESS);
    fixture.clock.advance(Duration::from_secs(10));
    assert_eq!(fixture.leasing.remaining(), Duration::from_secs(20));
    fixture.clock.advance(FRESHNESS);
    assert_eq!(fixture.leasing.remaining(), Duration::ZERO);
    read();
    assert_eq!(fixture.leasing.remaining(), FRESHNESS);
}

#[test]
fn lapsed_sessions_are_forgotten_with_their_leases() {
    let fixture = Fixture::new();
    let (old, _messages) = fixture.connect(1);
    let held = lease("workspaces/w/keys/k/versions/1", uid());
    old.lease(LeaseId(Uuid::from_u128(1)), held);
    fixture.clock.advance(LAPSE);
    let (young, _other_messages) = fixture.connect(2);
    fixture.leasing.sweep();
    assert!(fixture.leasing.leases().is_empty());
    assert!(fixture.leasing.session(young.id, "token:router").is_ok());
    assert!(fixture.leasing.session(old.id, "token:router").is_err());
}

#[test]
fn confirming_a_change_ends_the_leases_that_depend_on_its_scope_alone() {
    let fixture = Fixture::new();
    let (session, _messages) = fixture.depending(1);
    let other = WorkspaceUid(Uuid::from_u128(8));
    for (id, version, workspace) in [
        (1, "workspaces/w/keys/k/versions/1", uid()),
        (2, "platform/keys/p/versions/1", uid()),
        (3, "platform/keys/p/versions/1", other),
    ] {
        session.lease(LeaseId(Uuid::from_u128(id)), lease(version, workspace));
    }
    session.acknowledge(uid(), 2, 0);
    assert_eq!(fixture.leased(), [3]);
    session.acknowledge(PLATFORM, 2, 0);
    assert!(fixture.leased().is_empty());
}

#[test]
fn confirming_a_change_leaves_the_leases_that_were_granted_after_it() {
    let fixture = Fixture::new();
    let (session, _messages) = fixture.depending(1);
    let before = lease("workspaces/w/keys/k/versions/1", uid());
    let mut after = before.clone();
    after.revisions = vec![(uid(), 2), (PLATFORM, 1)];
    session.lease(LeaseId(Uuid::from_u128(1)), before);
    session.lease(LeaseId(Uuid::from_u128(2)), after);
    session.acknowledge(uid(), 2, 0);
    assert_eq!(fixture.leased(), [2]);
    session.acknowledge(uid(), 2, 0);
    assert_eq!(fixture.leased(), [2]);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_this_vault_is_sent_with_its_revoked_versions_and_once() {
    let fixture = Fixture::new();
    let (session, mut messages) = fixture.depending(1);
    let leasing = &fixture.leasing;
    let relay = |revision| heads::relay(leasing, &leasing.dependencies(), uid(), revision);
    let known_before = leasing.dependencies();
    let committed = Committed {
        in_progress: Some(leasing.changes().begin(uid(), 2)),
        ..change(2)
    };
    // In the database, and not sent: it may hide a change of another replica.
    assert!(!relay(2));
    let mut propagating = pin!(leasing.propagate(committed));
    assert!(poll!(&mut propagating).is_pending());
    assert!(heads::relay(leasing, &known_before, uid(), 2));
    let Ok(RouterMessage::Invalidate { revoked, .. }) = messages.try_recv() else {
        panic!("it was sent another message")
    };
    assert_eq!(revoked, [version()]);
    assert!(messages.try_recv().is_err());
    session.acknowledge(uid(), 2, 1);
    assert_eq!(propagating.await.in_flight, 1);
    // A change of another replica.
    assert!(relay(3));
    assert!(messages.try_recv().is_ok());
}

#[test]
fn a_change_that_is_never_sent_is_left_to_the_watch_of_the_heads() {
    let fixture = Fixture::new();
    let (_session, mut messages) = fixture.depending(1);
    let leasing = &fixture.leasing;
    drop(leasing.changes().begin(uid(), 2));
    assert!(heads::relay(leasing, &leasing.dependencies(), uid(), 2));
    assert!(messages.try_recv().is_ok());
}

#[test]
fn a_session_is_its_own_routers_alone() {
    let fixture = Fixture::new();
    let (session, _messages) = fixture.connect(1);
    assert!(fixture.leasing.session(session.id, "token:router").is_ok());
    let other = fixture.leasing.session(session.id, "token:other");
    assert_eq!(other.err(), Some(RouterSessionError::Unknown));
    fixture.leasing.disconnect(&session);
    let detached = fixture.leasing.session(session.id, "token:router");
    assert_eq!(detached.err(), Some(RouterSessionError::Unknown));
}
