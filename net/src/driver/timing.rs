//! The one place where configured timers become the spans that the core decides with.

use std::time::Duration;

use safetui_core::{Timing, config::BadTiming};

use crate::config::{Heart, Splitbrain};

/// Lost heartbeats that a pair tolerates where its timers leave room for them.
const LOSSES: u64 = 4;
/// Shortest bounds that a machine with real-time threads keeps under load, in milliseconds: a switched network,
/// and the longest that such a thread was seen to wait, twice over.
const DELAY: u64 = 5;
const LATE: u64 = 20;

/// Milliseconds between two questions to the witness: a gap of it costs the window twice, so it is asked more
/// often than heartbeats are sent.
pub fn asked_every(heart: &Heart) -> u64 {
    (millis(heart.pulse) / 2).max(5)
}

/// The spans, in milliseconds, or why these timers cannot keep the promise and what would.
pub fn timing(heart: &Heart, splitbrain: Option<&Splitbrain>) -> Result<Timing, String> {
    let timing = spans(heart, splitbrain);
    timing.check().map(|()| timing).map_err(|bad| text(bad, heart))
}

/// The spans, with as many tolerated losses as fit: with none where the timers cannot keep the promise.
pub fn spans(heart: &Heart, splitbrain: Option<&Splitbrain>) -> Timing {
    let (period, timeout) = (millis(heart.pulse), millis(heart.timeout));
    let with = |losses| Timing {
        period,
        timeout,
        guard: millis(heart.guard),
        gap: asked_every(heart) * splitbrain.map_or(1, |witness| u64::from(witness.gap)),
        delay: DELAY.max(period / 5),
        late: LATE.max(period / 2),
        drift: timeout / 1000 + 1,
        losses,
    };
    let fits = (0..=LOSSES).rev().map(with).find(|timing| timing.check().is_ok());
    fits.unwrap_or_else(|| with(0))
}

fn text(bad: BadTiming, heart: &Heart) -> String {
    match bad {
        BadTiming::Zero => "pulse, timeout and gap must not be zero".into(),
        BadTiming::GuardTooShort { least } => format!(
            "guard=\"{}ms\" is too short for a pulse of {} ms: both nodes could serve at once; set guard to at \
             least {least} ms",
            millis(heart.guard),
            millis(heart.pulse)
        ),
        BadTiming::TimeoutTooShort { least } => format!(
            "timeout=\"{}ms\" is too short for a pulse of {} ms and this witness: set timeout to at least \
             {least} ms, or make pulse shorter",
            millis(heart.timeout),
            millis(heart.pulse)
        ),
    }
}

fn millis(span: Duration) -> u64 {
    span.as_millis() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Profile, Witness};

    fn heart(pulse: u64, timeout: u64, guard: u64) -> Heart {
        let [pulse, timeout, guard] = [pulse, timeout, guard].map(Duration::from_millis);
        Heart { pulse, timeout, guard, networks: vec!["a".into()], flow: None, profile: Profile::Lan }
    }

    fn router(gap: u8) -> Splitbrain {
        let witness = Witness::Routers(vec!["192.0.2.1".parse().unwrap()]);
        Splitbrain { ident: "w".into(), witness, gap, relay: true }
    }

    #[test]
    fn defaults_and_safekit_s_values_are_accepted_with_as_many_losses_as_fit() {
        let lan = timing(&heart(100, 1000, 500), Some(&router(3))).unwrap();
        assert_eq!((lan.gap, lan.losses), (150, 1));
        assert_eq!(timing(&heart(700, 30_000, 2100), Some(&router(3))).unwrap().losses, LOSSES);
        assert_eq!(timing(&heart(100, 1000, 500), None).unwrap().losses, 2);
    }

    #[test]
    fn what_cannot_keep_the_promise_is_refused_with_the_least_that_can() {
        let text = timing(&heart(100, 500, 500), Some(&router(3))).unwrap_err();
        let (_, rest) = text.split_once("at least ").unwrap();
        let least: u64 = rest.split(' ').next().unwrap().parse().unwrap();
        assert!(timing(&heart(100, least - 1, 500), Some(&router(3))).is_err(), "{text}");
        assert!(timing(&heart(100, least, 500), Some(&router(3))).is_ok(), "{text}");
        assert!(timing(&heart(100, 1000, 60), None).unwrap_err().contains("at least 72 ms"));
    }
}
