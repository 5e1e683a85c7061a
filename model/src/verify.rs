//! The check itself, and the report over all worlds and mutants.

use std::time::Instant;

use serde::Serialize;
use stateright::{Expectation, Property};

use crate::{
    mutant::{self, Mutant},
    packed::{Explored, explore},
    pair::Pair,
    property, story,
    worlds::{self, Entry},
};

/// What was found about one property, over all worlds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Holds,
    /// A run did not cover what it should have covered.
    Inconclusive,
    Violated,
}

#[derive(Clone, Debug, Serialize)]
pub struct PropertyRow {
    pub name: &'static str,
    pub verdict: Verdict,
    /// States in which it was judged.
    pub states: usize,
    /// The shortest counterexample that was found, told step by step.
    pub story: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct WorldRow {
    pub name: &'static str,
    pub states: usize,
    /// Does the number equal the one that was pinned when the world was last looked at?
    pub complete: bool,
    pub seconds: f64,
}

#[derive(Clone, Debug, Serialize)]
pub struct MutantRow {
    pub rule: &'static str,
    /// The property that falls without the rule; `None`: the rule survived its removal.
    pub refuted_by: Option<&'static str>,
    /// Steps of the shortest counterexample.
    pub length: usize,
    pub world: &'static str,
    pub story: Vec<String>,
}

/// The whole result.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub properties: Vec<PropertyRow>,
    pub mutants: Vec<MutantRow>,
    pub worlds: Vec<WorldRow>,
    pub states: usize,
    pub states_per_second: f64,
}

impl Report {
    /// The worst of all: properties, mutants that survived, worlds that were not what they were.
    pub fn verdict(&self) -> Verdict {
        let survived = self.mutants.iter().any(|mutant| mutant.refuted_by.is_none());
        let changed = self.worlds.iter().any(|world| !world.complete);
        let worst = self.properties.iter().map(|row| row.verdict).max().unwrap_or(Verdict::Inconclusive);
        match (worst, survived, changed) {
            (Verdict::Violated, _, _) | (_, true, _) => Verdict::Violated,
            (Verdict::Inconclusive, _, _) | (_, _, true) => Verdict::Inconclusive,
            _ => Verdict::Holds,
        }
    }
}

/// Exhausts every world and refutes every mutant, saying which comes next through `progress`.
pub fn verify(threads: usize, progress: &mut dyn FnMut(&str)) -> Report {
    let mut report = Report {
        properties: property::all().into_iter().map(|property| blank(&property)).collect(),
        mutants: Vec::new(),
        worlds: Vec::new(),
        states: 0,
        states_per_second: 0.0,
    };
    let started = Instant::now();
    for entry in worlds::all() {
        progress(entry.settings.name);
        exhaust(entry, threads, &mut report);
    }
    report.states_per_second = report.states as f64 / started.elapsed().as_secs_f64();
    for mutant in mutant::all() {
        progress(mutant.rule);
        report.mutants.push(refute(&mutant, threads));
    }
    report
}

/// What is not yet found: an `always` holds until it falls, a `sometimes` must be seen once.
fn blank(property: &Property<Pair>) -> PropertyRow {
    let verdict = match property.expectation {
        Expectation::Sometimes => Verdict::Inconclusive,
        _ => Verdict::Holds,
    };
    PropertyRow { name: property.name, verdict, states: 0, story: Vec::new() }
}

/// Explores one world to its end.
pub fn exhaust(entry: Entry, threads: usize, report: &mut Report) {
    let started = Instant::now();
    let pair = Pair::new(entry.settings);
    let Explored { states, seen, fallen, .. } = explore(&pair, threads);
    for row in &mut report.properties {
        row.states += states;
        if seen.contains(&row.name) {
            row.verdict = Verdict::Holds;
        }
    }
    if let Some((name, path)) = fallen {
        let broken = report.properties.iter_mut().find(|row| row.name == name);
        if let Some(row) = broken.filter(|row| row.story.is_empty()) {
            row.verdict = Verdict::Violated;
            row.story = story::tell(&pair, name, path);
        }
    }
    report.states += states;
    report.worlds.push(WorldRow {
        name: pair.settings.name,
        states,
        complete: states == entry.states,
        seconds: started.elapsed().as_secs_f64(),
    });
}

/// Looks for the shortest way in which the protocol without one rule fails.
pub fn refute(mutant: &Mutant, threads: usize) -> MutantRow {
    let pair = Pair::new(mutant.settings.clone());
    let row = |refuted_by, length, story| MutantRow {
        rule: mutant.rule,
        refuted_by,
        length,
        world: mutant.settings.name,
        story,
    };
    match explore(&pair, threads).fallen {
        Some((name, path)) => {
            row(Some(name), path.clone().into_actions().len(), story::tell(&pair, name, path))
        }
        None => row(None, 0, Vec::new()),
    }
}
