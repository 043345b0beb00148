//! A beat finer than the runtime's own timers, which tick in whole milliseconds.

use std::time::Duration;

use latchkey_boot::exit::Failure;
use rustix::fs::Timespec;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime,
};
use tokio::sync::mpsc;

/// Beats until the receiver is dropped, the first after one period. Each message counts the beats
/// since the one before, more than one when the timer's thread came late.
pub(crate) fn every(period: Duration) -> Result<mpsc::UnboundedReceiver<u64>, Failure> {
    let timer =
        timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::empty()).map_err(Failure::run)?;
    let period = Timespec::try_from(period).map_err(Failure::run)?;
    let beats = Itimerspec {
        it_interval: period,
        it_value: period,
    };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &beats).map_err(Failure::run)?;
    let (beat, beats) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let mut count = [0; 8];
        while rustix::io::read(&timer, &mut count).is_ok()
            && beat.send(u64::from_ne_bytes(count)).is_ok()
        {}
    });
    Ok(beats)
}
