//! An orderly end: one signal that every part of a process waits for.
//!
//! A drain starts once, on SIGTERM, on SIGINT or by a call. From then on the process begins no new
//! work: the listener closes, health turns `NOT_SERVING`, long-lived streams end, and background
//! tasks finish their current work. A second signal cuts all of that short.

use std::future::Future;
use std::io;
use std::time::Duration;

use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::TaskTracker;

/// The handle on a process's end. Clones share one drain.
#[derive(Clone, Debug, Default)]
pub struct Drain {
    started: CancellationToken,
    cut: CancellationToken,
    tasks: TaskTracker,
}

impl Drain {
    /// A drain that only [`Drain::start`] starts.
    pub fn new() -> Self {
        Self::default()
    }

    /// A drain that the first SIGTERM or SIGINT starts and the second cuts short.
    ///
    /// Must be called within a Tokio runtime. Once it returns, these signals no longer kill the
    /// process by themselves.
    pub fn on_signals() -> io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let drain = Self::new();
        let handle = drain.clone();
        tokio::spawn(async move {
            for act in [Self::start as fn(&Self), Self::cut_short] {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                act(&handle);
            }
        });
        Ok(drain)
    }

    /// Starts the drain. Doing so again changes nothing.
    pub fn start(&self) {
        if !self.is_started() {
            tracing::info!("the drain started");
        }
        self.started.cancel();
        self.tasks.close();
    }

    /// Whether the drain has started.
    pub fn is_started(&self) -> bool {
        self.started.is_cancelled()
    }

    /// Completes when the drain has started.
    pub fn started(&self) -> WaitForCancellationFutureOwned {
        self.started.clone().cancelled_owned()
    }

    /// Starts the drain and ends its grace period at once.
    pub fn cut_short(&self) {
        self.start();
        self.cut.cancel();
    }

    /// Completes when the drain has been cut short.
    pub fn cut(&self) -> WaitForCancellationFutureOwned {
        self.cut.clone().cancelled_owned()
    }

    /// Runs a background task that [`Drain::finish`] waits for. The task itself listens to
    /// [`Drain::started`].
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.tasks.spawn(task)
    }

    /// Waits for the drain to start and then, at most for `grace`, for the spawned tasks to end.
    pub async fn finish(&self, grace: Duration) -> Result<(), Unfinished> {
        self.started().await;
        tokio::select! {
            biased;
            () = self.tasks.wait() => Ok(()),
            () = tokio::time::sleep(grace) => Err(self.unfinished()),
            () = self.cut() => Err(self.unfinished()),
        }
    }

    fn unfinished(&self) -> Unfinished {
        Unfinished {
            tasks: self.tasks.len(),
        }
    }
}

/// Background tasks were still running when the time was up.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("{tasks} background tasks did not finish in time")]
pub struct Unfinished {
    /// How many.
    pub tasks: usize,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustix::process::{Signal, getpid, kill_process};
    use tokio::sync::oneshot;

    use super::*;

    const GRACE: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_drain_waits_for_its_tasks() {
        let drain = Drain::new();
        let (release, released) = oneshot::channel::<()>();
        let task = drain.spawn(async move { released.await.is_ok() });
        drain.start();
        let mut finishing = std::pin::pin!(drain.finish(GRACE));
        assert!(futures_util::poll!(&mut finishing).is_pending());
        release.send(()).unwrap();
        assert_eq!(finishing.await, Ok(()));
        assert!(task.await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_reports_tasks_that_outlast_its_grace_period() {
        let drain = Drain::new();
        drain.spawn(std::future::pending::<()>());
        drain.start();
        assert_eq!(drain.finish(GRACE).await, Err(Unfinished { tasks: 1 }));
    }

    #[tokio::test]
    async fn a_drain_that_is_cut_short_stops_waiting() {
        let drain = Drain::new();
        drain.spawn(std::future::pending::<()>());
        drain.cut_short();
        assert!(drain.is_started());
        assert_eq!(drain.finish(GRACE).await, Err(Unfinished { tasks: 1 }));
    }

    #[tokio::test]
    async fn the_first_signal_starts_the_drain_and_the_second_cuts_it_short() {
        let drain = Drain::on_signals().unwrap();
        assert!(!drain.is_started());
        kill_process(getpid(), Signal::TERM).unwrap();
        drain.started().await;
        kill_process(getpid(), Signal::INT).unwrap();
        drain.cut().await;
    }
}
