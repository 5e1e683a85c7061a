//! What a check of one module takes for granted, in plain words: it is proved under this and nothing less.

use safetui_core::Witness;

use super::{Limits, Subject, counted};
use crate::world::Budget;

/// One sentence each.
pub(super) fn assumed(subject: &Subject, limits: &Limits, faults: u8) -> Vec<String> {
    let [one, other] = &subject.voice.nodes;
    let timing = &subject.timing;
    let mut said = vec![
        format!("at most {} in one run, each at any moment, of: {}", counted(faults), kinds(&limits.budget)),
        format!("a heartbeat arrives within {} ms or is lost", timing.delay.max(timing.period)),
        format!("the clocks of {one} and {other} drift apart by at most {} ms in a window", timing.drift),
        "what a disk was told to keep, it keeps; scripts end".into(),
    ];
    let witness = &subject.voice.witness;
    if subject.several {
        said.push("routers answer or not one by one; three of them stand for any number".into());
    }
    match subject.witness {
        Witness::None => {}
        Witness::Router if subject.relay => said.push(format!(
            "{witness} reflects heartbeats: whoever reaches it hears whoever else does (`safetui state -v` shows it)"
        )),
        Witness::Router => {}
        Witness::Arbiter => {
            said.push(format!("{witness} keeps on its disk what it has granted; no clock is relied on for writes"));
        }
    }
    if !subject.checked.is_empty() {
        said.push("a checker notices a failure within a heartbeat; what its rules do ends at once".into());
    }
    if limits.budget.writes != Budget::ANY {
        said.push(format!("the client writes at most {} times", limits.budget.writes));
    }
    if !subject.starts {
        said.push("somebody starts the module again after a machine has booted (boot is not \"on\")".into());
    }
    if !subject.failover {
        said.push("nobody is promised a takeover: failover is \"off\"".into());
    }
    said
}

fn kinds(budget: &Budget) -> String {
    let kinds = [
        (budget.crashes, "power loss", "power losses"),
        (budget.cuts, "change of the network", "changes of the network"),
        (budget.pauses, "pause of a node", "pauses of a node"),
        (budget.failures, "failure of a resource", "failures of resources"),
    ];
    let count =
        |(count, one, many): &(u8, &str, &str)| format!("{count} {}", if *count == 1 { one } else { many });
    kinds.iter().filter(|kind| kind.0 > 0).map(count).collect::<Vec<_>>().join(", ")
}
