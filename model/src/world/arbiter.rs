//! The arbiter, and what is under way between it and the nodes, for as long as it likes.

use safetui_core::{Event, Generation, mirror::Names};

use super::{Settings, World};

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arbiter {
    grants: [Option<Grant>; 3],
}

impl Arbiter {
    /// Decides on one question.
    fn decide(&mut self, settings: &Settings, node: usize, generation: Generation) -> Verdict {
        let known = self.grants.iter().flatten().find(|grant| grant.generation == generation);
        let granted = known.is_none_or(|grant| grant.to == node || !settings.grants_once);
        if known.is_none() {
            let free = self.grants.iter_mut().find(|slot| slot.is_none());
            *free.expect("two nodes have two generations at most") = Some(Grant { generation, to: node });
        }
        Verdict { generation, granted }
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
        self.grants.sort_unstable_by(|one, other| other.cmp(one));
    }
}

impl World {
    pub(super) fn can_arbitrate(&self, settings: &Settings, node: usize) -> bool {
        self.nodes[node].asked.is_some() && self.cut.router(settings, node)
    }

    /// The question reaches the arbiter, also of a node that is gone by now.
    pub(super) fn arbitrate(&mut self, settings: &Settings, node: usize) -> Option<()> {
        let generation = self.nodes[node].asked.take()?;
        self.nodes[node].verdict = Some(self.arbiter.decide(settings, node, generation));
        Some(())
    }

    /// The answer reaches the node, whatever has become of it.
    pub(super) fn verdict(&mut self, node: usize) -> Option<Event> {
        let Verdict { generation, granted } = self.nodes[node].verdict.take()?;
        Some(if granted { Event::Granted { generation } } else { Event::Denied { generation } })
    }
}
