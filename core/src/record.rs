//! What survives a crash: which data a node has, and what it may conclude from that alone.

use core::mem;

/// Random name of a generation of the data; [`Generation::NONE`] before the first.
///
/// Names, not counters: two nodes may both go on at once, and then ancestry decides, never magnitude.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Generation(pub u64);

impl Generation {
    pub const NONE: Self = Self(0);
}

/// Random name of what an arbiter has written down; [`Ledger::NONE`] before any is known.
///
/// An arbiter that has lost its memory keeps another ledger than before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Ledger(pub u64);

impl Ledger {
    pub const NONE: Self = Self(0);
}

/// One life of a node's agent; grows with every start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Boot(pub u32);

/// What a node durably knows about its data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Mark {
    /// Never had any part in this module.
    #[default]
    New,
    /// Being overwritten by the peer's data: unusable until the copy is complete.
    Copying,
    /// The peer went on without this node.
    Stale,
    /// The peer has all of it too.
    Shared,
    /// This node alone has the newest data.
    Exclusive,
}

/// Which part a node had when its generation was last shared; decides who goes first afterwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Side {
    #[default]
    Second,
    Prim,
}

impl Side {
    /// The role's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Second => "SECOND",
            Self::Prim => "PRIM",
        }
    }
}

/// How one node's generation looks from the other's record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Kin {
    /// Not in my history: yours is newer than mine, or we have forked.
    #[default]
    Unknown,
    Same,
    /// An ancestor of mine: I have all that it had.
    Ancestor,
}

/// The durable record of one module on one node.
///
/// `H` generations of history are kept, newest first; a generation that has fallen out of it is treated as
/// unknown, which costs an operator's decision and never data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Record<const H: usize> {
    /// Grows with each decision to serve; the fencing token of every heartbeat and replicated operation.
    pub term: u64,
    pub generation: Generation,
    /// Ancestors of `generation`, the parent first.
    #[cfg_attr(feature = "serde", serde(with = "crate::rule::short"))]
    pub history: [Generation; H],
    pub mark: Mark,
    pub side: Side,
}

impl<const H: usize> Default for Record<H> {
    fn default() -> Self {
        Self {
            term: 0,
            generation: Generation::NONE,
            history: [Generation::NONE; H],
            mark: Mark::New,
            side: Side::Second,
        }
    }
}

impl<const H: usize> Record<H> {
    /// How `other` relates to the data of this record.
    pub fn kin(&self, other: Generation) -> Kin {
        if other == Generation::NONE {
            Kin::Ancestor
        } else if other == self.generation {
            Kin::Same
        } else if self.history.contains(&other) {
            Kin::Ancestor
        } else {
            Kin::Unknown
        }
    }

    /// The generation before this one.
    pub fn parent(&self) -> Generation {
        self.history.first().copied().unwrap_or_default()
    }

    /// This node goes on alone: a new generation, child of the present one.
    #[must_use]
    pub fn exclusive(&self, fresh: Generation, term: u64) -> Self {
        let mut next = *self;
        next.descend(fresh, self.generation);
        Self { term, mark: Mark::Exclusive, ..next }
    }

    /// This node now has what the peer has in `generation`, whose parent is `parent`.
    #[must_use]
    pub fn joined(&self, generation: Generation, parent: Generation, term: u64) -> Self {
        let mut next = *self;
        next.descend(parent, self.generation);
        next.descend(generation, parent);
        Self { term, mark: Mark::Shared, side: Side::Second, ..next }
    }

    fn descend(&mut self, to: Generation, from: Generation) {
        if to == self.generation || to == Generation::NONE {
            return;
        }
        self.generation = to;
        if from != Generation::NONE && !self.history.contains(&from) {
            let mut newest = from;
            self.history.iter_mut().for_each(|ancestor| mem::swap(ancestor, &mut newest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn g(n: u64) -> Generation {
        Generation(n)
    }

    #[test]
    fn a_new_generation_knows_its_ancestors_and_nothing_else() {
        let first = Record::<4>::default().exclusive(g(1), 1);
        let second = first.exclusive(g(2), 2);
        assert_eq!(second.kin(g(2)), Kin::Same);
        assert_eq!(second.kin(g(1)), Kin::Ancestor);
        assert_eq!(first.kin(g(2)), Kin::Unknown);
        assert_eq!(second.parent(), g(1));
    }

    #[test]
    fn who_joins_knows_the_generations_that_the_source_went_through() {
        let mine = Record::<4>::default().exclusive(g(1), 1);
        let joined = mine.joined(g(3), g(2), 3);
        assert_eq!(
            (joined.kin(g(1)), joined.kin(g(2)), joined.kin(g(3))),
            (Kin::Ancestor, Kin::Ancestor, Kin::Same)
        );
        assert_eq!((joined.mark, joined.side, joined.term), (Mark::Shared, Side::Second, 3));
    }

    #[test]
    fn each_ancestor_is_remembered_once() {
        let mine = Record::<4>::default().exclusive(g(1), 1).exclusive(g(2), 2);
        assert_eq!(mine.joined(g(3), g(1), 3).history, [g(2), g(1), Generation::NONE, Generation::NONE]);
        assert_eq!(mine.joined(g(3), g(2), 3).history, [g(2), g(1), Generation::NONE, Generation::NONE]);
        assert_eq!(mine.joined(g(3), Generation::NONE, 3).history, mine.history, "g2 is no ancestor of g3");
        let new = Record::<4>::default().joined(g(3), Generation::NONE, 3);
        assert_eq!((new.generation, new.history), (g(3), [Generation::NONE; 4]));
    }

    #[test]
    fn history_is_bounded_and_forgets_the_oldest() {
        let mut record = Record::<2>::default();
        for n in 1..=4 {
            record = record.exclusive(g(n), n);
        }
        assert_eq!(record.history, [g(3), g(2)]);
        assert_eq!(record.kin(g(1)), Kin::Unknown);
    }

    #[test]
    fn two_that_went_on_alone_do_not_know_each_other() {
        let shared = Record::<4>::default().exclusive(g(1), 1);
        let (a, b) = (shared.exclusive(g(2), 2), shared.exclusive(g(3), 2));
        assert_eq!((a.kin(b.generation), b.kin(a.generation)), (Kin::Unknown, Kin::Unknown));
    }
}
