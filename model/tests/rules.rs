//! Failover rules: the worlds in which they hold, and rule sets that never come to rest.

use safetui_core::rule::{Book, Order, Pace, Read, Set, State, Term};
use safetui_model::{
    mutant::Mutant,
    pair::Pair,
    property,
    verify::refute,
    world::{Budget, Settings},
    worlds,
};
use stateright::{Checker, Expectation, HasDiscoveries, Model};

/// Explores a world to its end: nothing that must hold falls, and no state is missing.
fn exhausted(settings: &Settings) {
    let entry = worlds::all().into_iter().find(|it| it.settings.name == settings.name).unwrap();
    let pair = Pair::new(entry.settings);
    let checker = pair.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    for property in property::all().iter().filter(|it| it.expectation == Expectation::Always) {
        checker.assert_no_discovery(property.name);
    }
    assert_eq!(checker.unique_state_count(), entry.states, "look at what changed, then pin again");
}

#[test]
fn of_two_that_wait_for_a_check_whoever_can_serves() {
    exhausted(&worlds::WAITING);
}

#[test]
fn what_keeps_failing_is_restarted_and_then_left_alone() {
    exhausted(&worlds::RESTARTING);
}

/// One rule over one resource that may fail on both nodes, in a pair that counts nothing.
fn uncounted(order: Order, roled: bool) -> Settings {
    let condition = [Term::Read(Read::one(0, State::Down))];
    let pace = Pace { act: 1, wake: 3, maxloop: 3, interval: 0 };
    let about_the_application = if roled { Set::of(0) } else { Set::EMPTY };
    Settings {
        name: "a rule that is not counted",
        book: Book::EMPTY.with(&condition, order).unwrap().followed(about_the_application, pace),
        checked: Set::of(0),
        budget: Budget { failures: 2, ..worlds::CALM.budget },
        ..worlds::CALM
    }
}

/// The property that falls, and the story, which must be short.
fn fallen(settings: Settings) -> (Option<&'static str>, Vec<String>) {
    let row = refute(&Mutant { rule: "none is missing", settings }, 2);
    assert!(row.story.len() <= 8, "{:#?}", row.story);
    (row.refuted_by, row.story)
}

#[test]
fn a_restart_that_is_never_enough_is_found() {
    let (fallen, story) = fallen(uncounted(Order::Restart, true));
    assert_eq!(fallen, Some("with a failing check the pair comes to rest"), "{story:#?}");
    assert!(story[0].ends_with("node1 finds resource 0 down"), "{story:#?}");
}

#[test]
fn two_nodes_that_give_the_service_to_each_other_for_ever_are_found() {
    for (order, roled) in [(Order::StopStart, true), (Order::Swap, false)] {
        let (fallen, story) = fallen(uncounted(order, roled));
        assert_eq!(fallen, Some("with a failing check the pair comes to rest"), "{order:?} {story:#?}");
        let both = [1, 2].map(|n| story.iter().any(|line| line.contains(&format!("node{n} finds"))));
        assert_eq!(both, [true, true], "{story:#?}");
    }
}

#[test]
fn a_module_s_own_rules_are_explored_at_the_pace_of_heartbeats() {
    let pace = Pace { act: 100, wake: 15_000, maxloop: 3, interval: 86_400_000 };
    let book = worlds::WAITING.book.followed(Set::EMPTY, pace);
    let settings = worlds::CALM.watching(&book, Set(0b11), 100);
    assert_eq!(settings.book.pace, Pace { act: 1, wake: 4, maxloop: 3, interval: u64::MAX });
    assert_eq!(settings.checked, Set(0b11));
}

#[test]
fn counted_the_same_rules_come_to_rest() {
    let settings = uncounted(Order::StopStart, true);
    let pace = Pace { maxloop: 2, interval: u64::MAX, ..settings.book.pace };
    let book = settings.book.followed(Set::of(0), pace);
    let budget = Budget { failures: 2, ..worlds::CALM.budget };
    assert_eq!(fallen(Settings { book, budget, ..settings }), (None, Vec::new()));
}
