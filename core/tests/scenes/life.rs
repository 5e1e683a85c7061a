//! The life of a pair, scene by scene.

use crate::{
    scene::{ALONE, PRIM, Pair, SECOND, STOP, TIMING, WAIT},
    states,
};
use safetui_core::{
    Action, Boot, Cause, Command, Event, Gate, Mark, Note, Refusal, Role, Tick, Witness,
    explain::Block,
    foresee::{Ahead, Service},
};

#[test]
fn two_new_nodes_wait_until_one_is_forced() {
    let mut pair = Pair::fresh();
    pair.order(0, Command::Start);
    pair.order(1, Command::Start);
    pair.pass(5000);
    assert_eq!(pair.states(), [WAIT, WAIT]);
    pair.order(0, Command::Prim);
    pair.pass(1000);
    assert_eq!(pair.states(), [PRIM, SECOND]);
}

#[test]
fn being_alone_is_durable_before_writes_that_rely_on_it_are_acknowledged() {
    let mut pair = Pair::ready();
    pair.runs[1] = false;
    pair.pass(2000);
    let decisions = pair.nodes[0].decisions();
    let persisted = decisions
        .iter()
        .position(|it| matches!(it, Action::Persist(record) if record.mark == Mark::Exclusive));
    let opened = decisions.iter().position(|it| matches!(it, Action::Gate(Gate::Alone { .. })));
    assert!(persisted.unwrap() < opened.unwrap(), "{decisions:?}");
    assert_eq!(pair.nodes[0].state(), ALONE);
}

#[test]
fn a_secondary_takes_over_at_the_end_of_its_window_and_not_before() {
    let mut pair = Pair::ready();
    pair.pass(40);
    let heard = pair.nodes[1].core.heard();
    pair.runs[0] = false;
    let ends = TIMING.timeout + TIMING.guard;
    pair.pass(ends - pair.now.since(heard) - 10);
    assert_eq!(pair.nodes[1].state(), SECOND);
    pair.pass(20);
    assert_eq!(pair.nodes[1].state(), ALONE);
    assert_eq!(pair.nodes[1].core.cause(), Cause::PeerLost);
}

#[test]
fn an_isolated_primary_holds_its_writes_and_drops_its_address_before_anything_else() {
    let mut pair = Pair::ready();
    (pair.speaks, pair.router[0]) = ([false, false], false);
    pair.nodes[0].orders.clear();
    pair.pass(1200);
    let fenced = pair.nodes[0].orders.iter().position(|it| *it == Action::Gate(Gate::Held)).unwrap();
    assert!(matches!(pair.nodes[0].orders[fenced + 1], Action::Lease(until) if until <= pair.now));
    assert_eq!(pair.nodes[0].state(), WAIT);
    pair.pass(1000);
    assert_eq!(pair.states(), [WAIT, ALONE]);
}

#[test]
fn an_isolated_pair_without_its_router_stops_serving_and_heals_by_itself() {
    let mut pair = Pair::ready();
    (pair.speaks, pair.router) = ([false, false], [false, false]);
    pair.pass(3000);
    assert_eq!(pair.states(), [WAIT, WAIT]);
    (pair.speaks, pair.router) = ([true, true], [true, true]);
    pair.pass(2000);
    assert_eq!(pair.states(), [PRIM, SECOND], "the former primary goes first");
}

#[test]
fn whoever_alone_has_the_newest_data_starts_alone_once_it_has_listened() {
    let mut pair = Pair::ready();
    pair.runs[1] = false;
    pair.until(|pair| pair.nodes[0].state() == ALONE);
    pair.order(0, Command::StopStart);
    pair.pass(TIMING.timeout - 10);
    assert_eq!(pair.nodes[0].core.role(), Role::Wait, "the peer may yet be heard");
    pair.until(|pair| pair.nodes[0].state() == ALONE);
    assert_eq!(pair.nodes[0].core.cause(), Cause::Owner);
}

#[test]
fn a_primary_that_is_not_heard_gives_way_to_the_peer_that_it_hears() {
    let mut pair = Pair::ready();
    pair.speaks[0] = false;
    pair.pass(2500);
    assert_eq!(pair.nodes[1].state(), ALONE);
    assert_ne!(pair.nodes[0].state(), ALONE);
}

#[test]
fn a_swap_moves_the_service_and_both_are_ready_again() {
    for asked in [0, 1] {
        let mut pair = Pair::ready();
        pair.order(asked, Command::Swap);
        pair.pass(1000);
        assert_eq!(pair.states(), [SECOND, PRIM], "asked on node {asked}");
    }
}

#[test]
fn a_stopped_primary_hands_over_at_once() {
    let mut pair = Pair::ready();
    pair.order(0, Command::Stop);
    pair.pass(20);
    assert_eq!(pair.states(), [STOP, ALONE]);
    pair.order(0, Command::Start);
    pair.pass(1000);
    assert_eq!(pair.states(), [SECOND, PRIM]);
}

#[test]
fn a_stopped_secondary_frees_the_primary_at_once() {
    let mut pair = Pair::ready();
    pair.order(1, Command::Stop);
    pair.pass(20);
    assert_eq!(pair.states(), [ALONE, STOP]);
}

#[test]
fn a_restart_keeps_the_roles() {
    let mut pair = Pair::ready();
    pair.order(0, Command::Restart);
    pair.pass(500);
    assert_eq!(pair.states(), [PRIM, SECOND]);
}

#[test]
fn a_primary_that_slept_past_its_window_stops_serving() {
    let mut pair = Pair::ready();
    pair.now = pair.now.plus(5000);
    pair.event(0, Event::Woke);
    let orders = pair.nodes[0].orders.iter().find(|it| !matches!(it, Action::Note(_)));
    assert_eq!(orders, Some(&Action::Gate(Gate::Held)), "before anything else");
    assert_eq!(pair.nodes[1].core.cause(), Cause::PeerLeft, "the secondary had not slept, and takes over");
}

#[test]
fn a_node_has_slept_when_it_handles_what_was_due_later_than_is_assumed() {
    for (later, slept) in [(TIMING.late, false), (TIMING.late + 1, true)] {
        let mut pair = Pair::ready();
        let (wakes, _) = pair.nodes[0].core.next_wake(&pair.nodes[0].cfg);
        pair.now = wakes.plus(later);
        pair.event(0, Event::Woke);
        let note = Action::Note(Note::Slept { span: later });
        assert_eq!(pair.nodes[0].orders.contains(&note), slept, "{later} ms late");
    }
}

#[test]
fn a_secondary_that_slept_does_not_take_over_what_it_did_not_hear() {
    let mut pair = Pair::ready();
    pair.runs[0] = false;
    pair.now = pair.now.plus(60_000);
    pair.pass(3000);
    assert_eq!(pair.nodes[1].state(), WAIT);
    assert_eq!(pair.nodes[1].core.cause(), Cause::ContestLost);
}

#[test]
fn a_lost_service_link_hands_over_to_a_peer_that_has_one() {
    let mut pair = Pair::ready();
    pair.event(0, Event::Linked(false));
    pair.pass(1000);
    assert_eq!(pair.states(), [SECOND, PRIM]);
}

#[test]
fn a_stream_that_stays_broken_ends_the_pair_without_a_second_primary() {
    let mut pair = Pair::ready();
    let boot = pair.nodes[1].core.boot();
    pair.event(0, Event::StreamLost { boot });
    pair.pass(1200);
    let orders = &pair.nodes[0].orders;
    let parted = |it: &Action<4>| matches!(it, Action::Became { cause: Cause::PeerLeft, .. });
    assert!(orders.iter().any(parted), "{orders:?}");
    let dismissed = |it: &Action<4>| matches!(it, Action::Became { cause: Cause::Dismissed, .. });
    assert!(pair.nodes[1].orders.iter().any(dismissed));
}

#[test]
fn a_stream_to_another_life_of_the_peer_means_nothing() {
    let mut pair = Pair::ready();
    pair.event(0, Event::StreamLost { boot: Boot(99) });
    pair.pass(3000);
    assert_eq!(pair.states(), [PRIM, SECOND]);
    assert!(!pair.nodes[0].orders.iter().any(|it| matches!(it, Action::Became { .. })));
}

#[test]
fn the_end_of_a_copy_means_something_once_to_its_source() {
    let mut pair = states::copying();
    let [source, copy] = [0, 1].map(|node: usize| pair.nodes[node].core.boot());
    let mut ignores = |node: usize, event| {
        let before = pair.nodes[node].core;
        pair.event(node, event);
        assert_eq!(pair.nodes[node].core, before, "{event:?} on node {node}");
    };
    ignores(0, Event::Copied { boot: Boot(99) });
    ignores(0, Event::Drained { boot: copy });
    ignores(1, Event::Copied { boot: source });
    pair.event(0, Event::Copied { boot: copy });
    pair.nodes[0].orders.clear();
    pair.event(0, Event::Copied { boot: copy });
    pair.event(0, Event::Drained { boot: Boot(99) });
    assert_eq!((pair.nodes[0].decisions(), pair.nodes[0].state()), (vec![], ALONE));
    pair.event(0, Event::Drained { boot: copy });
    assert_eq!(pair.nodes[0].core.role(), Role::Prim);
}

#[test]
fn a_node_that_cannot_apply_says_so_and_tries_again_only_after_a_while() {
    let mut pair = Pair::ready();
    pair.event(1, Event::ReceiveFailed);
    pair.pass(5000);
    assert_eq!(pair.states(), [ALONE, WAIT]);
    let node = &pair.nodes[1];
    assert_eq!(node.core.explain(&node.cfg, pair.now).unwrap().block, Block::CannotApply);
    pair.pass(4990);
    assert_eq!(pair.states(), [ALONE, WAIT], "ten windows are not over");
    pair.pass(10);
    assert_eq!(pair.nodes[1].core.role(), Role::Second, "by itself");
    pair.pass(100);
    assert_eq!(pair.states(), [PRIM, SECOND]);
}

#[test]
fn a_heartbeat_that_comes_twice_changes_nothing() {
    let mut pair = Pair::ready();
    let beat = pair.nodes[0].core.peer().unwrap().beat;
    let before = pair.nodes[0].core;
    pair.nodes[0].orders.clear();
    pair.nodes[0].event(pair.now, Event::Heard(beat));
    assert_eq!(pair.nodes[0].core, before);
}

#[test]
fn who_is_not_asked_to_is_refused_with_its_reason() {
    let mut pair = Pair::ready();
    let judge = |pair: &Pair, node: usize, command| {
        let node = &pair.nodes[node];
        node.core.judge(&node.cfg, pair.now, command)
    };
    assert_eq!(judge(&pair, 0, Command::Start), Some(Refusal::AlreadyStarted));
    assert_eq!(judge(&pair, 1, Command::Failover), Some(Refusal::Healthy));
    assert_eq!(judge(&pair, 0, Command::Second), Some(Refusal::WrongRole));
    pair.order(1, Command::Stop);
    pair.pass(100);
    assert_eq!(judge(&pair, 0, Command::Swap), Some(Refusal::NoSecondary));
    assert_eq!(judge(&pair, 1, Command::Prim), Some(Refusal::PeerServes));
}

#[test]
fn what_may_cost_service_or_data_asks_for_more_than_what_cannot() {
    let pair = Pair::ready();
    let asks = |node: usize, command| pair.nodes[node].core.severity(command);
    assert!(asks(0, Command::Stop) > asks(1, Command::Stop));
    assert!(asks(1, Command::Prim) > asks(1, Command::Swap));
    assert_eq!(asks(1, Command::Failover), asks(1, Command::Prim), "they do the same");
}

/// A pair of which each node went on alone, and the second now waits for an operator to choose.
pub(crate) fn forked() -> Pair {
    let mut pair = both_alone(Pair::ready());
    pair.speaks = [true, true];
    pair.pass(3000);
    assert_eq!(pair.states(), [ALONE, WAIT], "the former primary keeps serving");
    pair
}

fn both_alone(mut pair: Pair) -> Pair {
    pair.nodes.iter_mut().for_each(|node| node.cfg.witness = Witness::None);
    pair.speaks = [false, false];
    pair.pass(3000);
    assert_eq!(pair.states(), [ALONE, ALONE]);
    pair
}

#[test]
fn of_two_that_went_on_alone_the_former_primary_keeps_serving_whichever_node_it_is() {
    for heard_first in 0..2 {
        let mut pair = Pair::ready();
        pair.order(0, Command::Swap);
        pair.pass(1000);
        assert_eq!(pair.states(), [SECOND, PRIM]);
        let mut pair = both_alone(pair);
        pair.speaks[heard_first] = true;
        pair.pass(200);
        pair.speaks = [true, true];
        pair.pass(3000);
        assert_eq!(pair.states(), [WAIT, ALONE]);
    }
}

#[test]
fn what_only_one_node_has_is_kept_also_when_its_first_copy_broke_off() {
    let mut pair = forked();
    pair.order(1, Command::Second);
    let record = *pair.nodes[1].core.record();
    assert_eq!(record.mark, Mark::Copying, "it copies, and has not got far");
    pair.nodes[1].core = crate::scene::Core::new(pair.now, Boot(2), 7 << 40, record);
    pair.nodes[1].orders.clear();
    pair.order(1, Command::Start);
    pair.pass(3000);
    let aside = |it: &Action<4>| matches!(it, Action::Receive { aside: true, .. });
    assert!(pair.nodes[1].orders.iter().any(aside), "{:?}", pair.nodes[1].decisions());
    assert_eq!(pair.states(), [PRIM, SECOND]);
}

#[test]
fn forks_are_shown_and_kept_until_an_operator_chooses() {
    let mut pair = forked();
    let node = &pair.nodes[1];
    let why = node.core.explain(&node.cfg, pair.now).unwrap();
    assert_eq!(why.block, Block::Forked);
    pair.nodes[1].orders.clear();
    pair.order(1, Command::Second);
    pair.pass(1000);
    let aside = |it: &Action<4>| matches!(it, Action::Receive { aside: true, .. });
    assert!(pair.nodes[1].orders.iter().any(aside), "what only this node has is kept");
    assert_eq!(pair.states(), [PRIM, SECOND]);
}

#[test]
fn what_is_foreseen_is_what_happens() {
    let mut pair = Pair::ready();
    let node = &pair.nodes[0];
    let course = node.core.foresee(&node.cfg, pair.now, Ahead::Order(Command::Swap));
    assert_eq!(course.end, [Some(SECOND), Some(PRIM)]);
    let lost = node.core.foresee(&node.cfg, pair.now, Ahead::SelfLost);
    assert_eq!(lost.end, [None, Some(ALONE)]);
    assert!(lost.gap >= TIMING.timeout, "{lost:?}");
    pair.order(0, Command::Swap);
    pair.pass(1000);
    assert_eq!(pair.states(), [SECOND, PRIM]);
}

#[test]
fn without_a_secondary_a_stop_is_foreseen_as_an_outage() {
    let mut pair = Pair::ready();
    pair.order(1, Command::Stop);
    pair.pass(100);
    let node = &pair.nodes[0];
    let course = node.core.foresee(&node.cfg, pair.now, Ahead::Order(Command::Stop));
    assert_eq!(course.service(), Service::Outage);
}

#[test]
fn the_same_record_gives_the_same_orders() {
    let run = || {
        let mut pair = Pair::ready();
        pair.speaks = [false, true];
        pair.pass(3000);
        pair.speaks = [true, true];
        pair.pass(3000);
        (pair.nodes[0].orders.clone(), pair.nodes[1].orders.clone())
    };
    assert_eq!(run(), run());
}

#[test]
fn a_clock_may_start_anywhere() {
    let mut pair = Pair::ready();
    let mut moved = pair.nodes[0].core;
    moved.rebase(5000);
    let at = Tick(pair.now.0 - 5000);
    let mut out = [safetui_core::Actions::default(), safetui_core::Actions::default()];
    pair.nodes[0].core.handle(&pair.nodes[0].cfg, pair.now, Event::Woke, &mut out[0]);
    moved.handle(&pair.nodes[0].cfg, at, Event::Woke, &mut out[1]);
    assert_eq!(
        moved.next_wake(&pair.nodes[0].cfg).0,
        Tick(pair.nodes[0].core.next_wake(&pair.nodes[0].cfg).0.0 - 5000)
    );
    assert_eq!(out[0].iter().count(), out[1].iter().count());
}
