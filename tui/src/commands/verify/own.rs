//! The check of an operator's own module: its configuration read as `confcheck` reads it, explored, and told.

use std::{env, path::Path};

use safetui_core::Witness;
use safetui_model::{
    own::{Finding, Limits, Outcome, Subject, check, counted},
    story::Voice,
    verify::Verdict,
    world::Budget,
};
use safetui_net::{
    api::exit::Exit,
    config::{self, Boot, Cluster, Loaded, Module, Splitbrain, cluster, load_apart, module},
    driver::{spans, timing, witness},
};
use serde::Serialize;

use super::{VerifyArgs, exit, junit, word};
use crate::{
    commands::config::{invalid, warn},
    context::Context,
    failure::{Failure, seen},
    files,
    output::{Tone, align, clean, lines, plain, say},
};

/// The result as a document.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    schema: &'static str,
    pub(super) file: String,
    pub(super) verdict: Verdict,
    nodes: &'a [String],
    /// As a story calls it; `None`: there is none.
    witness: Option<&'a str>,
    pulse_ms: u64,
    timeout_ms: u64,
    guard_ms: u64,
    /// Why the agent would refuse these timers, if it would.
    pub(super) refused: Option<String>,
    #[serde(flatten)]
    pub(super) outcome: &'a Outcome,
}

pub(super) fn run(cx: &Context, args: &VerifyArgs, file: &Path, threads: usize) -> Result<Exit, Failure> {
    let (cluster, loaded) = read(cx, args, file)?;
    warn(&loaded.warnings);
    let subject = subject(&cluster, &loaded.module);
    let refused = timing(&loaded.module.heart, loaded.module.splitbrain.as_ref()).err();
    let mut limits = limits(args, threads);
    if subject.checked.is_empty() {
        limits.budget.failures = 0;
    }
    if refused.is_some() {
        // What such timers do shows when the network changes twice, and one way to see it is enough.
        limits.budget.cuts = limits.budget.cuts.max(2);
        limits.first = true;
    }
    let outcome = check(&subject, &limits, &mut |what| say(what));
    let verdict = if refused.is_some() { Verdict::Violated } else { outcome.verdict() };
    let report = Report {
        schema: "safetui.verify/v1",
        file: file.display().to_string(),
        verdict,
        nodes: &subject.voice.nodes,
        witness: (subject.witness != Witness::None).then_some(&subject.voice.witness),
        pulse_ms: subject.timing.period,
        timeout_ms: subject.timing.timeout,
        guard_ms: subject.timing.guard,
        refused,
        outcome: &outcome,
    };
    seen(show(cx, args, &report))?;
    Ok(exit(verdict))
}

fn read(cx: &Context, args: &VerifyArgs, file: &Path) -> Result<(Cluster, Loaded), Failure> {
    let name = cx.options.module.as_deref().unwrap_or("module");
    let variable = |name: &str| env::var(name).ok();
    let Some(xml) = &args.cluster else {
        return load_apart(file, name, &variable).map_err(|found| invalid(file, &found));
    };
    let cluster = cluster::load(xml).map_err(|found| invalid(xml, &found))?;
    let loaded =
        module::load_to_verify(file, name, &cluster, &variable).map_err(|found| invalid(file, &found))?;
    Ok((cluster, loaded))
}

/// What of the configuration decides.
fn subject(cluster: &Cluster, module: &Module) -> Subject {
    let splitbrain = module.splitbrain.as_ref();
    let timing = spans(&module.heart, splitbrain);
    let voice = Voice {
        nodes: nodes(cluster, module),
        tick: Some(timing.period),
        witness: splitbrain.map_or_else(|| "anybody".into(), called),
        resources: module.watched.resources(),
    };
    Subject {
        voice,
        timing,
        witness: witness(splitbrain),
        several: splitbrain
            .is_some_and(|it| matches!(&it.witness, config::Witness::Routers(all) if all.len() > 1)),
        relay: splitbrain.is_some_and(|witness| witness.relay),
        failover: module.failover,
        starts: module.boot == Boot::On,
        book: module.watched.book,
        checked: module.watched.numbers(),
    }
}

/// The two nodes of the module's networks, which the configuration has checked to agree.
fn nodes(cluster: &Cluster, module: &Module) -> [String; 2] {
    let network = module.heart.networks.first().and_then(|name| cluster.lan(name));
    let mut names = network.into_iter().flat_map(|lan| &lan.addrs).map(|addr| clean(&addr.node));
    let mut name = || names.next().unwrap_or_default();
    [name(), name()]
}

/// How a story calls it.
fn called(splitbrain: &Splitbrain) -> String {
    match &splitbrain.witness {
        config::Witness::Arbiter(server) => format!("the arbiter {server}"),
        config::Witness::Routers(routers) if routers.len() == 1 => format!("router {}", splitbrain.witness),
        config::Witness::Routers(_) => format!("a majority of the routers {}", splitbrain.witness),
    }
}

fn limits(args: &VerifyArgs, threads: usize) -> Limits {
    let VerifyArgs { crashes, cuts, pauses, failures, .. } = *args;
    let writes = args.writes.unwrap_or(Budget::ANY);
    Limits {
        budget: Budget { crashes, cuts, pauses, failures, writes, ..Budget::default() },
        faults: args.faults,
        time: args.budget,
        threads,
        only: args.property,
        first: false,
    }
}

fn show(cx: &Context, args: &VerifyArgs, report: &Report<'_>) -> Result<(), Failure> {
    match args.junit.as_deref() {
        Some(path) if path == Path::new("-") => return Ok(lines(&[junit::suite(report)])?),
        Some(path) => files::write(path, junit::suite(report).as_bytes())?,
        None => {}
    }
    if cx.output.json() {
        cx.output.document(report)?;
    } else if cx.output.plain() {
        let bare = |_: Tone, word: &str| word.to_string();
        lines(&plain(&rows(report, &bare)))?;
    } else {
        lines(&text(cx, args, report))?;
    }
    Ok(())
}

fn rows(report: &Report<'_>, mark: &dyn Fn(Tone, &str) -> String) -> Vec<Vec<String>> {
    let row = |it: &Finding| vec![word(it.verdict, mark), it.property.to_string(), extent(it)];
    report.outcome.findings.iter().map(row).collect()
}

/// How far a finding reaches.
pub(super) fn extent(finding: &Finding) -> String {
    let states = finding.states;
    match (finding.verdict, finding.holds_up_to) {
        (Verdict::Violated, held) => {
            format!("with {}, in {} steps", counted(held.map_or(0, |held| held + 1)), finding.steps)
        }
        (Verdict::Holds, Some(held)) => format!("up to {}, complete: {states} states", counted(held)),
        (_, Some(held)) => {
            format!("complete up to {}; with more, {states} states seen and not all", counted(held))
        }
        (_, None) => format!("{states} states seen and not all"),
    }
}

fn text(cx: &Context, args: &VerifyArgs, report: &Report<'_>) -> Vec<String> {
    let outcome = report.outcome;
    let mut out = head(report);
    if let Some(why) = &outcome.beyond {
        out.push(format!("inconclusive: nothing was explored: {why}"));
        return out;
    }
    out.push(String::new());
    out.extend(align(&rows(report, &|tone, word| cx.output.paint(tone, word))));
    for finding in outcome.findings.iter().filter(|finding| !finding.story.is_empty()) {
        tell(finding, &mut out);
    }
    out.push(String::new());
    out.push("taken for granted:".into());
    out.extend(outcome.assumed.iter().map(|line| format!("  - {line}")));
    if report.verdict == Verdict::Inconclusive {
        let budget = humantime::format_duration(args.budget);
        out.push(format!(
            "this is no proof: the time was over (--budget {budget}); a longer one goes on, --faults 1 asks for less"
        ));
    }
    out
}

/// What was checked, and with which timers.
fn head(report: &Report<'_>) -> Vec<String> {
    let Report { pulse_ms, timeout_ms, guard_ms, .. } = report;
    let explored = &report.outcome.timing;
    let (nodes, witness) = (report.nodes.join(" and "), report.witness.unwrap_or("no witness"));
    let mut out = vec![format!(
        "{}: {nodes}, {witness}; pulse {pulse_ms} ms, timeout {timeout_ms} ms, guard {guard_ms} ms",
        clean(&report.file)
    )];
    if (explored.timeout, explored.guard) != (*timeout_ms, *guard_ms) {
        out.push(format!(
            "explored with timeout {} ms and guard {} ms, which leave no more room than they must",
            explored.timeout, explored.guard
        ));
    }
    if let Some(why) = &report.refused {
        out.push(format!("VIOLATED: the agent refuses these timers: {why}"));
    }
    out
}

fn tell(finding: &Finding, out: &mut Vec<String>) {
    let shortest = if finding.shortest { "the shortest way" } else { "one way" };
    out.push(String::new());
    out.push(format!("how \"{}\" falls ({shortest}):", finding.property));
    out.extend(finding.story.iter().map(|line| format!("  {line}")));
    out.extend(advice(finding).into_iter().map(|line| format!("  {line}")));
}

/// What would have prevented it.
pub(super) fn advice(finding: &Finding) -> Vec<String> {
    let Some(remedy) = &finding.remedy else { return Vec::new() };
    let mut out = vec![format!("it takes for granted that {}", remedy.assumption)];
    match (&remedy.setting, remedy.states) {
        (Some(setting), Some(states)) => {
            out.push(format!("what prevents it: {setting}"));
            out.push(format!("checked: with that it holds, in {states} states"));
        }
        (Some(setting), None) => {
            out.push(format!("what may prevent it: {setting}"));
            out.push("(no counterexample with that, but there was no time to look at all states)".into());
        }
        (None, _) => out.push("no setting prevents it".into()),
    }
    out
}
