//! What must hold at every moment, in the words of the model's properties.

use super::{World, clock::Moment};

pub(super) const ONE_ACKNOWLEDGES: &str = "at most one node acknowledges writes";
pub(super) const ONE_ANSWERS: &str = "at most one node answers for the virtual IP";
pub(super) const SERVES_ALL: &str = "who serves has every acknowledged write";
pub(super) const OVERWRITTEN: &str = "no acknowledged write is overwritten unseen";
pub(super) const BELIEVED: &str = "the disk is what the node believes";
pub(super) const NOTHING_DUE: &str = "a wake clears what is due";
pub(super) const RECOVERS: &str = "recovers once faults cease";
pub(super) const SURVIVOR: &str = "a survivor of a healthy pair serves in its window";
/// Of this there is nothing in the model, whose worlds say beforehand whether they fork.
pub(super) const FORKS: &str = "a fork only where the surroundings went beyond the assumptions";

/// All of them.
pub const PROPERTIES: [&str; 9] = [
    ONE_ACKNOWLEDGES,
    ONE_ANSWERS,
    SERVES_ALL,
    OVERWRITTEN,
    BELIEVED,
    NOTHING_DUE,
    RECOVERS,
    SURVIVOR,
    FORKS,
];

/// A property that fell.
#[derive(Clone, Debug)]
pub(super) struct Broken {
    pub(super) property: &'static str,
    pub(super) text: String,
    pub(super) at: Moment,
}

impl World {
    /// The surroundings went beyond what the protocol assumes: until the pair is ready again both may go on.
    pub(super) fn strain(&mut self, why: &'static str) {
        if self.strained.is_none() {
            self.strained = Some(why);
            self.tally.strained += 1;
            self.tell(|| format!("(beyond the assumptions: {why})"));
        }
    }

    /// A property has fallen: everything stops here.
    pub(super) fn violated(&mut self, property: &'static str, text: String) {
        if self.broken.is_none() {
            self.tell(|| format!("VIOLATED \"{property}\": {text}"));
            self.broken = Some(Broken { property, text, at: self.now });
        }
    }

    /// The properties of a moment.
    pub(super) fn check(&mut self) {
        if self.strained.is_some() {
            return;
        }
        if self.may_acknowledge(0) && self.may_acknowledge(1) {
            self.violated(ONE_ACKNOWLEDGES, "both gates are open, and neither needs the other".into());
        }
        // Where a clock stood still, so did a lease; with an arbiter that is all that comes of it.
        if self.stood {
            return;
        }
        let [one, other] = &self.nodes;
        if one.address && other.address && one.answers(self.now) && other.answers(self.now) {
            self.violated(ONE_ANSWERS, "both answer".into());
        }
        for node in 0..2 {
            let it = &self.nodes[node];
            if !self.ledger.complete(node) && it.writable() && it.answers(self.now) {
                let text = match self.ledger.missing(node) {
                    Some(write) => format!("{} serves without write {write}", Self::name(node)),
                    None => format!("{} serves half copied data", Self::name(node)),
                };
                self.violated(SERVES_ALL, text);
            }
        }
    }
}
