//! The two clocks of a node. Wall time is never used: it steps.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Time since the machine started, time asleep included: what all windows are counted in.
pub fn boottime() -> Duration {
    read(ClockId::CLOCK_BOOTTIME)
}

/// Time since the machine started, time asleep excluded. `boottime` growing faster than this one means that
/// the machine slept.
pub fn monotonic() -> Duration {
    read(ClockId::CLOCK_MONOTONIC)
}

fn read(clock: ClockId) -> Duration {
    clock_gettime(clock).expect("both clocks exist since Linux 2.6.39").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_clock_goes_back_and_sleep_only_adds() {
        let (awake, all) = (monotonic(), boottime());
        assert!(monotonic() >= awake);
        assert!(boottime() >= all);
        assert!(all >= awake, "boottime counts everything that monotonic counts");
    }
}
