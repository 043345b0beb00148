//! CPU time and memory of a process, from `/proc` (proc(5)).

use std::time::Duration;

use latchkey_boot::exit::Failure;

/// CPU in user and kernel, of all threads and of children that have ended, in steps of a clock tick.
pub(crate) fn cpu_time(process: u32) -> Result<Duration, Failure> {
    /// The kernel's `USER_HZ`, on every architecture that Rust has a standard library for.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).map_err(Failure::run)?;
    // The name in brackets may hold anything; utime to cstime are fields 14 to 17, and the state
    // behind the name is field 3.
    let (_, fields) = stat
        .rsplit_once(") ")
        .ok_or_else(|| Failure::run("/proc/…/stat has an unknown form"))?;
    let fields = fields.split(' ').skip(11).take(4);
    let ticks = fields
        .map(str::parse::<f64>)
        .sum::<Result<f64, _>>()
        .map_err(Failure::run)?;
    Ok(Duration::from_secs_f64(ticks / TICKS_PER_SECOND))
}

/// Resident memory now and at its highest, in KiB.
pub(crate) fn resident(process: u32) -> Result<[u64; 2], Failure> {
    let status = format!("/proc/{process}/status");
    let status = std::fs::read_to_string(status).map_err(Failure::run)?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        number
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| Failure::run("/proc/…/status lacks a field"))
    };
    Ok([field("VmRSS:")?, field("VmHWM:")?])
}

/// Waits until the process is idle, and returns its CPU time then.
pub(crate) async fn settled(process: u32) -> Result<Duration, Failure> {
    const LOOK: Duration = Duration::from_millis(200);
    /// CPU time that the timers of an idle process may use in that time.
    const IDLE: Duration = Duration::from_millis(10);
    const WAIT_ATTEMPTS: u32 = 300;
    let mut before = cpu_time(process)?;
    for _ in 0..WAIT_ATTEMPTS {
        tokio::time::sleep(LOOK).await;
        let now = cpu_time(process)?;
        if now.saturating_sub(before) <= IDLE {
            return Ok(now);
        }
        before = now;
    }
    Err(Failure::run("a contestant did not become idle in time"))
}
