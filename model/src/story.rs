//! A counterexample, told so that an administrator can follow it.

use safetui_core::{Cause, Role};

use crate::{
    pair::Pair,
    world::{Cut, Step, World},
};
use stateright::{Model, Path};

/// One line a step: when, what, and which roles changed.
pub fn tell(pair: &Pair, path: Path<World, Step>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut tick = 0_u32;
    let mut before: Option<World> = None;
    for (world, step) in path.into_vec() {
        if let Some(before) = before.replace(world.clone()) {
            changes(&before, &world, tick, &mut lines);
        }
        let Some(step) = step else { continue };
        if matches!(step, Step::Tick { .. } | Step::TickThenCrash(..)) {
            tick += 1;
        }
        if let Some(text) = text(step) {
            lines.push(format!("{tick:>3}  {text}"));
        }
        // The last state of a path is reached by its last step, and comes without one of its own.
        debug_assert!(pair.next_state(&world, step).is_some());
    }
    lines
}

fn changes(before: &World, after: &World, tick: u32, lines: &mut Vec<String>) {
    for node in 0..2 {
        let role = |world: &World| world.nodes[node].core.as_ref().map(|core| (core.role(), core.cause()));
        match (role(before), role(after)) {
            (was, Some((role, cause))) if was.map(|(role, _)| role) != Some(role) => {
                lines.push(format!("{tick:>3}  node{} becomes {}: {}", node + 1, word(role), reason(cause)));
            }
            _ => {}
        }
        if before.nodes[node].answers() && !after.nodes[node].answers() && after.nodes[node].core.is_some() {
            lines.push(format!("{tick:>3}  node{} no longer answers for the virtual IP", node + 1));
        }
    }
    if before.write != after.write {
        lines.push(format!("{tick:>3}  the client's write: {:?}", after.write));
    }
}

const fn word(role: Role) -> &'static str {
    role.word()
}

const fn reason(cause: Cause) -> &'static str {
    cause.text()
}

/// What the step means; `None` for what happens all the time.
fn text(step: Step) -> Option<String> {
    Some(match step {
        Step::Tick { by: [1, 1] } | Step::Deliver { .. } | Step::Report(_) | Step::Acknowledge(_) => {
            return None;
        }
        Step::Tick { by } => {
            format!("node{}'s clock gains on the other's", if by[0] > by[1] { 1 } else { 2 })
        }
        Step::Lose { to, .. } => format!("a heartbeat to node{} is lost", to + 1),
        Step::Detain { to, .. } => format!("a copy of a heartbeat to node{} goes astray", to + 1),
        Step::DeliverDetained(to) => format!("the stray heartbeat reaches node{}", to + 1),
        Step::Cut(cut) => cut_text(cut),
        Step::Heal => "the network heals".into(),
        Step::Crash(node) => format!("node{} loses power", node + 1),
        Step::TickThenCrash(node, torn) | Step::ReportThenCrash(node, torn) => {
            format!("node{} decides, and loses power {torn:?} its record is durable", node + 1)
        }
        Step::DeliverThenCrash { to, torn, .. } => {
            format!("node{} hears its peer, decides, and loses power {torn:?} its record is durable", to + 1)
        }
        Step::Restart(node) => format!("node{} starts", node + 1),
        Step::Pause(node) => format!("node{} stops running", node + 1),
        Step::Resume(node) => format!("node{} goes on", node + 1),
        Step::Write(node) => format!("a client writes to node{}", node + 1),
        Step::Apply(node) => format!("node{} applies the write", 2 - node),
        Step::Copy(node) => format!("node{}'s data are copied to node{}", node + 1, 2 - node),
        Step::Unplug(node) => format!("node{}'s link to its clients is lost", node + 1),
        Step::Swap(node) => format!("an operator asks node{} to swap", node + 1),
    })
}

fn cut_text(cut: Cut) -> String {
    match cut {
        Cut::None => "the network heals".into(),
        Cut::Off(node) => format!("node{} is cut off from its peer and from the router", node + 1),
        Cut::Router => "the router is gone".into(),
        Cut::All => "the nodes and the router are all cut off from each other".into(),
        Cut::Direct => "the way between the nodes is cut; both reach the router".into(),
        Cut::Deaf(node) => format!("node{} no longer hears its peer, which still hears it", node + 1),
    }
}
