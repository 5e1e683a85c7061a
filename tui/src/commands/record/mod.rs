//! `record`: what the core of a module was given, shown or put into a file.

pub(crate) mod merge;
pub(crate) mod play;
pub(crate) mod words;

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use clap::{Args, Subcommand};
use safetui_core::Event;
use safetui_model::replay::Decided;
use safetui_net::{
    api::exit::Exit,
    driver::record::HISTORY,
    recorder::{ExportError, Unreadable, export},
};
use serde::Serialize;

use crate::{
    cli::duration,
    context::Context,
    failure::Failure,
    output::{Tone, clean, lines},
};
use play::{Life, Scene, play, unreadable};

#[derive(Debug, Subcommand)]
pub(crate) enum RecordVerb {
    /// Write what a module's core was given to a file
    Export(ExportArgs),
    /// Show what a module's core was given, and what it ordered
    Show {
        /// Exported file; without one, the record of the module on this node
        file: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// How far back, such as `10m`; all that is kept unless named
    #[arg(long, value_parser = duration, value_name = "TIME")]
    since: Option<Duration>,
    /// File to write, which must not exist
    file: PathBuf,
}

pub(crate) fn run(cx: &Context, verb: &RecordVerb) -> Result<Exit, Failure> {
    match verb {
        RecordVerb::Export(args) => run_export(cx, args),
        RecordVerb::Show { file: Some(file) } => show(cx, file),
        RecordVerb::Show { file: None } => show(cx, &ring(cx)?),
    }
}

/// The record of the module that is meant.
fn ring(cx: &Context) -> Result<PathBuf, Failure> {
    let path = cx.paths.flight(&cx.installed_module()?);
    if path.is_dir() { Ok(path) } else { Err(unreadable(&path, &Unreadable::Nothing { path: path.clone() })) }
}

fn run_export(cx: &Context, args: &ExportArgs) -> Result<Exit, Failure> {
    #[derive(Serialize)]
    struct Exported<'a> {
        file: &'a Path,
        inputs: u64,
        bytes: u64,
    }
    let ring = ring(cx)?;
    let since = args.since.and_then(|since| SystemTime::now().checked_sub(since));
    let wall = since.and_then(|since| since.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let exported = export(&ring, wall.as_millis() as u64, &args.file).map_err(|error| match error {
        ExportError::Read(error) => unreadable(&ring, &error),
        ExportError::Write(error) => Failure::write(&args.file, &error),
    })?;
    let (inputs, bytes) = (exported.inputs, exported.bytes);
    let document = Exported { file: &args.file, inputs, bytes };
    let cells = [&args.file.display().to_string(), &format!("{inputs} inputs"), &format!("{bytes} bytes")];
    cx.output.record(&document, &cells.map(String::as_str))?;
    Ok(Exit::Ok)
}

/// One line an input.
fn show(cx: &Context, path: &Path) -> Result<Exit, Failure> {
    let mut same = true;
    play(path, &mut |life, scene| {
        let line = match scene {
            Scene::Input(decided) => {
                same &= decided.same;
                if cx.output.json() { json(life, decided)? } else { line(cx, life, decided) }
            }
            _ if cx.output.json() || cx.output.plain() => return Ok(()),
            other => remark(life, other),
        };
        Ok(lines(&[line])?)
    })?;
    Ok(if same { Exit::Ok } else { Exit::Violation })
}

/// What is worth saying between inputs.
pub(super) fn remark(life: &Life, scene: Scene<'_>) -> String {
    let head = &life.head;
    match scene {
        Scene::Begins => {
            let before = match life.before {
                0 => String::new(),
                before => format!(", {before} inputs before are no longer kept"),
            };
            let (node, module) = (clean(&head.node), clean(&head.module));
            format!("-- {module} on {node}, boot {}, safetui {}{before}", head.boot.0, clean(&head.version))
        }
        Scene::Lost(lost) => format!("-- {lost} inputs lost here"),
        Scene::Closed => "-- closed".into(),
        Scene::Torn(what) => format!("-- cut off here by a crash, or being written ({what})"),
        Scene::Input(_) => String::new(),
    }
}

/// When, which, what came in, what was ordered.
pub(super) fn line(cx: &Context, life: &Life, decided: &Decided<HISTORY>) -> String {
    let time = life.time(decided.input.now);
    let number = format!("#{}", decided.seq);
    let mut orders = orders(decided).join("; ");
    if !decided.same {
        orders = format!("{orders} {}", cx.output.paint(Tone::Bad, "(NOT what was recorded)"));
    }
    let cells = [time, number, words::event(&decided.input.event), orders];
    if cx.output.plain() {
        return cells.join("\t");
    }
    let [time, number, event, orders] = cells;
    if orders.is_empty() {
        format!("{time}  {number}  {event}")
    } else {
        format!("{time}  {number}  {event}  =>  {orders}")
    }
}

pub(super) fn orders(decided: &Decided<HISTORY>) -> Vec<String> {
    decided.orders.iter().map(|order| words::action(decided.input.now, &order)).collect()
}

fn json(life: &Life, decided: &Decided<HISTORY>) -> Result<String, Failure> {
    #[derive(Serialize)]
    struct Line<'a> {
        seq: u64,
        time: String,
        now_ms: u64,
        node: &'a str,
        module: &'a str,
        boot: u32,
        event: Event,
        orders: Vec<String>,
        recorded_equals_recomputed: bool,
    }
    let line = Line {
        seq: decided.seq,
        time: life.time(decided.input.now),
        now_ms: decided.input.now.0,
        node: &life.head.node,
        module: &life.head.module,
        boot: life.head.boot.0,
        event: decided.input.event,
        orders: orders(decided),
        recorded_equals_recomputed: decided.same,
    };
    Ok(serde_json::to_string(&line).map_err(std::io::Error::from)?)
}
