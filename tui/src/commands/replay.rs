//! `replay`: decides again what was recorded, and says whether the same comes out.

use std::path::{Path, PathBuf};

use clap::Args;
use safetui_model::replay::{Difference, Differs};
use safetui_net::api::exit::Exit;
use serde::Serialize;

use super::record::{
    line, merge,
    play::{Life, Scene, play},
    remark, words,
};
use crate::{
    context::Context,
    failure::{Failure, seen},
    output::{Tone, clean, lines},
};
use safetui_core::{Event, input::SOURCES};

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// Exported file, or the folder of a module's flight record
    file: PathBuf,
    /// The same of the peer: were both together a behaviour that the model allows?
    #[arg(requires = "check")]
    peer: Option<PathBuf>,
    /// Only prove that what was recorded is what comes out
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(cx: &Context, args: &ReplayArgs) -> Result<Exit, Failure> {
    if let Some(peer) = &args.peer {
        return merge::run(cx, [&args.file, peer]);
    }
    let story = !args.check && !cx.output.json();
    let mut remarks = Vec::new();
    let lives = play(&args.file, &mut |life, scene| {
        match scene {
            Scene::Input(decided) if story && happens(decided) => {
                seen(lines(&[line(cx, life, decided)]).map_err(Failure::from))?;
            }
            Scene::Input(_) => {}
            Scene::Begins | Scene::Closed if !story => {}
            other => {
                let text = remark(life, other);
                if story {
                    seen(lines(&[text]).map_err(Failure::from))?;
                } else {
                    remarks.push(text);
                }
            }
        }
        Ok(())
    })?;
    let equal = lives.iter().all(|life| life.replay.difference().is_none());
    let lost = lives.iter().map(|life| life.replay.count().lost).sum();
    seen(if cx.output.json() {
        document(cx, &args.file, &lives, remarks)
    } else {
        remarks.extend(verdict(cx, &lives, equal, lost));
        lines(&remarks).map_err(Failure::from)
    })?;
    Ok(match (equal, lost) {
        (false, _) => Exit::Violation,
        (true, 0) => Exit::Ok,
        (true, _) => Exit::Inconclusive,
    })
}

/// Does the story need this input?
fn happens(decided: &safetui_model::replay::Decided<{ safetui_net::driver::record::HISTORY }>) -> bool {
    let ordinary = match decided.input.event {
        Event::Woke | Event::Heard(_) | Event::Answered { .. } => true,
        Event::Granted { .. }
        | Event::Denied { .. }
        | Event::Done { .. }
        | Event::Copied { .. }
        | Event::Drained { .. }
        | Event::StreamLost { .. }
        | Event::StreamUp { .. }
        | Event::ReceiveFailed
        | Event::AddressTaken
        | Event::Linked(_)
        | Event::Resource { .. }
        | Event::Ordered(_)
        | Event::Ledger(_) => false,
    };
    !ordinary || !decided.same || decided.orders.iter().any(|order| words::tells(&order))
}

fn verdict(cx: &Context, lives: &[Life], equal: bool, lost: u64) -> Vec<String> {
    let mut out: Vec<String> = lives.iter().map(summary).collect();
    let word = match (equal, lost) {
        (false, _) => cx.output.paint(Tone::Bad, "NO"),
        (true, 0) => cx.output.paint(Tone::Good, "yes"),
        (true, _) => {
            let word = cx.output.paint(Tone::Moving, "inconclusive");
            format!("{word}: what is there is the same, but {lost} inputs are lost")
        }
    };
    out.push(format!("recorded = recomputed: {word}"));
    let differing = lives.iter().find_map(|life| Some((life, life.replay.difference()?)));
    if let Some((life, difference)) = differing {
        out.extend(told(life, difference));
    }
    out
}

fn summary(life: &Life) -> String {
    let (head, count) = (&life.head, life.replay.count());
    let mut text = format!(
        "{} on {}, boot {}: {} inputs, state compared {} times",
        clean(&head.module),
        clean(&head.node),
        head.boot.0,
        count.inputs,
        count.states
    );
    if count.lost > 0 {
        text = format!("{text}, {} inputs lost", count.lost);
    }
    if head.sources != SOURCES {
        text = format!("{text}; recorded by another core ({})", clean(&head.sources));
    }
    text
}

/// The step that differs: where, what came in, what was to come out.
fn told(life: &Life, difference: &Difference) -> Vec<String> {
    let at =
        format!("first difference: {} boot {} #{}", clean(&life.head.node), life.head.boot.0, difference.seq);
    let mut out = vec![at];
    match &difference.what {
        Differs::Orders { input, recomputed } => {
            out.push(format!("  at       {}", life.time(input.now)));
            out.push(format!("  input    {}", words::event(&input.event)));
            out.push(format!("  recorded other orders, or another state (digest {:08x})", input.orders));
            let orders = if recomputed.is_empty() { "none".into() } else { recomputed.join("; ") };
            out.push(format!("  now      {orders}"));
        }
        Differs::State { recorded, recomputed } => {
            out.push("  the orders were the same so far, the state of the core is not".into());
            out.push(format!("  recorded {recorded}"));
            out.push(format!("  now      {recomputed}"));
        }
    }
    out
}

fn document(cx: &Context, file: &Path, lives: &[Life], remarks: Vec<String>) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Report<'a> {
        file: &'a Path,
        recorded_equals_recomputed: bool,
        lives: Vec<Told<'a>>,
        remarks: Vec<String>,
    }
    #[derive(Serialize)]
    struct Told<'a> {
        node: &'a str,
        module: &'a str,
        boot: u32,
        version: &'a str,
        core: &'a str,
        closed: bool,
        inputs: u64,
        states_compared: u64,
        inputs_lost: u64,
        inputs_no_longer_kept: u64,
        /// Number of the first input that differs, and how.
        difference: Option<(u64, Vec<String>)>,
    }
    let each = |life: &'_ Life| {
        let count = life.replay.count();
        let difference = life.replay.difference();
        (count, difference.map(|difference| (difference.seq, told(life, difference))))
    };
    let lives: Vec<Told<'_>> = lives
        .iter()
        .map(|life| {
            let (count, difference) = each(life);
            Told {
                node: &life.head.node,
                module: &life.head.module,
                boot: life.head.boot.0,
                version: &life.head.version,
                core: &life.head.sources,
                closed: life.closed,
                inputs: count.inputs,
                states_compared: count.states,
                inputs_lost: count.lost,
                inputs_no_longer_kept: life.before,
                difference,
            }
        })
        .collect();
    let equal = lives.iter().all(|life| life.difference.is_none());
    Ok(cx.output.document(&Report { file, recorded_equals_recomputed: equal, lives, remarks })?)
}
