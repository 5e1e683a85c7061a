//! What the machine is told once: timers, the witness, and the named rules of the protocol.

use crate::rule::Book;

/// The spans that a pair is run with, all in ticks of the node's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Timing {
    /// Between two heartbeats.
    pub period: u64,
    /// The primary's window after the last proof that its peer hears it.
    pub timeout: u64,
    /// How much longer the secondary waits.
    pub guard: u64,
    /// Between two answers of the witness, at most, without calling it a gap.
    pub gap: u64,
    /// Assumed bound on the way of a heartbeat, its queues included.
    pub delay: u64,
    /// Assumed bound on how late a node handles what is due before it notices that it slept.
    pub late: u64,
    /// Assumed bound on how far the two clocks drift apart within a window.
    pub drift: u64,
    /// Consecutive heartbeats that may be lost without ending the right to take over.
    pub losses: u64,
}

/// Timers that cannot keep the promise, each with the least value that can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadTiming {
    /// A span that must not be zero is.
    Zero,
    /// The secondary could take over while the primary still serves.
    GuardTooShort { least: u64 },
    /// A heartbeat that crosses the window's start leaves no time in which the losing side notices.
    TimeoutTooShort { least: u64 },
}

/// Who is asked when the peer is silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Witness {
    /// Nobody: safe for crashes, forks on partitions.
    None,
    /// A router that answers whoever reaches it.
    Router,
    /// A server that grants each shared generation to one node, once.
    Arbiter,
}

/// The rules of the protocol; the model removes them one at a time and must then find a counterexample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A primary acknowledges only what the secondary has applied, or when it durably is alone.
    Hold,
    /// Being alone is durable before the first acknowledgement that relies on it.
    MarkFirst,
    /// Only an unbroken run of witness answers since the last contact wins a contested window.
    Continuity,
    /// The primary counts from its own sending of what the peer has acknowledged.
    TwoWay,
    /// A primary that still hears a peer which does not hear it gives way: that peer will take over.
    Yield,
    /// The secondary takes over only if the primary had just heard it.
    Echo,
    /// The secondary's window is the longer one.
    Guard,
    /// Who loses a window waits until it has met its peer.
    Latch,
    /// Only who durably is alone starts alone.
    BootAlone,
    /// The primary depends on the secondary before the secondary may take over.
    PairOrder,
    /// A copy is confirmed for one generation and one life of the copied node.
    FreshPair,
    /// Who sees a newer term stops serving.
    Term,
    /// The right to serve ends by itself.
    Lease,
    /// Who slept proves itself again before it serves.
    LateSelf,
    /// Nobody copies over data that the other side does not have.
    Fork,
    /// Whom a failover rule makes wait neither serves nor follows.
    Await,
    /// Of two that wait with the same data, the one that no rule holds serves.
    StandIn,
    /// Whom no rule holds any more serves only when the peer has answered to that.
    Recall,
    /// Automatic actions that come too often stop the module.
    MaxLoop,
    /// Who waited goes on only when there has been nothing to wait for during a while.
    Damping,
    /// Where there is an arbiter, only its grant of the shared generation wins a contested window.
    Grant,
    /// Only the ledger that was known when the pair was made may grant what the pair shares.
    SameLedger,
}

impl Rule {
    pub const ALL: [Self; 22] = [
        Self::Hold,
        Self::MarkFirst,
        Self::Continuity,
        Self::TwoWay,
        Self::Yield,
        Self::Echo,
        Self::Guard,
        Self::Latch,
        Self::BootAlone,
        Self::PairOrder,
        Self::FreshPair,
        Self::Term,
        Self::Lease,
        Self::LateSelf,
        Self::Fork,
        Self::Await,
        Self::StandIn,
        Self::Recall,
        Self::MaxLoop,
        Self::Damping,
        Self::Grant,
        Self::SameLedger,
    ];
}

/// The set of rules in force: all of them, except inside a proof that one is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Rules(u32);

impl Rules {
    pub const ALL: Self = Self((1 << Rule::ALL.len()) - 1);

    /// All but `rule`: for the model, which must refute it.
    pub const fn without(rule: Rule) -> Self {
        Self(Self::ALL.0 & !(1 << rule as u16))
    }

    pub const fn has(self, rule: Rule) -> bool {
        self.0 & (1 << rule as u16) != 0
    }
}

/// Everything that decides and does not change while a module runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Config {
    pub timing: Timing,
    pub witness: Witness,
    /// Does a secondary take over by itself?
    pub failover: bool,
    /// Breaks ties between the two nodes: exactly one has it.
    pub first: bool,
    pub rules: Rules,
    /// The failover rules.
    pub book: Book,
}

impl Config {
    /// Does an arbiter's word, and nothing else, win a contested window?
    pub fn arbitrates(&self) -> bool {
        self.witness == Witness::Arbiter && self.rules.has(Rule::Grant)
    }
}

impl Timing {
    /// Age of the primary's last proof, and of the secondary's last echo, up to which the secondary may still
    /// take over: what a healthy pair shows at most, with the tolerated losses.
    pub const fn echo(&self) -> u64 {
        2 * self.period + 2 * self.delay + self.losses * self.period + self.late
    }

    /// How long a primary must have heard nothing at all before silence counts against the peer and not
    /// against the way to it: long enough for the witness to miss whoever is cut off.
    pub const fn silence(&self) -> u64 {
        self.gap + 2 * self.delay + (self.losses + 1) * self.period
    }

    /// Accepts the timers if the protocol's margins hold for them.
    pub fn check(&self) -> Result<(), BadTiming> {
        if self.period == 0 || self.timeout == 0 || self.gap == 0 {
            return Err(BadTiming::Zero);
        }
        let guard = self.least_guard();
        if self.guard < guard {
            return Err(BadTiming::GuardTooShort { least: guard });
        }
        let timeout = self.least_timeout();
        if self.timeout < timeout {
            return Err(BadTiming::TimeoutTooShort { least: timeout });
        }
        Ok(())
    }

    /// The primary stops `late` after its window, whose start lies up to a delay before the secondary's.
    pub const fn least_guard(&self) -> u64 {
        self.delay + self.late + self.drift
    }

    /// The larger of two needs. For safety: when the secondary's echo is as old as it may be, the two windows must
    /// still overlap by more than what each may miss of the witness unnoticed, one at its end and one at its
    /// beginning. For service: when a peer dies, the primary's last contact and its last hearing must both lie
    /// far enough back. The terms were found by search (`safetui verify --timing`): less has a counterexample.
    pub fn least_timeout(&self) -> u64 {
        let lost = self.losses * self.period;
        let safe = self.echo() + 2 * self.gap + lost + self.delay + self.drift;
        let serves = self.silence() + 2 * self.delay + self.drift;
        safe.max(serves) + self.period
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No two spans alike.
    const SPANS: Timing =
        Timing { period: 100, timeout: 1352, guard: 72, gap: 170, delay: 20, late: 50, drift: 2, losses: 3 };

    #[test]
    fn the_spans_that_the_others_must_keep_are_what_a_pair_can_show() {
        assert_eq!(SPANS.echo(), 100 + 100 + 20 + 20 + 3 * 100 + 50);
        assert_eq!(SPANS.silence(), 170 + 20 + 20 + 4 * 100);
        assert_eq!(SPANS.least_guard(), 20 + 50 + 2);
        assert_eq!(SPANS.least_timeout(), 590 + (170 + 170) + 3 * 100 + 20 + 2 + 100, "for safety");
        let far = Timing { delay: 1000, ..SPANS };
        assert_eq!(far.least_timeout(), 2570 + (1000 + 1000) + 2 + 100, "for service");
    }

    #[test]
    fn timers_are_accepted_from_the_least_that_hold_on() {
        assert_eq!(SPANS.check(), Ok(()));
        assert_eq!(Timing { guard: 73, timeout: 1353, ..SPANS }.check(), Ok(()));
        let short = Timing { guard: 71, ..SPANS };
        assert_eq!(short.check(), Err(BadTiming::GuardTooShort { least: 72 }));
        let short = Timing { timeout: 1351, ..SPANS };
        assert_eq!(short.check(), Err(BadTiming::TimeoutTooShort { least: 1352 }));
        for zero in
            [Timing { period: 0, ..SPANS }, Timing { timeout: 0, ..SPANS }, Timing { gap: 0, ..SPANS }]
        {
            assert_eq!(zero.check(), Err(BadTiming::Zero), "{zero:?}");
        }
    }

    #[test]
    fn a_rule_is_removed_without_any_other() {
        for rule in Rule::ALL {
            let rest = Rules::without(rule);
            assert!(Rule::ALL.iter().all(|other| rest.has(*other) == (*other != rule)), "{rule:?}");
            assert!(Rules::ALL.has(rule), "{rule:?}");
        }
    }
}
