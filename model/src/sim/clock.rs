//! A node's clock: it drifts, and may stand still with its machine.

use safetui_core::Tick;

/// True time, in microseconds since the simulation began.
pub(super) type Moment = u64;

/// One millisecond and one second of true time.
pub(super) const MS: Moment = 1_000;
pub(super) const SECOND: Moment = 1_000 * MS;

/// What a node reads, as a line through a point that both know.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    at: Moment,
    /// In its own microseconds.
    reads: u64,
    /// How much faster than true time, in millionths.
    gains: i64,
    stands: bool,
}

impl Clock {
    pub(super) const fn new(at: Moment, reads: u64, gains: i64) -> Self {
        Self { at, reads, gains, stands: false }
    }

    #[inline]
    const fn reading(&self, at: Moment) -> u64 {
        if self.stands {
            return self.reads;
        }
        let since = (at - self.at) as i64;
        self.reads + (since + since * self.gains / 1_000_000) as u64
    }

    /// What it shows at that moment.
    #[inline]
    pub(super) const fn tick(&self, at: Moment) -> Tick {
        Tick(self.reading(at) / MS)
    }

    /// About the first moment from `now` on at which it shows `tick`: who is woken a little early looks again.
    pub(super) const fn moment(&self, now: Moment, tick: Tick) -> Moment {
        let ahead = tick.0.saturating_mul(MS).saturating_sub(self.reading(now));
        if ahead > 1_000 * SECOND {
            return Moment::MAX;
        }
        let gained = ahead as i64 * self.gains / 1_000_000;
        now + (ahead as i64 - gained) as u64 + 1
    }

    /// From now on it drifts like this.
    pub(super) const fn drift(&mut self, now: Moment, gains: i64) {
        *self = Self { at: now, reads: self.reading(now), gains, stands: self.stands };
    }

    pub(super) const fn stand(&mut self, now: Moment, stands: bool) {
        *self = Self { at: now, reads: self.reading(now), gains: self.gains, stands };
    }

    pub(super) const fn stands(&self) -> bool {
        self.stands
    }
}
