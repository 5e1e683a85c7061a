//! Roles, outcomes and links as shape, word and colour, so that each can be read without the other two.

use safetui_net::api::shape::{Health, Instance, Module, State, WhatIf};

use super::glyph;
use super::model::{Freshness, Model};
use super::text::age;
use super::theme::Tone;

pub(crate) fn mark(instance: &Instance) -> (char, Tone) {
    match (instance.role.as_str(), instance.readiness.as_str()) {
        ("STOP", "NotReady") => (glyph::STOPPED, Tone::Dim),
        (_, "Ready") => (glyph::READY, Tone::Good),
        (_, "Transient") => (glyph::MOVING, Tone::Moving),
        (_, "NotReady") => (glyph::ALERT, Tone::Bad),
        _ => (glyph::UNKNOWN, Tone::Unknown),
    }
}

/// How much an instance needs the operator; greater is more.
pub(crate) fn concern(instance: &Instance) -> u8 {
    match mark(instance) {
        (_, Tone::Good) => 0,
        (_, Tone::Dim) => 1,
        (_, Tone::Moving) => 2,
        (_, Tone::Unknown) => 3,
        _ => 4,
    }
}

/// `● PRIM   Ready`, with a trailing `?` when it is old.
pub(crate) fn role(instance: &Instance, aged: bool) -> Vec<(Tone, String)> {
    let (mark, tone) = mark(instance);
    let readiness = match (instance.role.as_str(), instance.readiness.as_str()) {
        ("STOP", "NotReady") | (_, "Unknown") => "",
        (_, readiness) => readiness,
    };
    let word = format!("{mark} {:<6} {readiness}", instance.role);
    let mut parts = vec![(tone, word.trim_end().to_owned())];
    if aged && tone != Tone::Unknown {
        parts.push((Tone::Unknown, "?".to_owned()));
    }
    parts
}

/// How long the role holds, at the time of the state.
pub(crate) fn since(instance: &Instance, state: &State) -> Option<String> {
    super::text::between(instance.since.as_deref()?, &state.time).map(age)
}

pub(crate) fn health(health: Health) -> (Tone, String) {
    match health {
        Health::Ok => (Tone::Good, format!("{} OK", glyph::READY)),
        Health::Transient => (Tone::Moving, format!("{} TRANSIENT", glyph::MOVING)),
        Health::Degraded => (Tone::Moving, format!("{} DEGRADED", glyph::ALERT)),
        Health::Unknown => (Tone::Unknown, format!("{} UNKNOWN", glyph::UNKNOWN)),
        Health::Outage => (Tone::Bad, format!("{} OUTAGE", glyph::FAILED)),
    }
}

/// What the link to the agent is worth: its word, and a remark for wide screens.
pub(crate) fn link(model: &Model) -> (Tone, String, String) {
    match model.freshness() {
        Freshness::Waiting => (Tone::Moving, format!("{} CONNECTING", glyph::MOVING), String::new()),
        Freshness::Live => (Tone::Good, format!("{} LIVE", glyph::READY), String::new()),
        Freshness::Stale(ms) => {
            (Tone::Moving, format!("{} STALE {} s", glyph::ALERT, ms / 1000), String::new())
        }
        Freshness::Lost(ms) => {
            let why = model.lost.as_ref().map_or("", |(why, _)| why);
            (Tone::Bad, format!("{} LOST {} s", glyph::FAILED, ms / 1000), format!(" ({why})"))
        }
    }
}

/// Where the newest data is, in a few words.
pub(crate) fn data(module: &Module) -> (Tone, String) {
    let replication = module.replication.as_ref();
    let phase = replication.map_or("", |replication| replication.phase.as_str());
    let newest = || module.instances.iter().filter(|instance| instance.mark.as_deref() == Some("Exclusive"));
    let mut versions: Vec<_> = newest().filter_map(|instance| instance.generation.as_deref()).collect();
    versions.sort_unstable();
    versions.dedup();
    if versions.len() > 1 {
        return (Tone::Bad, format!("{} {} versions", glyph::ALERT, versions.len()));
    }
    match (phase, newest().next()) {
        ("mirroring", _) => (Tone::Good, "in sync".to_owned()),
        ("reintegrating", _) => (Tone::Moving, resync(module)),
        ("contested", _) => (Tone::Moving, format!("{} contested", glyph::MOVING)),
        ("alone", Some(instance)) => (Tone::Moving, format!("{} only", instance.node)),
        ("alone", None) => (Tone::Moving, "one node only".to_owned()),
        (_, Some(instance)) => (Tone::Plain, format!("newest {}", instance.node)),
        _ => (Tone::Dim, "idle".to_owned()),
    }
}

fn resync(module: &Module) -> String {
    let replication = module.replication.as_ref();
    let to = replication.and_then(|replication| replication.to.as_deref()).unwrap_or("?");
    match replication.and_then(|replication| replication.progress.as_ref()) {
        Some(progress) => {
            format!("{}% {} {to}", percent(progress.done_bytes, progress.total_bytes), glyph::TO)
        }
        None => format!("resync {} {to}", glyph::TO),
    }
}

/// Whole percent, rounded down: 100 means done.
pub(crate) fn percent(done: u64, total: u64) -> u64 {
    if total == 0 { 100 } else { (u128::from(done.min(total)) * 100 / u128::from(total)) as u64 }
}

pub(crate) fn resource(value: &str) -> (Tone, String) {
    let (tone, mark) = match value {
        "UP" => (Tone::Good, glyph::READY),
        "DOWN" => (Tone::Plain, glyph::OPEN),
        "INIT" => (Tone::Moving, glyph::MOVING),
        _ => return (Tone::Unknown, format!("{} {value}", glyph::UNKNOWN)),
    };
    (tone, format!("{mark} {value}"))
}

pub(crate) fn outcome(what_if: &WhatIf) -> (Tone, String) {
    match what_if.outcome.as_str() {
        "SERVICE_UP" => (Tone::Good, format!("{} SERVICE UP", glyph::READY)),
        "OUTAGE" => (Tone::Bad, format!("{} OUTAGE", glyph::FAILED)),
        "NO_CHANGE" => (Tone::Dim, format!("{} NO CHANGE", glyph::OPEN)),
        other => (Tone::Unknown, format!("{} {other}", glyph::UNKNOWN)),
    }
}

pub(crate) fn severity(word: &str) -> (Tone, String) {
    let tone = match word {
        "safe" => Tone::Good,
        "mild" => Tone::Plain,
        "moderate" => Tone::Moving,
        _ => Tone::Bad,
    };
    (tone, word.to_uppercase())
}

/// A path or a witness: does it answer?
pub(crate) fn answers(up: Option<bool>) -> (Tone, String) {
    match up {
        Some(true) => (Tone::Good, format!("{} UP", glyph::READY)),
        Some(false) => (Tone::Bad, format!("{} DOWN", glyph::ALERT)),
        None => (Tone::Unknown, glyph::UNKNOWN.to_string()),
    }
}
