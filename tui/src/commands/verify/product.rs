//! The proof of the protocol: exhausts the worlds around the core, and refutes it without each of its rules.

use std::{fs, path::Path};

use safetui_model::{
    markdown,
    search::{Row, SURROUNDINGS, least_timeout},
    verify::{MutantRow, PropertyRow, Report, Verdict, WorldRow, verify},
    worlds,
};
use safetui_net::api::exit::Exit;

use super::{VerifyArgs, exit};
use crate::{
    context::Context,
    failure::{Failure, seen},
    output::{Tone, align, clean, lines, plain, say},
};

pub(super) fn run(cx: &Context, args: &VerifyArgs, threads: usize) -> Result<Exit, Failure> {
    if args.timing {
        return timing(cx, threads);
    }
    // Before the long work: a file that cannot be read is known at once.
    let committed = args.check.as_deref().map(document).transpose()?;
    let mut entries = worlds::all();
    if args.nightly {
        entries.extend(worlds::nightly());
    }
    let report = verify(&entries, threads, &mut |what| say(&format!("checked: {what}")));
    let differences = committed.map_or_else(Vec::new, |text| markdown::differences(&text, &report));
    let shown = if args.markdown {
        lines(&[markdown::tables(&report).trim_end()])
    } else if cx.output.json() {
        cx.output.document(&report)
    } else if cx.output.plain() {
        lines(&plain(&rows(cx, &report, true)))
    } else {
        lines(&text(cx, &report, args.stories))
    };
    seen(shown.map_err(Failure::from))?;
    if differences.is_empty() || report.verdict() != Verdict::Holds {
        return Ok(exit(report.verdict()));
    }
    say("the committed tables are not what was found; put there what `safetui verify --markdown` prints:");
    for line in differences {
        say(&clean(&line));
    }
    Ok(Exit::Failed)
}

fn document(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| Failure::read(file, &error))
}

/// The table of least timeouts, row by row as they are found.
fn timing(cx: &Context, threads: usize) -> Result<Exit, Failure> {
    let rows: Vec<Row> = SURROUNDINGS
        .into_iter()
        .map(|surroundings| {
            say(&format!("searching: delay, gap, losses = {surroundings:?}"));
            least_timeout(surroundings, threads)
        })
        .collect();
    let cells = |row: &Row| {
        let below =
            row.below.map_or_else(String::new, |(name, steps)| format!("not \"{name}\", {steps} steps"));
        let numbers = [row.delay, row.gap, row.losses, row.found, row.demanded];
        numbers.map(|number| number.to_string()).into_iter().chain([below]).collect()
    };
    let titles = ["delay", "gap", "losses", "least timeout", "demanded", "one period less"];
    cx.output.table(&rows, &titles, rows.iter().map(cells).collect())?;
    let holds = rows.iter().all(|row| row.demanded >= row.found);
    Ok(if holds { Exit::Ok } else { Exit::Violation })
}

/// Everything as records; without marks and colours when `bare`.
fn rows(cx: &Context, report: &Report, bare: bool) -> Vec<Vec<String>> {
    let mark = |tone, word: &str| if bare { word.into() } else { cx.output.paint(tone, word) };
    let mut rows: Vec<Vec<String>> = report.properties.iter().map(|row| property(row, &mark)).collect();
    rows.extend(report.mutants.iter().chain(&report.limits).map(|row| mutant(row, &mark)));
    rows.extend(report.worlds.iter().map(|row| world(row, &mark)));
    rows
}

fn property(row: &PropertyRow, mark: &dyn Fn(Tone, &str) -> String) -> Vec<String> {
    vec![super::word(row.verdict, mark), row.name.into(), format!("{} states", row.states)]
}

fn mutant(row: &MutantRow, mark: &dyn Fn(Tone, &str) -> String) -> Vec<String> {
    let name = format!("without {}", row.rule);
    match row.refuted_by {
        Some(property) => {
            vec![mark(Tone::Good, "refuted"), name, format!("{} steps: not \"{property}\"", row.length)]
        }
        None => vec![mark(Tone::Bad, "SURVIVED"), name, format!("in: {}", row.world)],
    }
}

fn world(row: &WorldRow, mark: &dyn Fn(Tone, &str) -> String) -> Vec<String> {
    let verdict = if row.complete { mark(Tone::Good, "exhausted") } else { mark(Tone::Moving, "changed") };
    vec![verdict, row.name.into(), format!("{} states, {:.1} s", row.states, row.seconds)]
}

fn text(cx: &Context, report: &Report, stories: bool) -> Vec<String> {
    let mut out = align(&rows(cx, report, false));
    out.push(format!("{} states, {:.0} a second", report.states, report.states_per_second));
    let broken = report.properties.iter().filter(|row| !row.story.is_empty());
    for row in broken {
        tell(&format!("how \"{}\" falls", row.name), &row.story, &mut out);
    }
    for row in report.mutants.iter().chain(&report.limits).filter(|_| stories) {
        tell(&format!("what happens without {} ({})", row.rule, row.world), &row.story, &mut out);
    }
    if report.worlds.iter().any(|world| !world.complete) {
        out.push(
            "a world has not the number of states that it had when it was last looked at: no proof".into(),
        );
    }
    out
}

fn tell(title: &str, story: &[String], out: &mut Vec<String>) {
    out.push(String::new());
    out.push(format!("{title}:"));
    out.push("  tick".into());
    out.extend(story.iter().map(|line| format!("  {line}")));
}
