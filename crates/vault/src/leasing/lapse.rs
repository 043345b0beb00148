//! How long the vault must wait before a silent router has surely stopped.
//!
//! With freshness span L, clock *rates* that differ by at most ρ, and a pause of at most g between a
//! router's last check and its write: the router stops within L/(1-ρ) of true time, its last write
//! comes within g of that, and the vault's own clock may run fast by ρ. So
//! D = (1+ρ)·(L/(1-ρ) + g). Waiting only L, or counting from the receipt of an answer, is not
//! enough.

use std::time::Duration;

/// ρ: twice what NTP slews at most (500 ppm).
pub const RATE_ERROR: f64 = 0.001;

/// D for a freshness span and a tolerated pause.
pub(super) fn bound(freshness: Duration, tolerated_pause: Duration) -> Duration {
    let router = freshness.div_f64(1.0 - RATE_ERROR) + tolerated_pause;
    router.mul_f64(1.0 + RATE_ERROR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_bound_is_just_over_32_seconds() {
        let bound = bound(Duration::from_secs(30), Duration::from_secs(2));
        assert!(bound > Duration::from_secs(32));
        assert!(bound < Duration::from_millis(32_100));
    }
}
