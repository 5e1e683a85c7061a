//! `verify`: the proof of the protocol, and the check of an operator's own module.

mod junit;
mod own;
mod product;

use std::{path::PathBuf, thread, time::Duration};

use clap::Args;
use safetui_model::{property, verify::Verdict};
use safetui_net::api::exit::Exit;

use crate::{context::Context, failure::Failure, output::Tone};

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Check this module's configuration, instead of the protocol itself
    userconfig: Option<PathBuf>,
    /// Its cluster's configuration, for the names of its nodes
    #[arg(requires = "userconfig")]
    cluster: Option<PathBuf>,
    /// Power losses in one run, at most
    #[arg(long, default_value_t = 1, value_parser = few(), value_name = "N", requires = "userconfig")]
    crashes: u8,
    /// Changes of the network in one run, other than healing, at most
    #[arg(long, default_value_t = 1, value_parser = few(), value_name = "N", requires = "userconfig")]
    cuts: u8,
    /// Pauses of a node in one run, at most
    #[arg(long, default_value_t = 1, value_parser = few(), value_name = "N", requires = "userconfig")]
    pauses: u8,
    /// Failures of checked resources in one run, at most; two are one on each node, or one that comes and goes
    #[arg(long, default_value_t = 2, value_parser = few(), value_name = "N", requires = "userconfig")]
    failures: u8,
    /// Writes of the client in one run, at most [default: any number]
    #[arg(long, value_parser = few(), value_name = "N", requires = "userconfig")]
    writes: Option<u8>,
    /// Faults in one run, of all kinds together, at most
    #[arg(long, default_value_t = 2, value_parser = few(), value_name = "N", requires = "userconfig")]
    faults: u8,
    /// Time after which to end without a proof
    #[arg(long, default_value = "60s", value_parser = crate::cli::duration, value_name = "TIME", requires = "userconfig")]
    budget: Duration,
    /// Look at this property alone: its name, or a part of it that no other has
    #[arg(long, value_parser = named, value_name = "NAME", requires = "userconfig")]
    property: Option<&'static str>,
    /// Write the result for a build server too, `-` in place of the text
    #[arg(long, value_name = "FILE", requires = "userconfig")]
    junit: Option<PathBuf>,
    /// Threads that explore [default: as many as there are cores]
    #[arg(long)]
    threads: Option<usize>,
    /// Tell each counterexample, also those that removed rules must have
    #[arg(long, conflicts_with = "userconfig")]
    stories: bool,
    /// Print the tables of `model/README.md`
    #[arg(long, conflicts_with = "userconfig")]
    markdown: bool,
    /// Compare the tables that this file has with what is found; end with 1 if they differ
    #[arg(long, value_name = "FILE", conflicts_with = "userconfig")]
    check: Option<PathBuf>,
    /// Explore the large worlds too, which takes hours
    #[arg(long, conflicts_with_all = ["userconfig", "markdown", "check"])]
    nightly: bool,
    /// Search the least timers that hold, instead
    #[arg(long, conflicts_with = "userconfig")]
    timing: bool,
}

pub(crate) fn run(cx: &Context, args: &VerifyArgs) -> Result<Exit, Failure> {
    let threads = args.threads.or_else(|| thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
    match &args.userconfig {
        Some(file) => own::run(cx, args, file, threads.max(1)),
        None => product::run(cx, args, threads.max(1)),
    }
}

/// More would never end.
fn few() -> clap::builder::RangedI64ValueParser<u8> {
    clap::value_parser!(u8).range(0..=9)
}

/// The property that is meant.
fn named(part: &str) -> Result<&'static str, String> {
    let names = property::claims();
    let part = part.to_lowercase();
    let fits: Vec<&str> = names.iter().copied().filter(|name| name.to_lowercase().contains(&part)).collect();
    if let [name] = fits[..] {
        return Ok(name);
    }
    let (why, which) = if fits.is_empty() { ("no property is", names) } else { ("several are", fits) };
    Err(format!("{why} so named; there are: {}", which.join("; ")))
}

const fn exit(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Holds => Exit::Ok,
        Verdict::Violated => Exit::Violation,
        Verdict::Inconclusive => Exit::Inconclusive,
    }
}

/// The verdict as it is shown.
fn word(verdict: Verdict, mark: &dyn Fn(Tone, &str) -> String) -> String {
    match verdict {
        Verdict::Holds => mark(Tone::Good, "holds"),
        Verdict::Violated => mark(Tone::Bad, "VIOLATED"),
        Verdict::Inconclusive => mark(Tone::Moving, "inconclusive"),
    }
}
