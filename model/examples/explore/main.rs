//! `explore WORLD THREADS`: exhausts one world, or the yardstick `2pc`, in a process of its own, and prints what it
//! took as one JSON object. `scripts/bench model` compares them.

mod two_phase;

use std::{env, fs, process::ExitCode, time::Instant};

use safetui_model::{
    packed::PackedPair,
    pair::Pair,
    worlds::{self, Entry},
};
use serde::Serialize;
use stateright::{Checker, Expectation, HasDiscoveries, Model};

/// What an exploration took.
#[derive(Serialize)]
struct Taken {
    /// States that were generated, most of them more than once.
    generated: usize,
    unique: usize,
    seconds: f64,
    /// Nothing fell, so the whole world was explored.
    held: bool,
    /// Bytes by which the process grew at most.
    grown: u64,
}

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let [world, threads] = &args[..] else { return usage() };
    let Ok(threads) = threads.parse() else { return usage() };
    let taken = if world == "2pc" {
        explore(two_phase::TwoPhase { managers: 8 }, threads)
    } else if let Some(entry) = entries().find(|entry| entry.settings.name == world) {
        explore(PackedPair::whole(Pair::new(entry.settings)), threads)
    } else {
        return usage();
    };
    println!("{}", serde_json::to_string(&taken).expect("numbers have a JSON form"));
    ExitCode::SUCCESS
}

fn entries() -> impl Iterator<Item = Entry> {
    worlds::all().into_iter().chain(worlds::nightly())
}

fn usage() -> ExitCode {
    eprintln!("usage: explore WORLD THREADS\n\nWORLD is 2pc, or one of:");
    for entry in entries() {
        eprintln!("  {}", entry.settings.name);
    }
    ExitCode::from(2)
}

fn explore<M>(model: M, threads: usize) -> Taken
where
    M: Model + Send + Sync + 'static,
    M::State: Send + Sync + std::hash::Hash,
    M::Action: Send + Sync,
{
    let before = resident("VmRSS:");
    let started = Instant::now();
    let checker =
        model.checker().threads(threads).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    Taken {
        generated: checker.state_count(),
        unique: checker.unique_state_count(),
        held: holds(&checker),
        seconds: started.elapsed().as_secs_f64(),
        grown: resident("VmHWM:").saturating_sub(before),
    }
}

/// Whatever must hold does; what must merely be possible may be found or not.
fn holds<M: Model>(checker: &impl Checker<M>) -> bool {
    let always = checker.model().properties().into_iter().filter(|it| it.expectation == Expectation::Always);
    always.into_iter().all(|property| checker.discovery(property.name).is_none())
}

/// Bytes that `/proc/self/status` states under `key`.
fn resident(key: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() * 1024
}
