//! A full disk, simulated by a limit on the size of files. The limit holds for a whole process, so
//! the test runs itself again in a child process.

use std::process::Command;

use latchkey_migrations::testing::TestDatabase;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tonic::Code;

use crate::harness::{APP, Answer, Router, chat, gpt, refused};

const ALONE: &str = "LATCHKEY_TEST_ALONE";
/// SIGXFSZ, which would kill the process at the limit.
const FILE_TOO_LARGE: i32 = 25;

#[tokio::test]
async fn with_a_full_disk_a_request_is_refused_before_any_call() {
    if std::env::var_os(ALONE).is_none() {
        let name = "full_disk::with_a_full_disk_a_request_is_refused_before_any_call";
        let mut alone = Command::new(std::env::current_exe().unwrap());
        let output = alone
            .args(["--exact", name])
            .env(ALONE, "1")
            .output()
            .unwrap();
        let output_text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && output_text.contains("1 passed"),
            "{output_text}"
        );
        return;
    }
    let _heard = signal(SignalKind::from_raw(FILE_TOO_LARGE)).unwrap();
    // The files of SQLite would meet the limit too.
    let no_database = "postgres://user@127.0.0.1:1/nothing".to_owned();
    let database = TestDatabase {
        url: no_database,
        folder: None,
    };
    let router = Router::start_over(database, |_| {}).await;
    router.provider.returns(Answer::json(200, &chat::whole()));
    router.generate(gpt()).await.unwrap();

    let held = router.provider.holds_answer();
    let mut client = router.inference(APP);
    let running = tokio::spawn(async move { client.generate(gpt()).await });
    router.provider.receives_call(2).await;

    let unlimited = getrlimit(Resource::Fsize);
    let full = Rlimit {
        current: Some(1),
        ..unlimited
    };
    setrlimit(Resource::Fsize, full).unwrap();
    for outcome in [
        router.generate(gpt()).await.map(drop),
        router.stream(gpt()).await.map(drop),
    ] {
        let refusal = refused(outcome, Code::Unavailable, "JOURNAL_UNAVAILABLE");
        assert!(refusal.retry_after.is_some());
    }
    assert_eq!(router.provider.calls().len(), 2);
    // A call started before is answered, as it is paid for.
    assert!(held.send(Answer::json(200, &chat::whole())).is_ok());
    running.await.unwrap().unwrap();

    setrlimit(Resource::Fsize, unlimited).unwrap();
    router.generate(gpt()).await.unwrap();
    assert_eq!(router.provider.calls().len(), 3);
}
