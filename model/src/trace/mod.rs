//! The records of two nodes, merged: is what they tell a behaviour that the model allows?
//!
//! Both cores are followed input by input ([`crate::replay`]), in an order in which every heartbeat is heard after it was
//! sent and moments are as the clocks say. Each input must be one that the world could give at that moment, and
//! what must hold in every state of the model must hold in every state that both nodes went through. What was only
//! assumed, such as how late a node may be, can be broken in the field: that is reported with its figure, and is
//! not a fault of the protocol.

mod allowed;
mod clocks;
mod driver;
mod hold;
mod side;
#[cfg(test)]
mod tests;

use std::fmt;

use safetui_core::{Boot, Config, Event, Input, Mirror, Tick, Timing};

use crate::replay::{Difference, Differs};
use clocks::Clocks;
use side::{Sent, Side};

/// What a node's record tells, in order.
#[derive(Clone, Debug)]
pub enum Told<const H: usize> {
    /// A life of the core begins, with the core before its input `seq`.
    Life(Box<Life<H>>),
    /// The core again, before the input `seq`.
    Core {
        seq: u64,
        core: Box<Mirror<H>>,
        now: Tick,
    },
    Input(Input),
    /// The life ended in good order.
    Closed,
}

#[derive(Clone, Debug)]
pub struct Life<const H: usize> {
    pub config: Config,
    pub boot: Boot,
    pub seq: u64,
    pub core: Mirror<H>,
    pub now: Tick,
    /// That moment in milliseconds as both nodes count them, more or less.
    pub wall: u64,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Inputs of both nodes that were followed.
    pub steps: u64,
    /// Heartbeats that were heard as the peer's core had sent them.
    pub heard: u64,
    /// Heartbeats of which the peer's record does not reach to the sending, and last words of guards.
    pub unrecorded: u64,
    pub broken: Vec<Broken>,
    /// The first step that the model does not allow.
    pub forbidden: Option<Forbidden>,
}

/// What the protocol counts on in its surroundings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assumption {
    /// How late a node handles what is due.
    Late,
    /// How long a heartbeat is under way, queues included.
    Delay,
    /// How far the clocks drift apart.
    Drift,
    /// Without a witness, or against an operator's force: that the nodes can reach each other.
    NoPartition,
}

/// An assumption that did not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    pub what: Assumption,
    /// Milliseconds: what was assumed, and the worst that was seen.
    pub bound: u64,
    pub worst: u64,
    pub times: u64,
    pub first: Place,
}

/// One input of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// 0 or 1.
    pub node: usize,
    pub boot: Boot,
    pub seq: u64,
    pub now: Tick,
}

/// A step that the model does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forbidden {
    pub at: Place,
    /// None where no input was the matter.
    pub event: Option<Event>,
    pub why: String,
}

impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Late => "a node handles what is due in time",
            Self::Delay => "a heartbeat arrives in time",
            Self::Drift => "the clocks go alike",
            Self::NoPartition => "without a witness, the nodes reach each other",
        })
    }
}

/// Follows both records to their ends, or to the first step that the model does not allow.
pub fn merge<const H: usize>(
    one: impl Iterator<Item = Told<H>>,
    other: impl Iterator<Item = Told<H>>,
) -> Report {
    let mut sides = [Side::new(one), Side::new(other)];
    let mut merge = Merge { clocks: Clocks::default(), report: Report::default() };
    while merge.step(&mut sides) && merge.report.forbidden.is_none() {}
    merge.report
}

/// The two records of one run.
type Sides<'a, const H: usize> = [Side<'a, H>; 2];

struct Merge {
    clocks: Clocks,
    report: Report,
}

impl Merge {
    /// Takes what happened next, at either node; false when there is nothing more.
    fn step<const H: usize>(&mut self, sides: &mut Sides<'_, H>) -> bool {
        let Some(node) = self.next(sides) else { return false };
        match sides[node].take() {
            Some(Told::Life(life)) => self.life(sides, node, &life),
            Some(Told::Core { seq, core, now }) => {
                let differs = sides[node].core(seq, *core, now);
                self.differs(sides, node, differs);
            }
            Some(Told::Input(input)) => self.input(sides, node, input),
            Some(Told::Closed) => sides[node].end(true),
            None => return false,
        }
        true
    }

    /// Whose turn it is: the earlier one, as the clocks say, unless it has heard what its peer has yet to send.
    fn next<const H: usize>(&mut self, sides: &Sides<'_, H>) -> Option<usize> {
        let times = [0, 1].map(|node| sides[node].next_at().map(|at| self.clocks.common(node, at)));
        let earlier = match times {
            [None, None] => return None,
            [Some(_), None] => 0,
            [None, Some(_)] => 1,
            [Some(one), Some(other)] => usize::from(other < one),
        };
        let waits =
            |node: usize| sides[node].heard_next().is_some_and(|beat| sides[1 - node].is_to_send(&beat));
        if !waits(earlier) {
            let patient = self.is_to_ask(sides, earlier) && !waits(1 - earlier);
            return Some(if patient { 1 - earlier } else { earlier });
        }
        if waits(1 - earlier) {
            let event = sides[earlier].heard_next().map(Event::Heard);
            self.forbid(sides[earlier].place(earlier), event, "heard before it can have been sent");
            return None;
        }
        Some(1 - earlier)
    }

    /// Is `node` denied what its peer has yet to ask for, though no later than the clocks can be told apart?
    fn is_to_ask<const H: usize>(&self, sides: &Sides<'_, H>, node: usize) -> bool {
        let (side, peer) = (&sides[node], &sides[1 - node]);
        let Some(timing) = side.replay.as_ref().map(|replay| replay.config().timing) else { return false };
        let asks = side.denied_next().is_some_and(|generation| !peer.may_have_asked(generation));
        let common = |node: usize| sides[node].next_at().map(|at| self.clocks.common(node, at));
        let soon = common(1 - node)
            .zip(common(node))
            .is_some_and(|(theirs, mine)| theirs - mine <= Self::tolerance(&timing) as i64);
        asks && soon
    }

    /// How far two moments of different nodes may lie apart and still have come in the other order.
    const fn tolerance(timing: &Timing) -> u64 {
        timing.delay + timing.late + timing.drift
    }

    fn life<const H: usize>(&mut self, sides: &mut Sides<'_, H>, node: usize, life: &Life<H>) {
        self.clocks.begin(node, life.now, life.wall);
        let fault = sides[node].begin(life);
        if let Some(why) = fault {
            self.forbid(sides[node].place(node), None, why);
        }
    }

    fn input<const H: usize>(&mut self, sides: &mut Sides<'_, H>, node: usize, input: Input) {
        let place = Place { now: input.now, ..sides[node].place(node) };
        self.report.steps += 1;
        if let Err(why) = allowed::check(sides, node, &input, &self.clocks) {
            return self.forbid(place, Some(input.event), why);
        }
        if let Some(replay) = &sides[node].replay {
            let (late, (due, _)) = (replay.config().timing.late, replay.state().next_wake(replay.config()));
            self.broken(Assumption::Late, late, place.now.since(due), place);
        }
        if let Event::Heard(beat) = input.event {
            match sides[1 - node].sent(&beat) {
                Sent::AsHeard => {
                    self.report.heard += 1;
                    self.way(&sides[node], place, beat.sent);
                }
                Sent::Unrecorded => self.report.unrecorded += 1,
                Sent::LastWord => {
                    self.report.unrecorded += 1;
                    sides[1 - node].fenced_by_guard();
                }
                Sent::Never(why) => return self.forbid(place, Some(input.event), why),
            }
        }
        let differs = sides[node].input(input);
        self.differs(sides, node, differs);
        if let Some(why) = hold::one_acknowledges(sides) {
            self.both(sides, place, input.event, why);
        } else if let Some(why) = hold::one_answers(sides, node, input.now, &self.clocks) {
            self.both(sides, place, input.event, why);
        }
    }

    /// Two at once: what a witness is there to prevent, and what an operator may force.
    fn both<const H: usize>(&mut self, sides: &Sides<'_, H>, place: Place, event: Event, why: &'static str) {
        if hold::may_fork(sides) {
            self.broken(Assumption::NoPartition, 0, 0, place);
        } else {
            self.forbid(place, Some(event), why);
        }
    }

    /// A heartbeat that was sent at `sent` is heard.
    fn way<const H: usize>(&mut self, side: &Side<'_, H>, place: Place, sent: Tick) {
        let Some(timing) = side.replay.as_ref().map(|replay| replay.config().timing) else { return };
        let (late, apart) = self.clocks.heard(place.node, sent, place.now);
        self.broken(Assumption::Delay, timing.delay + timing.late, late, place);
        self.broken(Assumption::Drift, timing.drift, apart, place);
    }

    /// Notes what was seen, if it is more than was assumed.
    fn broken(&mut self, what: Assumption, bound: u64, worst: u64, first: Place) {
        if worst <= bound && what != Assumption::NoPartition {
            return;
        }
        match self.report.broken.iter_mut().find(|known| known.what == what) {
            Some(known) => {
                known.worst = known.worst.max(worst);
                known.times += 1;
            }
            None => self.report.broken.push(Broken { what, bound, worst, times: 1, first }),
        }
    }

    fn differs<const H: usize>(&mut self, sides: &Sides<'_, H>, node: usize, differs: Option<Difference>) {
        let Some(Difference { seq, what }) = differs else { return };
        let place = Place { seq, ..sides[node].place(node) };
        match what {
            Differs::Orders { input, .. } => {
                self.forbid(place, Some(input.event), "the recorded orders are not what the core gives");
            }
            Differs::State { .. } => {
                self.forbid(place, None, "the recorded core is not what its inputs lead to");
            }
        }
    }

    fn forbid(&mut self, at: Place, event: Option<Event>, why: impl Into<String>) {
        self.report.forbidden.get_or_insert(Forbidden { at, event, why: why.into() });
    }
}
