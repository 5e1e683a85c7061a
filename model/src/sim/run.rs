//! Hours of simulation, each with a seed of its own.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use safetui_core::{Config, Rules, Timing, Witness, rule::Book};
use serde::Serialize;

use super::{
    Profile, World,
    clock::{Moment, SECOND},
    fault::{HOUR, Round, script},
    property::Broken,
    shrink::shrink,
    story::Violation,
};

/// What the agent runs a pair with that has `<heart>` and `<splitbrain exec="ping">` without attributes.
pub const TIMING: Timing =
    Timing { period: 100, timeout: 1000, guard: 500, gap: 150, delay: 20, late: 50, drift: 2, losses: 1 };

/// Between two questions to the witness.
pub(super) const ASK_EVERY: u64 = TIMING.period / 2;

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Of the first hour; each later hour has the next.
    pub seed: u64,
    pub hours: u64,
    pub profile: Profile,
    pub rules: Rules,
}

impl Options {
    /// One of the hours by itself.
    pub(super) const fn hour(&self, hour: u64) -> Self {
        Self { seed: self.seed.wrapping_add(hour), hours: 1, ..*self }
    }
}

/// What a seed's hour takes place in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surroundings {
    pub witness: Witness,
    /// Does the router reflect heartbeats?
    pub reflects: bool,
}

impl Surroundings {
    /// Of eight hours one has no witness, one an arbiter and one a router that does not reflect.
    pub const fn of(seed: u64) -> Self {
        match seed % 8 {
            7 => Self { witness: Witness::None, reflects: false },
            6 => Self { witness: Witness::Router, reflects: false },
            5 => Self { witness: Witness::Arbiter, reflects: false },
            _ => Self { witness: Witness::Router, reflects: true },
        }
    }

    pub(super) const fn config(self, node: usize, rules: Rules) -> Config {
        let timing = match self.witness {
            Witness::None => Timing { gap: ASK_EVERY, losses: 2, ..TIMING },
            Witness::Router | Witness::Arbiter => TIMING,
        };
        Config { timing, witness: self.witness, failover: true, first: node == 0, rules, book: Book::EMPTY }
    }
}

/// What happened, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Inputs that the two cores took.
    pub events: u64,
    pub rounds: u64,
    pub faults: u64,
    /// Operators' commands that were obeyed.
    pub orders: u64,
    pub takeovers: u64,
    pub contests_lost: u64,
    /// Rounds in which the surroundings went beyond the assumptions.
    pub strained: u64,
    /// Forks, all of them in such rounds.
    pub forks: u64,
    pub writes_acknowledged: u64,
    /// Acknowledged writes of the side that an operator did not choose.
    pub writes_given_up: u64,
    pub slowest_recovery_ms: u64,
}

/// The whole result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    pub seed: u64,
    pub profile: Profile,
    /// Simulated, of the time of one pair.
    pub seconds: u64,
    pub tally: Tally,
    pub violation: Option<Violation>,
}

impl Tally {
    fn add(&mut self, hour: &Self) {
        self.events += hour.events;
        self.rounds += hour.rounds;
        self.faults += hour.faults;
        self.orders += hour.orders;
        self.takeovers += hour.takeovers;
        self.contests_lost += hour.contests_lost;
        self.strained += hour.strained;
        self.forks += hour.forks;
        self.writes_acknowledged += hour.writes_acknowledged;
        self.writes_given_up += hour.writes_given_up;
        self.slowest_recovery_ms = self.slowest_recovery_ms.max(hour.slowest_recovery_ms);
    }
}

/// Simulates the hours on so many threads, up to the first that has a violation; tells how many are done. What comes
/// out does not depend on the threads.
pub fn run(options: &Options, threads: usize, progress: &(dyn Fn(u64) + Sync)) -> Report {
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let end = AtomicU64::new(options.hours);
    let hours = Mutex::new(BTreeMap::new());
    let work = || {
        loop {
            let hour = next.fetch_add(1, Ordering::SeqCst);
            if hour >= end.load(Ordering::SeqCst) {
                return;
            }
            let world = play(&options.hour(hour), &script(options.hour(hour).seed, options.profile), false);
            if world.broken.is_some() {
                end.fetch_min(hour + 1, Ordering::SeqCst);
            }
            progress(done.fetch_add(1, Ordering::SeqCst) + 1);
            let outcome = (world.now, world.tally(), world.broken);
            hours.lock().unwrap_or_else(PoisonError::into_inner).insert(hour, outcome);
        }
    };
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let hours = hours.into_inner().unwrap_or_else(PoisonError::into_inner);
    report(options, hours.into_iter().take_while(|(hour, _)| *hour < end.load(Ordering::SeqCst)))
}

type Outcome = (Moment, Tally, Option<Broken>);

fn report(options: &Options, hours: impl Iterator<Item = (u64, Outcome)>) -> Report {
    let mut report = Report {
        seed: options.seed,
        profile: options.profile,
        seconds: 0,
        tally: Tally::default(),
        violation: None,
    };
    for (hour, (lasted, tally, broken)) in hours {
        report.seconds += lasted / SECOND;
        report.tally.add(&tally);
        report.violation = broken.map(|broken| shrink(&options.hour(hour), &broken, &tally));
    }
    report
}

/// A fresh pair, and those rounds.
pub(super) fn play(options: &Options, rounds: &[Round], tells: bool) -> World {
    let mut world = World::new(options, tells);
    world.recover();
    for round in rounds {
        if world.broken.is_some() || world.now >= HOUR {
            break;
        }
        world.play(options.seed, round);
    }
    world
}

impl World {
    /// The counts, with those of the ledger.
    fn tally(&self) -> Tally {
        let (acknowledged, given_up) = (self.ledger.acknowledged, self.ledger.given_up);
        Tally { writes_acknowledged: acknowledged, writes_given_up: given_up, ..self.tally }
    }
}
