//! The records of two nodes side by side: was what they did a behaviour that the model allows?

use std::{cell::RefCell, path::Path};

use safetui_model::trace::{Broken, Forbidden, Life, Place, Report, Told, merge};
use safetui_net::{
    api::exit::Exit,
    driver::record::HISTORY,
    recorder::{Head, Item, Reader, Snapshot, Unreadable},
};
use serde::Serialize;

use super::{play::unreadable, words};
use crate::{
    codes,
    context::Context,
    failure::{Case, Failure, UNCHANGED, seen},
    output::{Tone, clean, lines},
};

pub(crate) fn run(cx: &Context, paths: [&Path; 2]) -> Result<Exit, Failure> {
    let [one, other] = paths.map(Tape::open);
    let (one, other) = (one?, other?);
    let report = merge(one.told(), other.told());
    for (tape, path) in [(&one, paths[0]), (&other, paths[1])] {
        if let Some(error) = tape.failed.take() {
            return Err(unreadable(path, &error));
        }
    }
    let names = [one.name(), other.name()];
    if names[0] == names[1] {
        return Err(both_of_one(paths, &names[0]));
    }
    let shown = if cx.output.json() {
        cx.output.document(&document(&report, &names))
    } else {
        lines(&text(cx, &report, &names))
    };
    seen(shown.map_err(Failure::from))?;
    Ok(if report.forbidden.is_none() { Exit::Ok } else { Exit::Violation })
}

fn both_of_one(paths: [&Path; 2], node: &str) -> Failure {
    Case {
        code: codes::SAME_NODE,
        summary: format!("both records are of {node}"),
        what: format!("comparing {} with {}", paths[0].display(), paths[1].display()),
        why: "what two nodes did is compared, so one record must be of the peer".into(),
        now: UNCHANGED.into(),
        fix: vec![
            format!("safetui replay {} --check", paths[0].display()),
            "export the record on the other node too".into(),
        ],
    }
    .into()
}

/// One record on its way into the merge.
struct Tape {
    reader: RefCell<Reader>,
    head: RefCell<Option<Head>>,
    failed: RefCell<Option<Unreadable>>,
}

impl Tape {
    fn open(path: &Path) -> Result<Self, Failure> {
        let reader = Reader::open(path).map_err(|error| unreadable(path, &error))?;
        Ok(Self { reader: reader.into(), head: None.into(), failed: None.into() })
    }

    fn name(&self) -> String {
        self.head.borrow().as_ref().map_or_else(|| "?".into(), |head| clean(&head.node))
    }

    /// What the record tells, up to its end or to where it cannot be read.
    fn told(&self) -> impl Iterator<Item = Told<HISTORY>> {
        let mut fresh = false;
        std::iter::from_fn(move || {
            loop {
                match self.reader.borrow_mut().next()? {
                    Ok(Item::Head(head)) => {
                        fresh |= self.head.borrow().as_ref() != Some(&*head);
                        self.head.replace(Some(*head));
                    }
                    Ok(Item::Core(core)) => return self.core(&core, std::mem::take(&mut fresh)),
                    Ok(Item::Input(input)) => return Some(Told::Input(input)),
                    Ok(Item::Closed) => return Some(Told::Closed),
                    Ok(Item::Torn { .. }) => {}
                    Err(error) => {
                        self.failed.replace(Some(error));
                        return None;
                    }
                }
            }
        })
    }

    fn core(&self, core: &Snapshot, fresh: bool) -> Option<Told<HISTORY>> {
        let Snapshot { seq, now, wall, core } = *core;
        if !fresh {
            return Some(Told::Core { seq, core: Box::new(core), now });
        }
        let head = self.head.borrow();
        let Head { config, boot, .. } = head.as_ref()?;
        Some(Told::Life(Box::new(Life { config: *config, boot: *boot, seq, core, now, wall })))
    }
}

fn text(cx: &Context, report: &Report, names: &[String; 2]) -> Vec<String> {
    let mut out = vec![format!(
        "{} and {}: {} steps, {} heartbeats heard as they were sent, {} that the records do not reach",
        names[0], names[1], report.steps, report.heard, report.unrecorded
    )];
    out.extend(report.broken.iter().map(|broken| assumption(broken, names)));
    match &report.forbidden {
        None => out.push(format!("a behaviour of the model: {}", cx.output.paint(Tone::Good, "yes"))),
        Some(step) => {
            out.push(format!("a behaviour of the model: {}", cx.output.paint(Tone::Bad, "NO")));
            out.push(format!("first step that it does not allow: {}", place(&step.at, names)));
            out.extend(input(step).map(|input| format!("  input    {input}")));
            out.push(format!("  why      {}", step.why));
        }
    }
    out
}

fn input(step: &Forbidden) -> Option<String> {
    step.event.as_ref().map(words::event)
}

fn assumption(broken: &Broken, names: &[String; 2]) -> String {
    let Broken { what, bound, worst, times, first } = broken;
    format!(
        "assumption broken in the field: {what}: {worst} ms where {bound} ms are assumed, {times} times, first at {}",
        place(first, names)
    )
}

fn place(place: &Place, names: &[String; 2]) -> String {
    format!("{} boot {} #{}", names[place.node], place.boot.0, place.seq)
}

fn document(report: &Report, names: &[String; 2]) -> impl Serialize {
    #[derive(Serialize)]
    struct Document {
        nodes: [String; 2],
        allowed: bool,
        steps: u64,
        heard: u64,
        unrecorded: u64,
        assumptions_broken: Vec<Assumption>,
        forbidden: Option<Step>,
    }
    #[derive(Serialize)]
    struct Assumption {
        what: String,
        bound_ms: u64,
        worst_ms: u64,
        times: u64,
        first: String,
    }
    #[derive(Serialize)]
    struct Step {
        node: String,
        boot: u32,
        seq: u64,
        event: Option<safetui_core::Event>,
        why: String,
    }
    let broken = |broken: &Broken| Assumption {
        what: broken.what.to_string(),
        bound_ms: broken.bound,
        worst_ms: broken.worst,
        times: broken.times,
        first: place(&broken.first, names),
    };
    let step = |step: &Forbidden| Step {
        node: names[step.at.node].clone(),
        boot: step.at.boot.0,
        seq: step.at.seq,
        event: step.event,
        why: step.why.clone(),
    };
    Document {
        nodes: names.clone(),
        allowed: report.forbidden.is_none(),
        steps: report.steps,
        heard: report.heard,
        unrecorded: report.unrecorded,
        assumptions_broken: report.broken.iter().map(broken).collect(),
        forbidden: report.forbidden.as_ref().map(step),
    }
}
