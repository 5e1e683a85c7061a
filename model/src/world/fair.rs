//! What must follow once faults cease: the recovery properties, as functions of one state.

use std::sync::atomic::{AtomicU64, Ordering};

use safetui_core::{Beat, Cause, Command, Event, Mark, Role, Status, Tick};

use super::{Budget, Cut, Given, Start, Step, World};
use crate::packed::print;

/// Does a pair heal from here, within how many ticks? Remembers the states from which it does, since fair runs
/// from different states soon meet.
#[derive(Debug)]
pub struct Healing {
    /// Prints, each at the place that it names; one that another has driven out is only judged again.
    healed: Vec<AtomicU64>,
}

const PLACES: usize = 1 << 16;

impl Default for Healing {
    fn default() -> Self {
        Self { healed: (0..PLACES).map(|_| AtomicU64::new(0)).collect() }
    }
}

impl Healing {
    /// Faults cease and both nodes run: is it PRIM and SECOND again, without any human, within `ticks`?
    pub fn heals(&self, settings: &Given, world: &World, ticks: u32) -> bool {
        let mut world = world.calm(settings);
        let mut path = Vec::new();
        for _ in 0..ticks {
            world.start_what_rules_stopped(settings);
            let known = path.last().is_some_and(|print| self.known(*print));
            if known || world.paired() || world.awaits_operator(settings) {
                for print in path {
                    self.remember(print);
                }
                return true;
            }
            world.fair_tick(settings, [true, true]);
            path.push(print(&world));
        }
        false
    }

    pub(crate) fn known(&self, print: u64) -> bool {
        self.healed[print as usize % PLACES].load(Ordering::Relaxed) == print
    }

    /// True, which is what is remembered.
    pub(crate) fn remember(&self, print: u64) -> bool {
        self.healed[print as usize % PLACES].store(print, Ordering::Relaxed);
        true
    }
}

/// One of the two loses power now and stays down; does the other serve within `ticks`?
pub fn survivor_serves(settings: &Given, world: &World, victim: usize, ticks: u32) -> bool {
    let mut world = world.clone();
    world.left = Budget::default();
    world.power_off(victim);
    let survivor = 1 - victim;
    for _ in 0..ticks {
        let alone = world.nodes[survivor].core.as_ref().is_some_and(|core| core.role() == Role::Alone);
        if alone && world.nodes[survivor].answers() {
            return true;
        }
        world.fair_tick(settings, [victim != 0, victim != 1]);
    }
    false
}

impl World {
    /// The same state with every fault repaired and none to come, and without the client.
    pub(super) fn calm(&self, settings: &Given) -> Self {
        let mut world = self.clone();
        world.surround(&self.surroundings().calm());
        for node in 0..2 {
            world.wires[node].detained = None;
            match &world.nodes[node].core {
                None => world.boot(settings, node, Command::Start),
                Some(core) if core.role() == Role::Stop => {
                    world.event(settings, node, Event::Ordered(Command::Start), None);
                }
                Some(_) => {}
            }
            if settings.budget.unplugs > 0 {
                world.event(settings, node, Event::Linked(true), None);
            }
        }
        world
    }

    /// What has become of the pair when nothing has failed for so long.
    pub fn after_calm(&self, settings: &Given, ticks: u32) -> Self {
        let mut world = self.calm(settings);
        for _ in 0..ticks {
            world.fair_tick(settings, [true, true]);
        }
        world
    }

    /// Is anything left to repair or to arrive? Doing so takes no time and leads to another state of this world, so
    /// who asks what becomes of this one may ask it there.
    ///
    /// That way has an end: each repair leaves one less, and whatever arrives one heartbeat less. Only nodes that
    /// answered each other for ever within one moment would go on; they number their heartbeats, and the last
    /// number is not taken for a heartbeat that will arrive.
    pub fn unsettled(&self) -> bool {
        let arrives = |to: usize| self.wires[to].iter().any(|flight| flight.beat.nth < u8::MAX);
        let works = |node: usize| self.can_copy(node) || self.can_apply(node) || self.report(node).is_some();
        self.cut != Cut::None || (0..2).any(|node| !self.nodes[node].runs() || arrives(node) || works(node))
    }

    /// One is PRIM, the other SECOND, both ready.
    pub fn paired(&self) -> bool {
        let is = |node: usize, role| {
            self.nodes[node]
                .core
                .as_ref()
                .is_some_and(|core| core.role() == role && core.status() == Status::Ready)
        };
        (is(0, Role::Prim) && is(1, Role::Second)) || (is(1, Role::Prim) && is(0, Role::Second))
    }

    /// Has that node a role that serves?
    pub fn serves(&self, node: usize) -> bool {
        self.nodes[node].core.as_ref().is_some_and(|core| core.role().serves())
    }

    /// Is there something that no machine can decide?
    fn awaits_operator(&self, settings: &Given) -> bool {
        self.is_forked() || (settings.budget.wipes > 0 && self.is_bereft())
    }

    /// The one disk that may have had more is empty now, and the other node cannot know.
    fn is_bereft(&self) -> bool {
        let waits = |node: usize, mark| {
            let core = self.nodes[node].core.as_ref();
            core.is_some_and(|core| core.role() == Role::Wait && core.record().mark == mark)
        };
        (waits(0, Mark::New) && waits(1, Mark::Shared)) || (waits(1, Mark::New) && waits(0, Mark::Shared))
    }

    /// One serves and the other waits for an operator to choose between two forks.
    fn is_forked(&self) -> bool {
        let is = |node: usize, serves: bool| {
            self.nodes[node].core.as_ref().is_some_and(|core| {
                let waits = core.role() == Role::Wait && core.cause() == Cause::Forked;
                if serves { core.role() == Role::Alone } else { waits }
            })
        };
        (is(0, true) && is(1, false)) || (is(1, true) && is(0, false))
    }

    /// Everything under way arrives, everything that can be done for the data is done, and time passes.
    pub(super) fn fair_tick(&mut self, settings: &Given, runs: [bool; 2]) {
        for (to, hears) in runs.into_iter().enumerate() {
            while hears && !self.wires[to].is_empty() {
                self.act(settings, Step::Deliver { to, at: 0 });
            }
            self.wires[to].clear();
        }
        for node in 0..2 {
            let steps = [
                (self.can_copy(node), Step::Copy(node)),
                (self.can_apply(node), Step::Apply(node)),
                (self.report(node).is_some(), Step::Report(node)),
                (self.can_arbitrate(settings, node), Step::Arbitrate(node)),
                (self.nodes[node].asked.is_some() || self.nodes[node].verdict.is_some(), Step::Verdict(node)),
            ];
            for (_, step) in steps.into_iter().filter(|(can, _)| *can) {
                self.take(settings, step);
            }
        }
        self.take(settings, Step::Tick { by: [1, 1] });
    }
}

impl World {
    /// The first state of a world.
    pub fn start(settings: &Given) -> Self {
        let mut world = Self::begin(settings);
        match settings.start {
            Start::First => {}
            Start::Ready => world.settle_in(settings),
            Start::Stray => {
                let stray = world.wires[0].iter().next().map(|flight| flight.beat);
                world.power_off(1);
                world.boot(settings, 1, Command::Start);
                world.settle_in(settings);
                world.wires[0].detained = stray.map(|beat| Beat { sent: Tick(0), nth: 0, ..beat });
                world.canonize();
            }
        }
        world.left = settings.budget;
        world
    }

    /// Runs undisturbed until the pair is ready, and has been for longer than any moment is remembered.
    ///
    /// # Panics
    /// If a pair without any fault does not get ready.
    fn settle_in(&mut self, settings: &Given) {
        for _ in 0..3 * super::BASE.0 {
            self.fair_tick(settings, [true, true]);
        }
        assert!(self.paired(), "an undisturbed pair gets ready: {}", settings.name);
    }
}
