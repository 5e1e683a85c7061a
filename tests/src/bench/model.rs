//! What it costs to explore our worlds, beside the usual yardstick of the checker: two-phase commit with eight resource
//! managers. Each exploration has a process of its own, the example `explore` of the model, so that what it takes of
//! the memory can be seen.

use std::process::Command;

use serde::Deserialize;

use super::{Effort, Row, Tell, report::Samples};
use crate::{Error, Result};

/// The largest worlds of the check.
const WORLDS: [&str; 3] = ["a pause and a cut", "delays and a cut", "two cuts, also one-way"];
const YARDSTICK: &str = "2pc";
/// How many states the yardstick must have to be one.
const STATES: usize = 1_745_408;

/// What one exploration took.
#[derive(Deserialize)]
struct Taken {
    generated: usize,
    unique: usize,
    seconds: f64,
    grown: u64,
}

pub(super) fn run(effort: Effort, tell: Tell<'_>) -> Result<Vec<Row>> {
    // An exploration takes seconds and differs little from the next.
    let rounds = effort.rounds.div_ceil(2);
    let mut rows = Vec::new();
    for threads in [1, 2] {
        let mut of: Vec<[Row; 2]> = WORLDS.iter().map(|world| blank(world, threads)).collect();
        for round in 1..=rounds {
            tell(&format!("explores with {threads} threads, round {round} of {rounds}"));
            let theirs = explore(YARDSTICK, threads)?;
            assert_eq!(theirs.unique, STATES, "the yardstick is two-phase commit with eight managers");
            for (world, [pace, size]) in WORLDS.iter().zip(&mut of) {
                let ours = explore(world, threads)?;
                pace.ours.0.push(ours.pace());
                pace.theirs.0.push(theirs.pace());
                size.ours.0.push(ours.size());
                size.theirs.0.push(theirs.size());
            }
        }
        rows.extend(of.into_iter().flatten());
    }
    Ok(rows)
}

fn blank(world: &str, threads: usize) -> [Row; 2] {
    let row = |what: &str, unit| Row {
        bench: "model",
        row: format!("{world}, {threads} thread{}: {what}", if threads > 1 { "s" } else { "" }),
        unit,
        ours: Samples::default(),
        peer: "two-phase commit".into(),
        theirs: Samples::default(),
        floor: None,
    };
    [row("each generated state", "ns"), row("each unique state", "bytes")]
}

fn explore(world: &str, threads: usize) -> Result<Taken> {
    let mut program = std::env::current_exe().map_err(Error::os("find this program"))?;
    program.set_file_name("examples/explore");
    let what = format!("{} '{world}' {threads}", program.display());
    let output = Command::new(&program).args([world, &threads.to_string()]).output();
    let text = Error::check(&what, &output.map_err(Error::os(format!("run {what}")))?)?;
    serde_json::from_str(&text).map_err(Error::os(format!("read what {what} says")))
}

impl Taken {
    fn pace(&self) -> f64 {
        self.seconds * 1e9 / self.generated as f64
    }

    fn size(&self) -> f64 {
        self.grown as f64 / self.unique as f64
    }
}
