//! What has to be copied is never less than what differs.

use safetui_model::since::{Differing, Rule};
use stateright::{Checker, HasDiscoveries, Model};

/// A crash, and one node or the other serves.
const TURN: Differing = Differing { writes: 2, crashes: 1, breaks: 0, cuts: 0, turns: 1, without: None };
/// A crash, and cuts while it goes on.
const CUTS: Differing = Differing { writes: 1, crashes: 1, breaks: 0, cuts: 1, turns: 1, without: None };
/// All of it: 4 million states already without the break.
const ALL: Differing = Differing { writes: 2, crashes: 1, breaks: 1, cuts: 1, turns: 1, without: None };

fn exhausted(world: Differing, states: usize) {
    let checker = world.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    checker.assert_properties();
    assert_eq!(checker.unique_state_count(), states, "look at what changed, then pin again");
}

#[test]
fn all_that_differs_is_compared_and_little_else() {
    exhausted(TURN, 385_324);
    exhausted(CUTS, 246_604);
}

#[test]
#[ignore = "takes minutes"]
fn all_that_differs_is_compared_in_larger_worlds() {
    exhausted(Differing { breaks: 0, ..ALL }, 4_013_914);
    exhausted(Differing { writes: 1, ..ALL }, 5_540_969);
}

/// The property that falls without the rule, and in how many steps.
fn fallen(rule: Rule) -> Option<(&'static str, usize)> {
    let world = Differing { without: Some(rule), ..ALL };
    let checker = world.checker().threads(1).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let always =
        ["what differs is compared", "at a cut both have the same", "who has held the same cut does again"];
    always.into_iter().find_map(|name| Some((name, checker.discovery(name)?.into_actions().len())))
}

#[test]
fn without_any_of_its_rules_something_is_missed() {
    let rules =
        [Rule::NoteFirst, Rule::CutAlone, Rule::Durable, Rule::Restarted, Rule::BothHold, Rule::BothNoted];
    insta::assert_debug_snapshot!(rules.map(|rule| (rule, fallen(rule))));
}
