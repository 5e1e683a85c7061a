//! What would have prevented a counterexample: the assumption that it breaks, and the setting that does without.
//! A setting is only named when the same search with it finds nothing.

use std::time::Instant;

use safetui_core::{Timing, Witness};
use serde::Serialize;

use super::{Limits, Subject, explore, scaled};
use crate::world::{Cut, Step};

/// One way to prevent it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// What would have had to be true.
    pub assumption: String,
    /// What to write into the configuration; `None`: there is no such setting.
    pub setting: Option<String>,
    /// States in which the property holds with it; `None`: there was no time to look at all of them.
    pub states: Option<usize>,
}

/// A changed module, and what to write for it.
struct Change {
    subject: Subject,
    setting: String,
}

/// The first change with which `property` holds in all runs with as many faults.
pub(super) fn find(
    subject: &Subject,
    limits: &Limits,
    steps: &[Step],
    (property, faults, until): (&'static str, u8, Instant),
) -> Remedy {
    let limits = Limits { only: Some(property), ..limits.clone() };
    let mut unsure = None;
    for Change { subject: changed, setting } in changes(subject, steps) {
        let settings = changed.settings(scaled(&changed.timing), &limits.budget, faults);
        let (level, fallen) = explore(&settings, &limits, until);
        let states = level.complete.then_some(level.states);
        let remedy = Remedy { assumption: assumption(subject, steps), setting: Some(setting), states };
        if fallen.is_empty() && level.complete {
            return remedy;
        }
        if fallen.is_empty() {
            unsure = unsure.or(Some(remedy));
        }
    }
    let none = || Remedy { assumption: assumption(subject, steps), setting: None, states: None };
    unsure.unwrap_or_else(none)
}

/// What can be changed, the least first. Where the network has not failed, another witness changes nothing.
fn changes(subject: &Subject, steps: &[Step]) -> Vec<Change> {
    let mut changes = Vec::new();
    if subject.timing.check().is_err() {
        let timing = longer(&subject.timing);
        let setting = format!("<heart timeout=\"{}ms\" guard=\"{}ms\">", timing.timeout, timing.guard);
        changes.push(Change { subject: Subject { timing, ..subject.clone() }, setting });
    }
    if !steps.iter().any(|step| matches!(step, Step::Cut(_))) {
        return changes;
    }
    if subject.witness == Witness::Router && !subject.relay {
        let setting = "relay=\"on\" in <splitbrain>, with a router that reflects heartbeats".into();
        changes.push(Change { subject: Subject { relay: true, ..subject.clone() }, setting });
    }
    if subject.witness == Witness::None {
        let setting =
            "<check><splitbrain ident=\"router\" exec=\"ping\" arg=\"ADDRESS OF YOUR ROUTER\"/></check>";
        let router = Subject { witness: Witness::Router, relay: true, ..subject.clone() };
        changes.push(Change { subject: router, setting: setting.into() });
    }
    if subject.witness != Witness::Arbiter {
        let setting = "<check><splitbrain ident=\"arbiter\" exec=\"arbiter\" arg=\"HOST:PORT\"/></check>, and \
                       `safetui witness` on that third machine";
        let arbiter = Subject { witness: Witness::Arbiter, relay: false, ..subject.clone() };
        changes.push(Change { subject: arbiter, setting: setting.into() });
    }
    changes
}

/// The same with windows that are long enough.
fn longer(timing: &Timing) -> Timing {
    let guard = timing.guard.max(timing.least_guard());
    Timing { timeout: timing.timeout.max(timing.least_timeout()), guard, ..*timing }
}

/// What the counterexample shows to be assumed.
fn assumption(subject: &Subject, steps: &[Step]) -> String {
    let [one, other] = &subject.voice.nodes;
    let cuts = steps.iter().filter(|step| matches!(step, Step::Cut(_))).count();
    let direct = steps.iter().any(|step| matches!(step, Step::Cut(Cut::Direct)));
    if subject.timing.check().is_err() {
        "heartbeats and answers of the witness are never as late as these timers let them be".into()
    } else if subject.witness == Witness::None && cuts > 0 {
        format!("the network between {one} and {other} never breaks while both run")
    } else if direct {
        format!("whoever reaches {} also reaches the other node", subject.voice.witness)
    } else if cuts > 1 {
        format!("{} changes sides at most once within a window", subject.voice.witness)
    } else if steps.iter().any(|step| matches!(step, Step::Fail(..))) {
        "what is checked does not fail like this, or the failover rules say what to do about it".into()
    } else {
        "not so much fails in one run".into()
    }
}
