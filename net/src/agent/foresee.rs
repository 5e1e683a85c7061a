//! What would happen, by asking a copy of the core: nothing here decides, and nothing is done.

use safetui_core::{
    Command, Job, Role, Status, Tick,
    foresee::{Ahead, Ends, Service, Stage, What},
};

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
pub(super) fn if_lost(me: &str, at: Tick, shot: &Shot) -> Vec<WhatIf> {
    let peer = shot.plan.peer_name.as_str();
    let lost = |node, left: &str, survivor: usize, ahead| {
        let course = shot.core.foresee(&shot.plan.core, at, ahead);
        let role = |ends: Ends| ends[survivor].map(|(role, _)| role.word());
        let becomes = match (role(course.begin), role(course.end)) {
            (Some(before), Some(after)) if before == after => format!("{left} goes on as {after}"),
            (_, Some(after)) => format!("{left} becomes {after}"),
            (_, None) => format!("{left} is not heard"),
        };
        let (outcome, text) = match course.service() {
            Service::Up => ("SERVICE_UP", becomes),
            Service::Outage => ("OUTAGE", format!("{becomes}: nobody serves")),
            Service::Idle => ("NO_CHANGE", "nobody serves now".into()),
            Service::Unknown => {
                ("NO_CHANGE", format!("{peer} is not heard: whether it serves is not known here"))
            }
        };
        WhatIf { node: String::from(node), outcome: outcome.into(), text }
    };
    vec![lost(peer, me, 0, Ahead::PeerLost), lost(me, peer, 1, Ahead::SelfLost)]
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
