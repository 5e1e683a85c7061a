//! The protocol with one rule removed, each in a world that must refute it: a check that nothing can fail
//! proves nothing.

use safetui_core::{Rule, Rules};

use crate::{world::Settings, worlds};

/// One rule, and the world in which the protocol without it must fall.
#[derive(Clone, Debug)]
pub struct Mutant {
    pub rule: &'static str,
    pub settings: Settings,
}

/// One for each rule, and one for the assumption that reflected heartbeats buy.
pub fn all() -> Vec<Mutant> {
    Rule::ALL.into_iter().map(without).chain([without_relay()]).collect()
}

fn without(rule: Rule) -> Mutant {
    let (name, world) = match rule {
        Rule::Hold => ("Hold", worlds::TWO_CRASHES),
        Rule::MarkFirst => ("MarkFirst", worlds::ONE_WAY_AND_CRASH),
        Rule::Continuity => ("Continuity", worlds::TWO_CUTS),
        Rule::TwoWay => ("TwoWay", worlds::TWO_CUTS),
        Rule::Yield => ("Yield", worlds::TWO_CUTS),
        Rule::Echo => ("Echo", worlds::TWO_CUTS),
        Rule::Guard => ("Guard", worlds::DRIFT),
        Rule::Latch => ("Latch", worlds::CRASH_AND_CUT),
        Rule::BootAlone => ("BootAlone", worlds::CRASH_AND_CUT),
        Rule::PairOrder => ("PairOrder", worlds::FIRST_START),
        Rule::FreshPair => ("FreshPair", worlds::ASTRAY),
        Rule::Term => ("Term", worlds::FORKS),
        Rule::Lease => ("Lease", worlds::PAUSE_AND_CUT),
        Rule::LateSelf => ("LateSelf", worlds::NO_WITNESS),
        Rule::Fork => ("Fork", worlds::FORKS),
        Rule::Await => ("Await", worlds::WAITING),
        Rule::StandIn => ("StandIn", worlds::WAITING),
        Rule::Recall => ("Recall", worlds::WAITING),
        Rule::MaxLoop => ("MaxLoop", worlds::RESTARTING),
        Rule::Damping => ("Damping", worlds::WAITING),
        Rule::Grant => ("Grant", worlds::ARBITER_AND_CUTS),
    };
    Mutant { rule: name, settings: Settings { rules: [Rules::without(rule); 2], ..world } }
}

fn without_relay() -> Mutant {
    Mutant { rule: "Relay", settings: Settings { relay: false, ..worlds::DIRECT } }
}
