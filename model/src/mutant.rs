//! The protocol with one rule removed, each in a world that must refute it: a check that nothing can fail
//! proves nothing.

use safetui_core::{Rule, Rules};

use crate::{
    world::{Budget, Settings},
    worlds,
};

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
        Rule::SameLedger => ("SameLedger", worlds::ARBITER_ANEW),
    };
    Mutant { rule: name, settings: Settings { rules: [Rules::without(rule); 2], ..world } }
}

/// What the worlds take for granted about their surroundings, each taken away in a world that must then fall: an
/// expected result, and the reason why the assumption is written down.
pub fn limits() -> Vec<Mutant> {
    let crashes_and_backup = Budget { crashes: 2, ..worlds::BACKUP.budget };
    let pause_and_cut = Budget { cuts: 1, ..worlds::FROZEN.budget };
    let one_way = Settings { cuts: worlds::ONE_WAY, ..worlds::UPGRADE };
    let limit = |rule, settings| Mutant { rule, settings };
    vec![
        limit("with a witness", Settings { strict: true, ..worlds::FORKS }),
        limit("the router's hardware is known", Settings { pins: false, ..worlds::TWINS }),
        limit("more than half of the routers", Settings { quorum: 1, ..worlds::THREE_ROUTERS }),
        limit("the arbiter grants once", Settings { grants_once: false, ..worlds::ARBITER_AND_CUTS }),
        limit("clocks move on in a pause", Settings { budget: pause_and_cut, ..worlds::FROZEN }),
        limit("no older backup is put back", Settings { budget: crashes_and_backup, ..worlds::BACKUP }),
        limit("no one-way cut beside the older rules", one_way),
    ]
}

fn without_relay() -> Mutant {
    Mutant { rule: "Relay", settings: Settings { relay: false, ..worlds::DIRECT } }
}
