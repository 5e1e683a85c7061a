//! What is broken at the end of a counterexample, and what the client has lost.

use safetui_core::Status;

use super::Voice;
use crate::{
    pair::Pair,
    world::{World, survivor_serves},
};

/// Properties that have an end of their own, by their names.
const ONE_ACKNOWLEDGES: &str = "at most one node acknowledges writes";
const ONE_ANSWERS: &str = "at most one node answers for the virtual IP";
const SERVES_ALL: &str = "who serves has every acknowledged write";
const UNSEEN: &str = "no acknowledged write is overwritten unseen";
const RECOVERS: &str = "recovers once faults cease";
const SURVIVES: &str = "a survivor of a healthy pair serves in its window";
const RESTS: &str = "with a failing check the pair comes to rest";
const FLAPS: &str = "with a check that flaps the pair comes to rest";
const IDLE: &str = "who can serve while a check fails serves";

impl Voice {
    /// The last line.
    pub(super) fn ending(&self, pair: &Pair, property: &str, world: &World) -> String {
        let [one, other] = &self.nodes;
        match property {
            ONE_ACKNOWLEDGES => format!(
                "now {one} and {other} both acknowledge writes: each has what the other has not, and when they \
                 meet, the writes of one of them are given up"
            ),
            ONE_ANSWERS => {
                format!(
                    "now {one} and {other} both answer for the virtual IP: which one a client meets is chance"
                )
            }
            SERVES_ALL => self.stale(world),
            UNSEEN => "a copy has removed the client's acknowledged write, and nobody was asked".into(),
            RECOVERS => self.never_again(pair, world),
            SURVIVES => self.nobody_serves(pair, world),
            RESTS => "if that stays down from here, the two never come to rest: what the rules order, they order again".into(),
            FLAPS => "if that goes up and down from here, the two never come to rest: the rules move them each time".into(),
            IDLE => "here nobody serves, though there is a node that no rule holds and that has the newest data".into(),
            other => format!("here it no longer holds that: {other}"),
        }
    }

    fn stale(&self, world: &World) -> String {
        let lacks = |node: &usize| world.nodes[*node].answers() && !world.nodes[*node].data;
        let stale = (0..2).find(lacks).unwrap_or_default();
        let (stale, keeper) = (self.name(stale), self.other(stale));
        format!("the client's write, acknowledged at {keeper}, is missing at {stale}, which serves")
    }

    fn never_again(&self, pair: &Pair, world: &World) -> String {
        let ticks = pair.ticks_to_heal();
        let end = world.after_calm(&pair.settings, ticks);
        let each = |node: usize| match &end.nodes[node].core {
            None => format!("{} is down", self.name(node)),
            Some(core) => {
                let ready = if core.status() == Status::Ready { "" } else { ", not ready" };
                format!("{} is {}{ready} ({})", self.name(node), core.role().word(), core.cause().text())
            }
        };
        format!(
            "from here nothing fails any more, and {} later they are still no pair: {}; {}",
            self.span(u64::from(ticks)),
            each(0),
            each(1)
        )
    }

    fn nobody_serves(&self, pair: &Pair, world: &World) -> String {
        let ticks = pair.ticks_to_take_over();
        let serves = |victim: &usize| survivor_serves(&pair.settings, world, *victim, ticks);
        let victim = (0..2).find(|victim| !serves(victim)).unwrap_or_default();
        let span = self.span(u64::from(ticks));
        let (victim, survivor) = (self.name(victim), self.other(victim));
        format!("if {victim} loses power now, {survivor} does not serve within {span}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property;

    #[test]
    fn every_ending_is_that_of_a_property() {
        let names: Vec<&str> = property::all().into_iter().map(|property| property.name).collect();
        let own = [ONE_ACKNOWLEDGES, ONE_ANSWERS, SERVES_ALL, UNSEEN, RECOVERS, SURVIVES, RESTS, FLAPS, IDLE];
        for name in own {
            assert!(names.contains(&name), "{name}");
        }
    }
}
