use std::pin::pin;

use futures_util::poll;
use latchkey_clock::{ManualClock, Timestamp};
use tokio::sync::mpsc::Receiver;

use super::*;
use crate::domain::material::MaterialInput;
use crate::leasing::{LeasingConfig, RouterSessionId};

fn leasing() -> Leasing {
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    Leasing::new(LeasingConfig::default(), clock)
}

fn connect(
    leasing: &Leasing,
    providers: &[ProviderId],
) -> (Arc<RouterSession>, Receiver<RouterMessage>) {
    let id = RouterSessionId(Uuid::from_u128(1));
    let (session, messages) =
        RouterSession::new(id, "token:router".into(), String::new(), providers.to_vec());
    (leasing.connect(session), messages)
}

fn task() -> PendingTask {
    let given = MaterialInput::ApiKey("not-a-real-key".to_owned());
    let material = Material::parse(given, ProviderId::Custom).ok().unwrap();
    PendingTask {
        id: Uuid::from_u128(9),
        provider: ProviderId::Custom,
        destination: Destination::default(),
        material: Arc::new(material),
    }
}

fn words() -> ProviderMessage {
    ProviderMessage {
        http_status: 401,
        code: "invalid".to_owned(),
        message: "no".to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_router_for_the_provider_no_task_is_sent() {
    let leasing = leasing();
    assert!(matches!(
        leasing.verify(task()).await,
        Err(TaskFailure::NoRouter)
    ));
    let (session, mut messages) = connect(&leasing, &[ProviderId::OpenAi]);
    assert!(matches!(
        leasing.verify(task()).await,
        Err(TaskFailure::NoRouter)
    ));
    assert!(messages.try_recv().is_err());
    leasing.leave(&session);
    let (session, _messages) = connect(&leasing, &[ProviderId::Custom]);
    leasing.disconnect(&session);
    assert!(matches!(
        leasing.verify(task()).await,
        Err(TaskFailure::NoRouter)
    ));
}

#[tokio::test(start_paused = true)]
async fn the_outcome_is_the_routers() {
    let verified = TaskOutcome::Verified {
        grade: Grade::Alive,
        detail: String::new(),
    };
    for outcome in [
        verified,
        TaskOutcome::Rejected(words()),
        TaskOutcome::Unreachable(words()),
    ] {
        let leasing = leasing();
        let (_session, mut messages) = connect(&leasing, &[ProviderId::Custom]);
        let mut verifying = pin!(leasing.verify(task()));
        assert!(poll!(&mut verifying).is_pending());
        let Some(RouterMessage::Verify(task)) = messages.recv().await else {
            panic!("no task")
        };
        assert_eq!(task.material.identity(), [b"not-a-real-key"]);
        leasing.task_done(task.id, outcome.clone());
        match (outcome, verifying.await) {
            (TaskOutcome::Verified { grade, detail }, Ok(found)) => {
                assert_eq!(found, (grade, detail));
            }
            (TaskOutcome::Rejected(words), Err(TaskFailure::Rejected(found)))
            | (TaskOutcome::Unreachable(words), Err(TaskFailure::Unreachable(found))) => {
                assert_eq!(found, words);
            }
            (_, found) => panic!("{found:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_router_that_leaves_or_takes_too_long_leaves_the_key_unchecked() {
    let leasing = leasing();
    let (session, _messages) = connect(&leasing, &[ProviderId::Custom]);
    // The paused clock of tokio jumps to the end of the time-out.
    assert!(matches!(
        leasing.verify(task()).await,
        Err(TaskFailure::Unreachable(_))
    ));
    let mut verifying = pin!(leasing.verify(task()));
    assert!(poll!(&mut verifying).is_pending());
    leasing.leave(&session);
    assert!(matches!(verifying.await, Err(TaskFailure::Unreachable(_))));
}

#[tokio::test(start_paused = true)]
async fn a_task_without_a_waiting_call_is_dropped() {
    let leasing = leasing();
    let (_session, _messages) = connect(&leasing, &[ProviderId::Custom]);
    {
        let mut verifying = pin!(leasing.verify(task()));
        assert!(poll!(&mut verifying).is_pending());
        assert_eq!(leasing.tasks.lock().len(), 1);
    }
    assert!(leasing.tasks.lock().is_empty());
    let late = TaskOutcome::Verified {
        grade: Grade::Alive,
        detail: String::new(),
    };
    leasing.task_done(task().id, late);
}
