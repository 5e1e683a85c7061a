//! The arbiter, and what is under way between it and the nodes, for as long as it likes.

use safetui_core::{Event, Generation, Ledger, Witness, mirror::Names};

use super::{Given, Node, World};

/// A question under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question {
    pub generation: Generation,
    pub ledger: Ledger,
}

/// An answer under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Verdict {
    pub generation: Generation,
    pub granted: bool,
}

/// One generation, and the only node that may go on alone from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Grant {
    generation: Generation,
    to: usize,
}

/// What it has granted, as far as anybody can still ask for it. What is durable before each answer needs no
/// crash of its own: one that loses power before answering is one whose answer is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arbiter {
    ledger: Ledger,
    grants: [Option<Grant>; 3],
}

impl Default for Arbiter {
    fn default() -> Self {
        Self { ledger: Ledger(1), grants: [None; 3] }
    }
}

impl Arbiter {
    /// Decides on one question; no answer where it was to another ledger.
    fn decide(&mut self, settings: &Given, node: usize, question: Question) -> Option<Verdict> {
        let Question { generation, ledger } = question;
        if ledger != self.ledger {
            return None;
        }
        let known = self.grants.iter().flatten().find(|grant| grant.generation == generation);
        let granted = known.is_none_or(|grant| grant.to == node || !settings.grants_once);
        if known.is_none() {
            let free = self.grants.iter_mut().find(|slot| slot.is_none());
            *free.expect("two nodes have two generations at most") = Some(Grant { generation, to: node });
        }
        Some(Verdict { generation, granted })
    }

    /// All that it has granted is lost.
    pub(super) fn forget(&mut self) {
        *self = Self { ledger: Ledger(self.ledger.0 + 1), grants: [None; 3] };
    }

    /// A grant of what nobody has any more is forgotten.
    pub fn rename(&mut self, names: &mut impl Names) {
        for slot in &mut self.grants {
            if let Some(grant) = slot {
                names.ancestor(&mut grant.generation);
            }
            *slot = slot.filter(|grant| grant.generation != Generation::NONE);
        }
    }

    /// The order of what is known has no meaning.
    pub fn sort(&mut self) {
        if self.grants[1..].iter().any(Option::is_some) {
            self.grants.sort_unstable_by(|one, other| other.cmp(one));
        }
    }
}

impl World {
    /// Is anything known, asked or answered?
    pub(super) fn arbitrates(&self) -> bool {
        let under_way = |node: &Node| node.asked.is_some() || node.verdict.is_some();
        self.arbiter.grants.iter().any(Option::is_some) || self.nodes.iter().any(under_way)
    }

    pub(super) fn can_arbitrate(&self, settings: &Given, node: usize) -> bool {
        self.nodes[node].asked.is_some() && self.cut.router(settings, node)
    }

    /// The question reaches the arbiter, also of a node that is gone by now.
    pub(super) fn arbitrate(&mut self, settings: &Given, node: usize) -> Option<()> {
        let question = self.nodes[node].asked.take()?;
        if let Some(verdict) = self.arbiter.decide(settings, node, question) {
            self.nodes[node].verdict = Some(verdict);
        }
        Some(())
    }

    /// What a node that hears the arbiter hears of its ledger, if that is new. Where the arbiter never loses its memory
    /// each node has heard of it as soon as it starts.
    pub(super) fn new_ledger(&self, settings: &Given, node: usize) -> Option<Event> {
        let reached = settings.budget.amnesias == 0 || self.cut.router(settings, node);
        let news = self.nodes[node].core.as_ref()?.ledger() != self.arbiter.ledger;
        let asked = settings.witness == Witness::Arbiter && reached && news;
        asked.then_some(Event::Ledger(self.arbiter.ledger))
    }

    /// The answer reaches the node, whatever has become of it.
    pub(super) fn verdict(&mut self, node: usize) -> Option<Event> {
        let Verdict { generation, granted } = self.nodes[node].verdict.take()?;
        Some(if granted { Event::Granted { generation } } else { Event::Denied { generation } })
    }
}
