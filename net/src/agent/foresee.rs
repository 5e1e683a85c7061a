//! What would happen, by asking a copy of the core: nothing here decides, and nothing is done.

use safetui_core::{Action, Actions, Command, Event, Gate, Job, Mirror, Role, Status, Tick, Witness};

use super::board::Snapshot;
use crate::{
    api::shape::{Guard, WayOut, WhatIf, Why},
    driver::{Shot, record::HISTORY},
};

/// Jobs that a command may lead to, one after the other.
const JOBS: usize = 4;

/// Why the module on this node does not move on.
pub(super) fn why(shot: &Shot, at: Tick) -> Option<Why> {
    let explained = shot.core.explain(&shot.plan.core, at)?;
    let name = &shot.plan.module.name;
    let guards = explained.guards.iter().flatten();
    let ways = explained.ways.iter().flatten();
    let mut causes = vec![format!("{}: {}", shot.core.role().word(), shot.core.cause().text())];
    causes.extend(shot.trouble.record.clone());
    Some(Why {
        headline: explained.block.text().into(),
        causes,
        guards: guards
            .map(|guard| Guard {
                name: guard.name.into(),
                holds: Some(guard.holds),
                evidence: guard.evidence.to_string(),
            })
            .collect(),
        ways_out: ways
            .map(|way| WayOut {
                text: way.text().into(),
                command: way.verb().map(|verb| format!("safetui {verb} -m {name}")),
            })
            .collect(),
    })
}

/// The name of the rule that holds the module on this node.
pub(super) fn rule(shot: &Shot, at: Tick) -> Option<String> {
    shot.core.explain(&shot.plan.core, at)?.block.rule().map(str::to_owned)
}

/// What becomes of the service when a node is lost now.
pub(super) fn if_lost(me: &str, snapshot: &Snapshot, shot: &Shot) -> Vec<WhatIf> {
    let peer = shot.plan.peer_name.clone();
    vec![without_peer(me, &peer, snapshot, shot), without_me(me, &peer, snapshot, shot)]
}

/// A copy of this node's core lives through the peer's silence, with the witness as it is now.
fn without_peer(me: &str, peer: &str, snapshot: &Snapshot, shot: &Shot) -> WhatIf {
    let (cfg, before) = (&shot.plan.core, shot.core.role());
    let answers = snapshot.witnesses.iter().any(|view| view.answers && view.modules.contains(&shot.plan.id));
    let mut core = shot.core;
    let mut out = Actions::default();
    let end = snapshot.at.plus(2 * (cfg.timing.timeout + cfg.timing.guard));
    let mut now = snapshot.at;
    while now < end {
        let event = if answers { Event::Answered { asked: now } } else { Event::Woke };
        core.handle(cfg, now, event, &mut out);
        _ = out.drain();
        // A longer step would look like sleep to the core, and void what it knows of the witness.
        now = now.plus(cfg.timing.period.min(cfg.timing.late).max(1));
    }
    let after = core.role();
    let serves_there = shot.heard.is_some_and(|(beat, _)| beat.role.serves());
    let (outcome, text) = match (before.serves() || serves_there, after.serves()) {
        (_, true) if before == after => ("SERVICE_UP", format!("{me} goes on as {}", after.word())),
        (_, true) => ("SERVICE_UP", format!("{me} becomes {}", after.word())),
        (true, false) => ("OUTAGE", format!("{me} becomes {}: nobody serves", after.word())),
        (false, false) => ("NO_CHANGE", idle(peer, snapshot, shot)),
    };
    WhatIf { node: peer.into(), outcome: outcome.into(), text }
}

/// Of the peer's core this node knows what it says of itself.
fn without_me(me: &str, peer: &str, snapshot: &Snapshot, shot: &Shot) -> WhatIf {
    let cfg = &shot.plan.core;
    let fresh =
        shot.heard.filter(|(_, at)| snapshot.at.since(*at) <= cfg.timing.timeout).map(|(beat, _)| beat);
    let paired = fresh.is_some_and(|beat| beat.status == Status::Ready && beat.role != Role::Wait);
    let free = fresh.is_some_and(|beat| beat.witness) || cfg.witness == Witness::None;
    let serves_there = fresh.is_some_and(|beat| beat.role == Role::Alone);
    let (outcome, text) = if serves_there {
        ("SERVICE_UP", format!("{peer} goes on as ALONE"))
    } else if shot.core.role().serves() || fresh.is_some_and(|beat| beat.role.serves()) {
        if paired && free {
            ("SERVICE_UP", format!("{peer} goes on alone"))
        } else {
            ("OUTAGE", format!("{peer} has no right to serve: nobody serves"))
        }
    } else {
        ("NO_CHANGE", idle(peer, snapshot, shot))
    };
    WhatIf { node: me.into(), outcome: outcome.into(), text }
}

/// Nobody is known to serve; of a peer that is not heard nothing is known.
fn idle(peer: &str, snapshot: &Snapshot, shot: &Shot) -> String {
    let heard = shot.heard.is_some_and(|(_, at)| snapshot.at.since(at) <= shot.plan.core.timing.timeout);
    if heard {
        "nobody serves now".into()
    } else {
        format!("{peer} is not heard: whether it serves is not known here")
    }
}

/// What a command would do on this node, in order.
pub(super) fn steps(shot: &Shot, at: Tick, command: Command) -> Vec<String> {
    let cfg = &shot.plan.core;
    let mut core: Mirror<HISTORY> = shot.core;
    let mut steps = Vec::new();
    let mut event = Event::Ordered(command);
    for _ in 0..=JOBS {
        let mut out = Actions::default();
        core.handle(cfg, at, event, &mut out);
        let mut begun = None;
        for action in out.drain() {
            steps.extend(told(&action));
            if let Action::Begin(job) = action {
                begun = Some(job);
            }
        }
        let Some(job) = begun else { break };
        event = Event::Done { job, ok: true };
    }
    if command == Command::Swap && shot.core.role() == Role::Second {
        steps.push(format!("{} is asked to hand over", shot.plan.peer_name));
    }
    steps
}

/// An order as an operator would say it; heartbeats and bookkeeping are not worth a word.
fn told(action: &Action<HISTORY>) -> Option<String> {
    Some(match *action {
        Action::Became { from, to, cause } => {
            format!("{} becomes {}: {}", from.word(), to.word(), cause.text())
        }
        Action::Begin(job) => match job {
            Job::Open => "run prestart, mount the replicated directories".into(),
            Job::Enter { to, .. } if to.serves() => "set the virtual IP, start the application".into(),
            Job::Enter { .. } => "run the start scripts of a secondary".into(),
            Job::Leave { from, kill: false } if from.serves() => {
                "remove the virtual IP, stop the application".into()
            }
            Job::Leave { kill: false, .. } => "run the stop scripts of a secondary".into(),
            Job::Leave { kill: true, .. } => "remove the virtual IP, kill the application".into(),
            Job::Restart { .. } => "stop the application, start it again".into(),
            Job::Close { .. } => "run the last stop scripts, unmount the replicated directories".into(),
        },
        Action::Gate(Gate::Held) => "writes wait".into(),
        Action::Gate(Gate::Closed) => "writes are refused".into(),
        Action::Receive { aside, .. } => {
            if aside {
                "copy the peer's data; what they would overwrite is kept aside".into()
            } else {
                "copy what differs from the peer".into()
            }
        }
        Action::Persist(_)
        | Action::Send(_)
        | Action::Gate(Gate::Alone { .. } | Gate::Both { .. })
        | Action::Lease(_)
        | Action::Source { .. }
        | Action::SourceStop
        | Action::Drain
        | Action::ReceiveStop
        | Action::Probe
        | Action::Answer { .. }
        | Action::Note(_) => return None,
    })
}
