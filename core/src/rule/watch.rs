//! What a node remembers of its resources and of its rules.

use super::{Book, Call, Found, Order, Set, State};
use crate::time::Tick;

/// What a rule keeps a node from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Hold {
    #[default]
    None,
    /// That rule makes the module wait.
    Wait { rule: u8 },
    /// That rule stopped the module; `often`: because there were too many automatic actions.
    Stopped { rule: u8, often: bool },
}

/// A node's resources, what its rules call for, and what they have done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Watch {
    pub(crate) found: Found,
    pub(crate) call: Option<Call>,
    /// Since when the same order, or none, is called for; or when it was last carried out.
    pub(crate) since: Tick,
    pub(crate) hold: Hold,
    /// A resource that must be known before anything is done is not known yet.
    pub(crate) unchecked: bool,
    /// An operator has overruled the waiting, until there is nothing to wait for.
    pub(crate) overruled: bool,
    /// Automatic actions since `looped`.
    pub(crate) loops: u8,
    pub(crate) looped: Tick,
}

impl Watch {
    pub(crate) const NEW: Self = Self {
        found: Found::NOTHING,
        call: None,
        since: Tick(0),
        hold: Hold::None,
        unchecked: false,
        overruled: false,
        loops: 0,
        looped: Tick(0),
    };

    /// A node of which a heartbeat says this.
    pub(crate) const fn told(down: Set, held: bool) -> Self {
        let hold = if held { Hold::Wait { rule: 0 } } else { Hold::None };
        Self { found: Found::told(down), hold, ..Self::NEW }
    }

    /// The module starts: nothing has been checked, and what stopped it is past.
    pub(crate) fn start(&mut self) {
        *self = Self { loops: self.loops, looped: self.looped, ..Self::NEW };
    }

    /// The module has stopped: nothing is checked any more, and what stopped it is remembered.
    pub(crate) fn stop(&mut self) {
        let hold = self.hold;
        self.start();
        if matches!(hold, Hold::Stopped { .. }) {
            self.hold = hold;
        }
    }

    /// Reads the rules again.
    pub(crate) fn read(&mut self, book: &Book, peers: Found, now: Tick, overrules: bool) {
        self.unchecked = !self.found.in_state(State::Init).and(book.awaited()).is_empty();
        let call = book.call(self.found, peers);
        let waits = |call: &Call| call.order == Order::Wait;
        self.overruled =
            (self.overruled || overrules) && (self.unchecked || call.as_ref().is_some_and(waits));
        let call = call.filter(|call| !(self.overruled && waits(call)));
        self.unchecked &= !self.overruled;
        if call.map(|call| call.order) != self.call.map(|call| call.order) {
            self.since = now;
        }
        self.call = call;
    }

    /// The order that is called for.
    pub(crate) fn order(&self) -> Option<Order> {
        self.call.map(|call| call.order)
    }

    /// The first resource that must be known and is not.
    pub(crate) fn unknown(&self, book: &Book) -> Option<u8> {
        self.found.in_state(State::Init).and(book.awaited()).first().filter(|_| self.unchecked)
    }

    /// Does the node wait for what its rules read?
    pub(crate) const fn waits(&self) -> bool {
        self.unchecked || self.is_held()
    }

    pub(crate) const fn is_held(&self) -> bool {
        !matches!(self.hold, Hold::None)
    }

    /// Counts one more automatic action; true: it is one too many.
    pub(crate) fn too_often(&mut self, book: &Book, now: Tick) -> bool {
        if book.pace.interval == 0 {
            return false;
        }
        if self.loops == 0 || now.since(self.looped) >= book.pace.interval {
            self.loops = 0;
            self.looped = now;
        }
        if self.loops >= book.pace.maxloop {
            return true;
        }
        self.loops += 1;
        false
    }

    /// An operator has taken the matter in hand.
    pub(crate) fn forget_loops(&mut self) {
        self.loops = 0;
    }

    pub(crate) fn rebase(&mut self, by: u64) {
        self.since = self.since.rebased(by);
        self.looped = self.looped.rebased(by);
    }

    /// Blurs what no decision can tell apart any more.
    pub(crate) fn forget(&mut self, book: &Book, now: Tick) {
        if now.since(self.since) >= book.pace.act.max(book.pace.wake).max(1) {
            self.since = Tick(0);
        }
        if now.since(self.looped) >= book.pace.interval {
            self.loops = 0;
        }
        if self.loops == 0 || book.pace.interval == u64::MAX {
            self.looped = Tick(0);
        }
    }
}
