//! The small worlds, each time; `safetui verify` has them all.

use safetui_core::{Role, Status, mirror::Step as Stage};
use safetui_model::{
    mutant,
    pair::Pair,
    verify::{Report, Verdict, exhaust, refute},
    world::{BASE, Settings, World},
    worlds::{self, Entry},
};
use stateright::{Checker, Model};

/// Explores a world to its end, and proves that it did: the number of its states is pinned.
fn exhausted(entry: &Entry) {
    let pair = Pair::new(entry.settings.clone());
    let plain = pair.checker().spawn_bfs().join();
    plain.assert_properties_always();
    assert_eq!(plain.unique_state_count(), entry.states, "{}: plain, not packed", entry.settings.name);
    let mut report = Report { properties: Vec::new(), ..Report::blank() };
    exhaust(entry.clone(), 1, &mut report);
    assert_eq!(
        report.worlds[0].states, entry.states,
        "{}: look at what changed, then pin again",
        entry.settings.name
    );
}

/// Of the properties, those that must hold in each world by itself.
trait Always {
    fn assert_properties_always(&self);
}

impl<C: Checker<Pair>> Always for C {
    fn assert_properties_always(&self) {
        for property in safetui_model::property::all() {
            if property.expectation == stateright::Expectation::Always {
                self.assert_no_discovery(property.name);
            }
        }
    }
}

fn entry(settings: &Settings) -> Entry {
    worlds::all().into_iter().find(|entry| entry.settings.name == settings.name).unwrap()
}

#[test]
fn forks_lose_nothing_unseen() {
    exhausted(&entry(&worlds::FORKS));
}

#[test]
fn a_pause_without_witness_is_survived() {
    exhausted(&entry(&worlds::NO_WITNESS));
}

#[test]
fn a_lost_heartbeat_changes_nothing() {
    exhausted(&entry(&worlds::DELAYS));
}

#[test]
fn a_first_start_with_a_crash_anywhere_comes_to_a_pair() {
    exhausted(&entry(&worlds::FIRST_START));
}

#[test]
fn a_heartbeat_of_an_earlier_life_is_harmless() {
    exhausted(&entry(&worlds::ASTRAY));
}

#[test]
fn every_world_keeps_the_timers_that_a_configuration_must_keep() {
    // Where no clock is trusted, no timer is either.
    for entry in worlds::all().into_iter().filter(|entry| entry.settings.leases) {
        assert_eq!(entry.settings.timing.check(), Ok(()), "{}", entry.settings.name);
    }
}

#[test]
fn no_rule_is_redundant() {
    for mutant in mutant::all() {
        let row = refute(&mutant, 2);
        assert!(row.refuted_by.is_some(), "without {} nothing falls in: {}", row.rule, row.world);
        assert!(!row.story.is_empty(), "{}", row.rule);
    }
}

#[test]
fn no_assumption_is_idle() {
    for limit in mutant::limits() {
        let row = refute(&limit, 2);
        assert!(row.refuted_by.is_some(), "nothing falls without: {}", limit.rule);
    }
}

#[test]
fn whoever_waits_says_why_and_what_would_end_it() {
    let pair = Pair::new(worlds::FORKS);
    let mut seen = std::collections::HashSet::new();
    let mut queue: std::collections::VecDeque<World> = pair.init_states().into();
    let mut waiting = 0;
    while let Some(world) = queue.pop_front() {
        for (node, core) in world.nodes.iter().enumerate().filter_map(|(n, it)| Some((n, it.core.as_ref()?)))
        {
            if (core.role(), core.status(), core.step()) == (Role::Wait, Status::NotReady, Stage::Steady) {
                waiting += 1;
                let why =
                    core.explain(pair.settings.config(node), BASE).expect("who is not ready can say why");
                assert!(why.guards.iter().flatten().any(|guard| !guard.holds), "{why:?}");
                assert!(why.ways[0].is_some(), "{why:?}");
            }
        }
        for (_, next) in pair.next_steps(&world) {
            if seen.insert(next.clone()) {
                queue.push_back(next);
            }
        }
    }
    assert!(waiting > 100, "the world is not empty: {waiting}");
}

#[test]
fn a_run_that_was_cut_short_is_no_proof() {
    let mut report = Report { properties: Vec::new(), ..Report::blank() };
    exhaust(Entry { states: 1, ..entry(&worlds::NO_WITNESS) }, 1, &mut report);
    assert_eq!(report.verdict(), Verdict::Inconclusive);
}

#[test]
fn a_mutant_that_survives_is_reported_as_a_violation() {
    let mut report = Report { properties: Vec::new(), ..Report::blank() };
    let whole = mutant::Mutant { rule: "nothing", settings: worlds::NO_WITNESS };
    report.mutants.push(refute(&whole, 1));
    assert_eq!(report.verdict(), Verdict::Violated);
}
