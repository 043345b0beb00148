use std::cell::Cell;

use super::*;

const PERIOD: Duration = Duration::from_mins(1);

#[tokio::test(start_paused = true)]
async fn rounds_follow_each_other_until_the_drain_starts() {
    let drain = Drain::new();
    let rounds = Cell::new(0);
    let round = || async {
        rounds.set(rounds.get() + 1);
        if rounds.get() == 3 {
            drain.start();
        }
    };
    let started = tokio::time::Instant::now();
    repeat(PERIOD, round, drain.clone()).await;
    assert_eq!((rounds.get(), started.elapsed()), (3, PERIOD * 2));
}

#[tokio::test(start_paused = true)]
async fn the_drain_does_not_wait_for_a_round() {
    let drain = Drain::new();
    let round = || async {
        drain.start();
        std::future::pending::<()>().await;
    };
    repeat(PERIOD, round, drain.clone()).await;
}
