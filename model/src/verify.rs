//! The check itself, and the report over all worlds and mutants.

use std::{
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Instant,
};

use serde::Serialize;
use stateright::{Expectation, Property};

use crate::{
    mutant::{self, Mutant},
    packed::{Explored, explore},
    pair::Pair,
    property, story,
    worlds::Entry,
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
    /// What falls without an assumption that the worlds make about their surroundings.
    pub limits: Vec<MutantRow>,
    pub worlds: Vec<WorldRow>,
    pub states: usize,
    pub states_per_second: f64,
}

impl Report {
    /// The worst of all: properties, mutants that survived, worlds that were not what they were.
    pub fn verdict(&self) -> Verdict {
        let survived = self.mutants.iter().chain(&self.limits).any(|mutant| mutant.refuted_by.is_none());
        let changed = self.worlds.iter().any(|world| !world.complete);
        let worst = self.properties.iter().map(|row| row.verdict).max().unwrap_or(Verdict::Inconclusive);
        match (worst, survived, changed) {
            (Verdict::Violated, _, _) | (_, true, _) => Verdict::Violated,
            (Verdict::Inconclusive, _, _) | (_, _, true) => Verdict::Inconclusive,
            _ => Verdict::Holds,
        }
    }
}

/// Exhausts these worlds and refutes every mutant, saying what is done through `progress`.
pub fn verify(entries: &[Entry], threads: usize, progress: &mut dyn FnMut(&str)) -> Report {
    let mut report = Report::blank();
    let started = Instant::now();
    // Each world has a thread to itself, the largest first: several threads in one world would wait for each other.
    let explored = each(
        entries,
        threads,
        |entry| entry.states,
        explored,
        |entry| {
            progress(entry.settings.name);
        },
    );
    for world in explored {
        report.add(world);
    }
    report.states_per_second = report.states as f64 / started.elapsed().as_secs_f64();
    // One thread finds the shortest counterexample, and the same one each time.
    let mut refuted = |mutants: &[Mutant]| {
        each(mutants, threads, |_| 0, |mutant| refute(mutant, 1), |mutant| progress(mutant.rule))
    };
    report.mutants = refuted(&mutant::all());
    report.limits = refuted(&mutant::limits());
    report
}

fn explored(entry: &Entry) -> Report {
    let mut report = Report::blank();
    exhaust(entry.clone(), 1, &mut report);
    report
}

/// Does every piece of work, `threads` at a time, the heaviest first; the results are in the order of the work.
fn each<W: Sync, R: Send>(
    work: &[W],
    threads: usize,
    weight: impl Fn(&W) -> usize,
    job: impl Fn(&W) -> R + Sync,
    mut done: impl FnMut(&W),
) -> Vec<R> {
    let mut order: Vec<usize> = (0..work.len()).collect();
    order.sort_by_key(|at| usize::MAX - weight(&work[*at]));
    let (order, next, job) = (&order, &AtomicUsize::new(0), &job);
    let (sender, results) = mpsc::channel();
    let mut found: Vec<Option<R>> = work.iter().map(|_| None).collect();
    thread::scope(|scope| {
        for _ in 0..threads {
            let sender = sender.clone();
            scope.spawn(move || {
                while let Some(at) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // Nobody listens only when the caller has panicked.
                    _ = sender.send((*at, job(&work[*at])));
                }
            });
        }
        drop(sender);
        for (at, result) in results {
            done(&work[at]);
            found[at] = Some(result);
        }
    });
    found.into_iter().flatten().collect()
}

impl Report {
    /// Before anything is explored.
    pub fn blank() -> Self {
        Self {
            properties: property::all().into_iter().map(|property| blank(&property)).collect(),
            mutants: Vec::new(),
            limits: Vec::new(),
            worlds: Vec::new(),
            states: 0,
            states_per_second: 0.0,
        }
    }

    /// Adds what was found in further worlds.
    fn add(&mut self, other: Self) {
        self.states += other.states;
        self.worlds.extend(other.worlds);
        for (row, found) in self.properties.iter_mut().zip(other.properties) {
            row.states += found.states;
            row.verdict = match (row.verdict, found.verdict) {
                (Verdict::Violated, _) | (_, Verdict::Violated) => Verdict::Violated,
                (Verdict::Holds, _) | (_, Verdict::Holds) => Verdict::Holds,
                _ => Verdict::Inconclusive,
            };
            if row.story.is_empty() {
                row.story = found.story;
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_once_and_its_results_keep_its_order() {
        let work: Vec<usize> = (0..20).collect();
        let mut done = 0;
        let results = each(&work, 3, |it| *it, |it| it * 2, |_| done += 1);
        assert_eq!(results, work.iter().map(|it| it * 2).collect::<Vec<_>>());
        assert_eq!(done, work.len());
    }

    #[test]
    fn one_world_in_which_something_falls_is_enough() {
        let mut report = Report::blank();
        let mut bad = Report::blank();
        bad.properties[0].verdict = Verdict::Violated;
        bad.properties[0].story = vec!["story".into()];
        report.add(bad);
        report.add(Report::blank());
        assert_eq!((report.properties[0].verdict, report.properties[0].story.len()), (Verdict::Violated, 1));
        assert_eq!(report.properties[1].verdict, Verdict::Holds);
    }
}
