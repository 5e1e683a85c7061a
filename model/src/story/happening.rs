//! What a step is, in words.

use safetui_core::{Gate, Witness};

use super::Voice;
use crate::world::{Cut, Given, LAPSE, Step, Torn, World};

impl Voice {
    /// What the step means, and the node that it happens to; `None` for what happens all the time.
    pub(super) fn happening(
        &self,
        settings: &Given,
        before: &World,
        step: Step,
    ) -> Option<(Option<usize>, String)> {
        let at = |node: usize, text: &str| Some((Some(node), text.to_string()));
        let from = |node: usize, text: String| Some((Some(node), text));
        let between = |text: String| Some((None, text));
        match step {
            Step::Tick { by: [0 | 1, 0 | 1] } | Step::Deliver { .. } | Step::Report(_) => None,
            Step::Tick { by } if by.into_iter().any(|by| by >= LAPSE) => {
                at(usize::from(by[0] < by[1]), "waits no longer: its timers have run out")
            }
            Step::Tick { by } => {
                at(usize::from(by[0] < by[1]), "has a clock that runs fast: it gains on the other")
            }
            Step::Lose { to, .. } if before.cut.beats(settings, to) => {
                between(format!("a heartbeat of {} to {} is lost", self.other(to), self.name(to)))
            }
            Step::Lose { .. } => None,
            Step::Detain { to, .. } => {
                between(format!("a copy of a heartbeat of {} is held up somewhere", self.other(to)))
            }
            Step::DeliverDetained(to) => {
                from(to, format!("hears the heartbeat of {} that was held up", self.other(to)))
            }
            Step::Cut(cut) => between(self.cut(settings.witness, cut)),
            Step::Heal => between("the network works again".into()),
            Step::Crash(node) => at(node, "loses power"),
            Step::TickThenCrash(node, torn) | Step::ReportThenCrash(node, torn) => {
                from(node, format!("decides, and loses power {}", when(torn)))
            }
            Step::DeliverThenCrash { to, torn, .. } => {
                from(to, format!("hears {}, decides, and loses power {}", self.other(to), when(torn)))
            }
            Step::Restart(node) => at(node, "starts again"),
            Step::Pause(node) => at(node, "stands still: its machine is paused, or overloaded"),
            Step::Resume(node) => at(node, "goes on"),
            Step::Write(node) => at(
                node,
                match before.nodes[node].gate {
                    Gate::Alone { .. } => "takes a write of the client, and acknowledges it",
                    _ => "takes a write of the client, which waits for both nodes to have it",
                },
            ),
            Step::Apply(node) => at(1 - node, "has the client's write too"),
            Step::Acknowledge(node) => at(node, "acknowledges the client's write"),
            Step::Copy(node) => from(1 - node, format!("has all the data of {} now", self.name(node))),
            Step::Unplug(node) => at(node, "loses the link to its clients"),
            Step::Fail(node, id) => from(node, format!("finds {} down", self.resource(id))),
            Step::Mend(node, id) => from(node, format!("finds {} up again", self.resource(id))),
            Step::Order(node, command) => from(node, format!("is told by an operator: {}", command.verb())),
            Step::Arbitrate(node) => between(format!("{} hears what {} asks", self.witness, self.name(node))),
            Step::Verdict(node) => {
                let granted = before.nodes[node].verdict.is_some_and(|verdict| verdict.granted);
                let word = if granted { "may go on alone" } else { "may not go on alone" };
                from(node, format!("hears from {} that it {word}", self.witness))
            }
            Step::LoseVerdict(node) => {
                between(format!("the answer of {} to {} is lost", self.witness, self.name(node)))
            }
            Step::Amnesia => between(format!("{} loses its memory and begins another ledger", self.witness)),
            Step::Backup(node) => at(node, "has its disk copied to a backup"),
            Step::Restore(node) => at(node, "gets its disk back from the backup"),
            Step::Wipe(node) => at(node, "gets an empty disk"),
        }
    }

    fn cut(&self, witness: Witness, cut: Cut) -> String {
        let [one, other] = &self.nodes;
        match cut {
            Cut::Off(_) | Cut::All | Cut::Direct if witness == Witness::None => {
                format!("the network between {one} and {other} breaks; both still run")
            }
            Cut::None => "the network works again".into(),
            Cut::Off(node) => {
                let (node, peer) = (self.name(node), self.other(node));
                format!("the network breaks: {node} reaches neither {peer} nor {}", self.witness)
            }
            Cut::Router => format!("{} no longer answers anybody", self.witness),
            Cut::All => format!("the network breaks: {one}, {other} and {} are all apart", self.witness),
            Cut::Direct => {
                format!("the network between {one} and {other} breaks; both still reach {}", self.witness)
            }
            Cut::Twins(known) => {
                let (node, peer) = (self.other(known), self.name(known));
                format!(
                    "the network between {node} and {peer} breaks; {node} reaches another machine with the \
                     address of {}",
                    self.witness
                )
            }
            Cut::Views([first, second]) => {
                let (first, second) = (first.count_ones(), second.count_ones());
                format!(
                    "the network between {one} and {other} breaks; of three routers {one} reaches {first} and \
                     {other} {second}"
                )
            }
            Cut::Deaf(node) => {
                let (node, peer) = (self.name(node), self.other(node));
                format!("the network breaks one way: {node} no longer hears {peer}, which still hears {node}")
            }
        }
    }
}

const fn when(torn: Torn) -> &'static str {
    match torn {
        Torn::Before => "before that is on its disk",
        Torn::After => "when that is on its disk and nothing else is done",
    }
}
