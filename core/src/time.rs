//! Moments on a node's own clock, and why one of them matters.

/// A moment on this node's clock that also runs while the machine sleeps, in milliseconds since any fixed
/// origin. In the model one tick is one heartbeat period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Tick(pub u64);

impl Tick {
    /// Later than any moment that is ever reached.
    pub const NEVER: Self = Self(u64::MAX);

    /// This moment, `span` later.
    pub const fn plus(self, span: u64) -> Self {
        Self(self.0.saturating_add(span))
    }

    /// Time since `earlier`; zero when `earlier` is not earlier.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The same moment on a clock whose origin is `by` later: nothing depends on the origin, which is what
    /// lets the model cover "for ever" with finitely many states.
    pub const fn rebased(self, by: u64) -> Self {
        if self.0 == u64::MAX { self } else { Self(self.0.saturating_sub(by)) }
    }
}

/// What the next wake-up is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Due {
    /// The next heartbeat is to be sent.
    Beat,
    /// A node that starts has listened long enough for its peer.
    ListeningEnds,
    /// The primary's right to serve without having decided ends.
    PrimaryWindowEnds,
    /// The primary's window is over, as the secondary sees it: time to probe the virtual IP.
    Probe,
    /// The secondary has waited out the primary's window and its guard.
    SecondaryWindowEnds,
    /// The arbiter has not answered the primary, and may by now have heard the secondary.
    ArbiterSilent,
    /// The stream to the secondary has been broken for as long as a peer may be silent.
    StreamGivenUp,
    /// The peer of a copy has been silent for too long.
    CopyEnds,
    /// A failover rule has called for its order, or for none, for long enough.
    RuleActs,
}
