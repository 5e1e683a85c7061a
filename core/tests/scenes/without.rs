//! What a rule of the protocol keeps from happening does happen without it, and nothing more: otherwise what the model
//! finds when it takes the rule out would be about something else.

use safetui_core::{Action, Beat, Cause, Command, Event, Mark, Note, Role, Rule, Rules};

use crate::{
    scene::{ALONE, PRIM, Pair, SECOND, TIMING, WAIT},
    states,
};

fn without(rule: Rule, mut pair: Pair) -> Pair {
    pair.nodes.iter_mut().for_each(|node| node.cfg.rules = Rules::without(rule));
    pair
}

#[test]
fn without_boot_alone_who_shared_the_data_starts_alone_and_nobody_else() {
    let mut back = without(Rule::BootAlone, states::first_back());
    back.pass(100);
    assert_eq!((back.nodes[0].state(), back.nodes[0].core.cause()), (ALONE, Cause::Owner));
    let mut new = without(Rule::BootAlone, Pair::fresh());
    new.order(0, Command::Start);
    new.pass(3000);
    assert_eq!(new.nodes[0].state(), WAIT);
}

#[test]
fn without_the_latch_who_lost_a_contest_goes_on_when_the_witness_answers_and_nobody_else() {
    let mut latched = states::isolated();
    latched.router = [true; 2];
    latched.pass(3000);
    assert_eq!(latched.states(), [WAIT, WAIT], "with it");
    let mut lost = without(Rule::Latch, states::isolated());
    lost.pass(3000);
    assert_eq!(lost.states(), [WAIT, WAIT], "no answer");
    lost.router[1] = true;
    lost.pass(100);
    assert_eq!(lost.states(), [WAIT, ALONE]);
    let mut back = without(Rule::Latch, states::first_back());
    back.pass(3000);
    assert_eq!(back.nodes[0].state(), WAIT, "it lost no contest");
}

/// The witness did not answer for a while after the last contact, and does again.
fn interrupted(mut pair: Pair) -> Pair {
    pair.runs[0] = false;
    pair.pass(200);
    pair.router[1] = false;
    pair.pass(300);
    pair.router[1] = true;
    pair
}

#[test]
fn without_continuity_an_interrupted_run_of_answers_wins_and_none_does_not() {
    let decided = |mut pair: Pair| {
        pair.pass(2000);
        pair.nodes[1].state()
    };
    assert_eq!(decided(interrupted(Pair::ready())), WAIT, "with it");
    assert_eq!(decided(without(Rule::Continuity, interrupted(Pair::ready()))), ALONE);
    let mut silent = without(Rule::Continuity, Pair::ready());
    (silent.runs[0], silent.router[1]) = (false, false);
    assert_eq!(decided(silent), WAIT, "no answer");
}

#[test]
fn without_two_way_a_primary_that_hears_its_peer_never_decides() {
    let mut pair = without(Rule::TwoWay, Pair::ready());
    pair.speaks[0] = false;
    pair.pass(TIMING.timeout + 100);
    assert_eq!(pair.nodes[0].core.role(), Role::Prim);
    let mut silent = without(Rule::TwoWay, Pair::ready());
    silent.runs[1] = false;
    silent.pass(TIMING.timeout + 100);
    assert_eq!(silent.nodes[0].state(), ALONE);
}

#[test]
fn without_yield_a_primary_goes_on_though_it_hears_a_peer_that_does_not_hear_it() {
    let mut pair = without(Rule::Yield, Pair::ready());
    pair.speaks[0] = false;
    pair.pass(TIMING.timeout + 100);
    assert_eq!(pair.nodes[0].state(), ALONE);
}

#[test]
fn without_terms_a_primary_does_not_heed_a_peer_that_went_on() {
    let mut pair = without(Rule::Term, Pair::ready());
    let last = pair.nodes[0].core.peer().unwrap().beat;
    let (role, mark, term) = (Role::Alone, Mark::Exclusive, last.term + 1);
    pair.event(0, Event::Heard(Beat { role, mark, term, nth: last.nth + 1, ..last }));
    assert_eq!(pair.nodes[0].state(), PRIM);
}

#[test]
fn without_late_self_nobody_notices_that_it_slept() {
    let mut pair = without(Rule::LateSelf, Pair::ready());
    pair.now = pair.now.plus(TIMING.timeout - 100);
    pair.event(1, Event::Answered { asked: pair.now });
    assert_eq!(pair.nodes[1].state(), SECOND);
    let slept = |it: &Action<4>| matches!(it, Action::Note(Note::Slept { .. }));
    assert!(!pair.nodes[1].orders.iter().any(slept), "{:?}", pair.nodes[1].orders);
}
