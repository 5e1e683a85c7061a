//! The operator's own module, explored with growing numbers of faults: first none, then any one, then any two.
//!
//! A number of faults is either exhausted or not; what could not be exhausted in time is never called proved.

mod assume;
mod remedy;
mod scale;

use std::{
    collections::BTreeSet,
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use safetui_core::{
    Timing, Witness,
    rule::{Book, Set},
};
use serde::Serialize;
use stateright::{Checker, HasDiscoveries, Model};

pub use remedy::Remedy;
pub use scale::scaled;

use crate::{
    packed::{self, Explored, PackedPair},
    pair::Pair,
    property,
    story::{Line, Voice},
    verify::Verdict,
    world::{BASE, Budget, Settings, Step},
    worlds,
};

/// What of a module's configuration decides.
#[derive(Clone, Debug)]
pub struct Subject {
    pub voice: Voice,
    /// As it is configured, in milliseconds.
    pub timing: Timing,
    pub witness: Witness,
    /// Is it more than half of several routers that must answer?
    pub several: bool,
    /// Do heartbeats also travel reflected by the router?
    pub relay: bool,
    /// Does the secondary take over by itself?
    pub failover: bool,
    /// Does the module start with the machine?
    pub starts: bool,
    /// The failover rules.
    pub book: Book,
    /// The resources that are checked, any of which may fail.
    pub checked: Set,
}

/// How far to look.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Faults of each kind, and writes of the client.
    pub budget: Budget,
    /// Faults in all.
    pub faults: u8,
    pub time: Duration,
    pub threads: usize,
    /// The one property to look at; `None`: all.
    pub only: Option<&'static str>,
    /// Is the first violation enough?
    pub first: bool,
}

/// All runs with at most so many faults.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Level {
    pub faults: u8,
    pub states: usize,
    pub seconds: f64,
    /// Was every state seen that such runs reach?
    pub complete: bool,
}

/// What was found about one property.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    pub property: &'static str,
    pub verdict: Verdict,
    /// It holds in all runs with at most so many faults; `None`: not even that was exhausted.
    pub holds_up_to: Option<u8>,
    /// States in which it was judged.
    pub states: usize,
    /// The shortest counterexample.
    pub story: Vec<Line>,
    /// Its steps, those included that are not told.
    pub steps: usize,
    /// Was it looked for in order, so that there is no shorter one with as few faults?
    pub shortest: bool,
    pub remedy: Option<Remedy>,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    pub findings: Vec<Finding>,
    pub levels: Vec<Level>,
    /// Most faults that were asked for.
    pub faults: u8,
    /// The timers that were explored, in milliseconds.
    pub timing: Timing,
    /// What was assumed, in plain words.
    pub assumed: Vec<String>,
    /// Why nothing could be explored, if so.
    pub beyond: Option<String>,
}

impl Outcome {
    /// The worst of all properties; a run that a bound has cut is never better than inconclusive.
    pub fn verdict(&self) -> Verdict {
        let cut = self.levels.last().is_none_or(|level| !level.complete || level.faults < self.faults);
        let worst = self.findings.iter().map(|finding| finding.verdict).max();
        match worst.unwrap_or(Verdict::Inconclusive) {
            Verdict::Holds if cut => Verdict::Inconclusive,
            worst => worst,
        }
    }
}

/// A counterexample as it was found: the property, and the steps to it.
type Fallen = (&'static str, Vec<Step>);

/// Looks for counterexamples with ever more faults, until one is found, all are looked at, or time is over.
pub fn check(subject: &Subject, limits: &Limits, progress: &mut dyn FnMut(&str)) -> Outcome {
    let until = Instant::now() + limits.time;
    let timing = scaled(&subject.timing);
    let most = limits.faults.min(limits.budget.sum());
    let mut outcome = Outcome {
        findings: findings(limits.only),
        levels: Vec::new(),
        faults: most,
        timing: scale::in_millis(&timing, subject.timing.period),
        assumed: assume::assumed(subject, limits, most),
        beyond: None,
    };
    if timing.timeout + timing.guard + 2 > BASE.0 {
        let windows = timing.timeout + timing.guard;
        outcome.beyond = Some(format!("the windows are {windows} heartbeat periods long; make pulse longer"));
        return outcome;
    }
    for faults in 0..=most {
        progress(&format!("checking: every run with at most {}", counted(faults)));
        let settings = subject.settings(timing, &limits.budget, faults);
        let (level, fallen) = explore(&settings, limits, until);
        outcome.levels.push(level);
        note(&mut outcome.findings, &level);
        if !fallen.is_empty() {
            violations(&mut outcome, subject, limits, &settings, (fallen, until));
        }
        if outcome.findings.iter().any(|finding| finding.verdict == Verdict::Violated) || !level.complete {
            break;
        }
    }
    outcome
}

fn findings(only: Option<&'static str>) -> Vec<Finding> {
    let asked = property::claims().into_iter().filter(|name| only.is_none_or(|only| only == *name));
    let blank = |property: &'static str| Finding {
        property,
        verdict: Verdict::Inconclusive,
        holds_up_to: None,
        states: 0,
        story: Vec::new(),
        steps: 0,
        shortest: false,
        remedy: None,
    };
    asked.map(blank).collect()
}

/// `1 fault`, `2 faults`.
pub fn counted(faults: u8) -> String {
    if faults == 1 { "1 fault".into() } else { format!("{faults} faults") }
}

/// What a level says of every property, before its counterexamples are looked at.
fn note(findings: &mut [Finding], level: &Level) {
    for finding in findings {
        finding.states = finding.states.max(level.states);
        finding.verdict = if level.complete { Verdict::Holds } else { Verdict::Inconclusive };
        if level.complete {
            finding.holds_up_to = Some(level.faults);
        }
    }
}

/// Tells each counterexample, and looks for what would have prevented it.
fn violations(
    outcome: &mut Outcome,
    subject: &Subject,
    limits: &Limits,
    settings: &Settings,
    (fallen, until): (Vec<Fallen>, Instant),
) {
    let pair = Pair::new(settings.clone());
    let ordered =
        if limits.threads > 1 { in_order(settings, limits, &fallen, until) } else { fallen.clone() };
    for (name, steps) in fallen {
        let shortest = ordered.iter().find(|(other, _)| *other == name).map(|(_, steps)| steps.clone());
        let Some(finding) = outcome.findings.iter_mut().find(|finding| finding.property == name) else {
            continue;
        };
        finding.verdict = Verdict::Violated;
        finding.holds_up_to = settings.faults.checked_sub(1);
        finding.shortest = shortest.is_some();
        let steps = shortest.unwrap_or(steps);
        finding.steps = steps.len();
        finding.story = subject.voice.tell(&pair, name, &steps);
        finding.remedy = Some(remedy::find(subject, limits, &steps, (name, settings.faults, until)));
    }
}

/// Several threads do not look at states in order: what one alone finds, no deeper than they went, is the shortest.
fn in_order(settings: &Settings, limits: &Limits, fallen: &[Fallen], until: Instant) -> Vec<Fallen> {
    let longest = fallen.iter().map(|(_, steps)| steps.len()).max().unwrap_or(0);
    let alone = Limits { threads: 1, ..limits.clone() };
    // The first state has depth one, and stateright does not judge the states at the bound.
    explore_to(settings, &alone, until, NonZeroUsize::new(longest + 2)).1
}

/// Explores every run of one world, until it is exhausted or time is over.
///
/// To judge all properties at once is the faster way, and enough where nothing falls.
fn explore(settings: &Settings, limits: &Limits, until: Instant) -> (Level, Vec<Fallen>) {
    let started = Instant::now();
    let Explored { states, fallen, .. } = packed::explore(&bounded(settings, limits, until), limits.threads);
    match fallen {
        Some((name, path)) if name != property::IN_TIME => {
            let (level, fallen) = explore_to(settings, limits, until, None);
            // What has been found stays found, though time may have been over before all else was.
            let first = fallen.is_empty().then(|| (name, path.into_actions()));
            (level, fallen.into_iter().chain(first).collect())
        }
        late => {
            let seconds = started.elapsed().as_secs_f64();
            (Level { faults: settings.faults, states, seconds, complete: late.is_none() }, Vec::new())
        }
    }
}

fn bounded(settings: &Settings, limits: &Limits, until: Instant) -> Pair {
    Pair { until: Some(until), only: limits.only, ..Pair::new(settings.clone()) }
}

fn explore_to(
    settings: &Settings,
    limits: &Limits,
    until: Instant,
    depth: Option<NonZeroUsize>,
) -> (Level, Vec<Fallen>) {
    let started = Instant::now();
    let pair = bounded(settings, limits, until);
    // Who asks for one property wants nothing more once it has fallen; otherwise the others are looked at too.
    let first = limits.first || limits.only.is_some();
    let all = || HasDiscoveries::AnyOf(BTreeSet::from([property::IN_TIME]));
    let bound = if first { HasDiscoveries::AnyFailures } else { all() };
    let mut builder = PackedPair::each(pair).checker().threads(limits.threads).finish_when(bound);
    if let Some(depth) = depth {
        builder = builder.target_max_depth(depth.get());
    }
    let checker = builder.spawn_bfs().join();
    let mut found = checker.discoveries();
    let in_time = found.remove(property::IN_TIME).is_none();
    let asked = findings(limits.only);
    let path = |it: &Finding| Some((it.property, found.remove(it.property)?.into_actions()));
    let fallen: Vec<Fallen> = asked.iter().filter_map(path).collect();
    let level = Level {
        faults: settings.faults,
        states: checker.unique_state_count(),
        seconds: started.elapsed().as_secs_f64(),
        complete: in_time && (fallen.is_empty() || !first),
    };
    (level, fallen)
}

impl Subject {
    /// The world of this module, with at most so many of the faults that `budget` allows.
    fn settings(&self, timing: Timing, budget: &Budget, faults: u8) -> Settings {
        let cuts = match self.witness {
            Witness::None => worlds::PLAIN,
            Witness::Router if self.several => worlds::SEVERAL,
            Witness::Router | Witness::Arbiter => worlds::ANY,
        };
        Settings {
            name: "the module",
            timing,
            witness: self.witness,
            budget: if faults == 0 { Budget { writes: budget.writes, ..Budget::default() } } else { *budget },
            faults,
            failover: self.failover,
            strict: true,
            delay: timing.delay as u8,
            relay: self.relay,
            cuts,
            ..worlds::CALM
        }
        .watching(&self.book, self.checked, self.timing.period)
    }
}
