//! What a mutant of the core meets when the core's own tests let it live (`scripts/mutants`): the worlds that take
//! seconds together, by the number of their states, and what falls without each rule, by the table of the README.
//! `safetui verify` explores all of it and more, so this is not run with the other tests.

use safetui_model::{
    mutant,
    verify::{Report, exhaust, refute},
    world::{Budget, Settings},
    worlds::{self, Entry},
};

/// The largest world that is explored.
const STATES: usize = 200_000;

/// Worlds that are pinned only together with a further fault, which makes them large.
fn parts() -> [Entry; 3] {
    let part = |settings, budget, states| Entry { settings: Settings { budget, ..settings }, states };
    let none = worlds::CALM.budget;
    [
        part(worlds::OPERATOR, Budget { orders: 1, ..none }, 8_045),
        part(worlds::SWAP, Budget { orders: 1, ..none }, 2_016),
        part(worlds::UNTIMED, none, 1_377),
    ]
}

#[test]
#[ignore = "`safetui verify` explores more; `scripts/mutants` runs it"]
fn the_small_worlds_have_the_states_that_were_looked_at() {
    let pinned = worlds::all().into_iter().filter(|entry| entry.states <= STATES);
    let mut entries: Vec<Entry> = pinned.chain(parts()).collect();
    entries.sort_by_key(|entry| entry.states);
    for entry in entries {
        let mut report = Report::blank();
        exhaust(entry.clone(), 1, &mut report);
        assert_eq!(report.worlds[0].states, entry.states, "{}", entry.settings.name);
        let fallen = report.properties.iter().find(|row| !row.story.is_empty());
        assert!(fallen.is_none(), "{}: {fallen:#?}", entry.settings.name);
    }
}

#[test]
#[ignore = "`safetui verify` explores more; `scripts/mutants` runs it"]
fn what_falls_without_a_rule_or_an_assumption_is_what_the_table_says() {
    let table = include_str!("../README.md");
    for mutant in mutant::all().into_iter().chain(mutant::limits()) {
        let row = refute(&mutant, 1);
        let fallen = row.refuted_by.unwrap_or("nothing");
        let line = format!("| {} | {fallen} | {} | {} |", row.rule, row.length, row.world);
        assert!(table.contains(&line), "not in the table: {line}");
    }
}
