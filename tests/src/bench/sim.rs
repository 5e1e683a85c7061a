//! How fast hours of a pair are simulated, by one thread.

use std::{env, process::Command, time::Instant};

use super::{Effort, Row, Tell, report::Samples};
use crate::{Error, Result};

/// Simulated in each round: a second or two.
const HOURS: u32 = 40;

/// One row for each profile.
pub(super) fn run(effort: Effort, tell: Tell<'_>) -> Result<Vec<Row>> {
    let this = env::current_exe().map_err(Error::os("find this program"))?;
    let safetui = this.with_file_name("safetui");
    ["calm", "rough"]
        .into_iter()
        .map(|profile| {
            tell(&format!("sim: {profile}"));
            let rounds = (0..effort.rounds).map(|round| {
                let mut command = Command::new(&safetui);
                let seed = 1000 * (round + 1);
                command.args(["sim", "--json", "--threads", "1", "--profile", profile]);
                command.args(["--hours", &HOURS.to_string(), "--seed", &seed.to_string()]);
                let began = Instant::now();
                let output = command.output().map_err(Error::os(format!("run {}", safetui.display())))?;
                let took = began.elapsed();
                let report = Error::check("safetui sim", &output)?;
                Ok(took.as_secs_f64() * 1000.0 / simulated_hours(&report)?)
            });
            Ok(Row {
                bench: "sim",
                row: format!("an hour of a pair, {profile}"),
                unit: "ms",
                ours: Samples(rounds.collect::<Result<_>>()?),
                peer: "-".into(),
                theirs: Samples::default(),
                floor: None,
            })
        })
        .collect()
}

/// A run simulates a little more than it was asked for: each hour ends with a round.
fn simulated_hours(report: &str) -> Result<f64> {
    let report: serde_json::Value = serde_json::from_str(report).map_err(|error| {
        Error::setup(format!("`safetui sim --json` said no JSON: {error}"), "build it anew")
    })?;
    Ok(report["seconds"].as_f64().unwrap_or_default() / 3600.0)
}
