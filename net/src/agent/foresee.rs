//! What would happen, by asking a copy of the core: nothing here decides, and nothing is done.

use safetui_core::{
    Action, Actions, Command, Event, Job, Role, Status, Tick, Witness,
    foresee::{Ahead, Stage, What},
};

use super::board::Snapshot;
use crate::{
    api::shape::{Guard, WayOut, WhatIf, Why},
    driver::Shot,
};

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
    let (mut now, mut question) = (snapshot.at, None);
    while now < end {
        // The peer is lost: an arbiter grants what nobody else asks for.
        let event = match question.take() {
            Some(generation) if answers => Event::Granted { generation },
            _ if answers => Event::Answered { asked: now },
            _ => Event::Woke,
        };
        core.handle(cfg, now, event, &mut out);
        question = out.drain().find_map(|action| match action {
            Action::Ask { generation } => Some(generation),
            _ => None,
        });
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

/// What a command would do, on both nodes, in order, and where it ends. No times: the text stays the same while
/// the operator reads it.
pub(super) fn steps(me: &str, shot: &Shot, at: Tick, command: Command) -> Vec<String> {
    let course = shot.core.foresee(&shot.plan.core, at, Ahead::Order(command));
    let peer = shot.plan.peer_name.as_str();
    let stage = |stage: &Stage| format!("{}: {}", if stage.peer { peer } else { me }, told(stage.what));
    let mut steps: Vec<String> = course.stages.iter().flatten().map(stage).collect();
    let ends = |(name, end): (&str, Option<(Role, Status)>)| match end {
        Some((role, status)) => format!("{name} {} {}", role.word(), status.word()),
        None => format!("{name} is not heard"),
    };
    let ends: Vec<String> = [me, peer].into_iter().zip(course.end).map(ends).collect();
    steps.push(format!("in the end: {}", ends.join(", ")));
    steps
}

/// A stage as an operator would say it.
fn told(what: What) -> String {
    match what {
        What::Became { from, to, cause } => {
            format!("{} becomes {}: {}", from.word(), to.word(), cause.text())
        }
        What::Job(job) => match job {
            Job::Open => "run prestart, mount the replicated directories",
            Job::Enter { to, .. } if to.serves() => "set the virtual IP, start the application",
            Job::Enter { .. } => "run the start scripts of a secondary",
            Job::Leave { from, kill: false } if from.serves() => {
                "remove the virtual IP, stop the application"
            }
            Job::Leave { kill: false, .. } => "run the stop scripts of a secondary",
            Job::Leave { kill: true, .. } => "remove the virtual IP, kill the application",
            Job::Restart { role } if role.serves() => "stop the application, start it again",
            Job::Restart { .. } => "run the stop and start scripts of a secondary",
            Job::Close { .. } => "run the last stop scripts, unmount the replicated directories",
        }
        .into(),
    }
}
