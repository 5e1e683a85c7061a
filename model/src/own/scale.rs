//! Windows of milliseconds as windows of few heartbeats, none longer than it is.

use safetui_core::Timing;

/// The shortest guard that a configuration may have, in periods.
const LEAST_GUARD: u64 = 2;

/// The same surroundings in heartbeat periods, with windows that are as long as they must be and no longer: where
/// those hold, longer ones have more room. Timers that are too short stay too short.
///
/// What is shorter than a period becomes nothing: the order of what happens within one is open in the model.
pub fn scaled(millis: &Timing) -> Timing {
    let periods = |span: u64| span / millis.period.max(1);
    let timing = Timing {
        period: 1,
        timeout: periods(millis.timeout),
        guard: periods(millis.guard),
        gap: millis.gap.div_ceil(millis.period.max(1)),
        delay: periods(millis.delay),
        late: periods(millis.late),
        drift: periods(millis.drift),
        ..*millis
    };
    let least = timing.least_timeout();
    let longest = if millis.timeout < millis.least_timeout() { least - 1 } else { least };
    Timing {
        timeout: timing.timeout.min(longest),
        guard: timing.guard.min(timing.least_guard().max(LEAST_GUARD)),
        ..timing
    }
}

/// Spans of periods as spans of time.
pub(super) const fn in_millis(timing: &Timing, period: u64) -> Timing {
    Timing {
        period,
        timeout: timing.timeout * period,
        guard: timing.guard * period,
        gap: timing.gap * period,
        delay: timing.delay * period,
        late: timing.late * period,
        drift: timing.drift * period,
        losses: timing.losses,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAN: Timing =
        Timing { period: 100, timeout: 1000, guard: 500, gap: 150, delay: 20, late: 50, drift: 2, losses: 1 };

    #[test]
    fn windows_become_as_short_as_they_may_be_and_never_longer() {
        let lan = scaled(&LAN);
        assert_eq!((lan.timeout, lan.guard, lan.gap), (9, 2, 2));
        assert_eq!(lan.check(), Ok(()));
        let long = scaled(&Timing { timeout: 30_000, guard: 15_000, ..LAN });
        assert_eq!(long, lan, "longer windows are explored as the same short ones");
        let short = scaled(&Timing { timeout: 950, ..LAN });
        assert_eq!(short.timeout, 9, "rounded to whole periods that are in it");
    }

    #[test]
    fn timers_that_are_too_short_are_explored_as_such() {
        let bad = Timing { timeout: 830, losses: 1, ..LAN };
        assert!(bad.check().is_err());
        assert!(scaled(&bad).check().is_err(), "{:?}", scaled(&bad));
    }
}
