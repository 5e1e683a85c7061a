//! A pair in each of the states in which a node may be for long, or be found at work.

use safetui_core::{Boot, Command, Event, Role, Status, Witness, mirror::Step, rule::State};

use crate::scene::{ALONE, Core, LINK, PORT, PRIM, Pair, SECOND, STOP, WAIT, book};

/// One node of a pair in which slow work takes its time.
fn slow(mut pair: Pair, node: usize, command: Command) -> Pair {
    pair.nodes[node].slow = true;
    pair.order(node, command);
    pair
}

fn stopped_secondary() -> Pair {
    let mut pair = Pair::ready();
    pair.order(1, Command::Stop);
    pair.pass(50);
    assert_eq!(pair.states(), [ALONE, STOP]);
    pair
}

/// The second node's copy is under way.
pub(crate) fn copying() -> Pair {
    let mut pair = stopped_secondary();
    pair.streams = false;
    pair.order(1, Command::Start);
    pair.pass(500);
    assert_eq!(pair.nodes[1].state(), (Role::Second, Status::Transient));
    pair
}

/// The secondary no longer hears its primary, and its window has not ended.
fn silent_primary() -> Pair {
    let mut pair = Pair::ready();
    pair.runs[0] = false;
    pair.pass(1200);
    assert_eq!(pair.nodes[1].state(), SECOND);
    pair
}

/// Neither hears the other, nor the router.
pub(crate) fn isolated() -> Pair {
    let mut pair = Pair::ready();
    (pair.speaks, pair.router) = ([false; 2], [false; 2]);
    pair.pass(3000);
    assert_eq!(pair.states(), [WAIT, WAIT]);
    pair
}

fn asks_the_arbiter() -> Pair {
    let mut pair = silent_primary();
    pair.nodes[1].cfg.witness = Witness::Arbiter;
    pair.pass(500);
    assert!(pair.nodes[1].core.asks());
    pair
}

/// The first node is a primary that waits for the arbiter's word.
fn primary_asks() -> Pair {
    let mut pair = Pair::ready();
    pair.nodes[0].cfg.witness = Witness::Arbiter;
    pair.runs[1] = false;
    pair.until(|pair| pair.nodes[0].core.asks());
    pair.pass(100);
    pair
}

/// The agent of a node that waits over a fork starts anew, and the peer does not hear that.
fn forked_and_not_heard() -> Pair {
    let mut pair = super::life::forked();
    pair.speaks[1] = false;
    let record = *pair.nodes[1].core.record();
    pair.nodes[1].core = Core::new(pair.now, Boot(2), 7 << 40, record);
    pair.order(1, Command::Start);
    pair.pass(3000);
    assert_eq!(pair.states(), [ALONE, WAIT]);
    pair
}

/// The second node's start is under way, and its copy has been given up before.
fn half_copied() -> Pair {
    let mut pair = copying();
    pair.order(1, Command::Stop);
    pair.runs[0] = false;
    pair.pass(1500);
    assert_eq!(pair.nodes[1].state(), STOP);
    pair
}

/// The second node could not apply what it was sent.
fn cannot_apply() -> Pair {
    let mut pair = Pair::ready();
    pair.event(1, Event::ReceiveFailed);
    pair.pass(1000);
    assert_eq!(pair.states(), [ALONE, WAIT]);
    pair
}

/// The first node serves, and does not hear the second, which started again.
fn not_heard() -> Pair {
    let mut pair = stopped_secondary();
    pair.speaks[1] = false;
    pair.order(1, Command::Start);
    pair.pass(2000);
    assert_eq!(pair.states(), [ALONE, WAIT]);
    pair
}

/// The first node was primary, stopped last, and started first.
pub(crate) fn first_back() -> Pair {
    let mut pair = Pair::ready();
    pair.runs[1] = false;
    pair.order(0, Command::Stop);
    pair.order(0, Command::Start);
    pair.pass(3000);
    assert_eq!(pair.nodes[0].state(), WAIT);
    pair
}

/// A new module with failover rules, just started.
fn unchecked() -> Pair {
    let mut pair = Pair::fresh();
    pair.nodes[0].cfg.book = book();
    pair.order(0, Command::Start);
    pair.pass(3000);
    pair
}

/// A rule makes the first node wait.
pub(crate) fn held() -> Pair {
    let mut pair = Pair::watched();
    pair.finds(0, LINK, State::Down);
    pair.pass(500);
    assert_eq!(pair.states(), [WAIT, ALONE]);
    pair
}

fn both_held() -> Pair {
    let mut pair = held();
    pair.finds(1, LINK, State::Down);
    pair.pass(500);
    assert_eq!(pair.states(), [WAIT, WAIT]);
    pair
}

fn restarted_too_often() -> Pair {
    let mut pair = Pair::watched();
    for _ in 0..4 {
        pair.finds(0, PORT, State::Down);
        pair.pass(500);
    }
    assert_eq!(pair.states(), [STOP, ALONE]);
    pair
}

/// Each by its name, and the node that it is about.
pub(crate) fn all() -> Vec<(&'static str, Pair, usize)> {
    let mut failed = slow(Pair::ready(), 0, Command::Restart);
    failed.ends(0, false);
    let mut listening = Pair::fresh();
    listening.order(0, Command::Start);
    let closing = slow(isolated(), 0, Command::Stop);
    assert_eq!(closing.nodes[0].core.step(), Step::Closing);
    let mut silent_secondary = Pair::ready();
    silent_secondary.runs[1] = false;
    silent_secondary.pass(900);
    assert_eq!(silent_secondary.nodes[0].state(), PRIM);
    let mut new = Pair::fresh();
    new.order(0, Command::Start);
    new.pass(3000);
    let mut half_copied_started = half_copied();
    half_copied_started.order(1, Command::Start);
    half_copied_started.pass(2000);
    vec![
        ("STOP, nothing heard", Pair::fresh(), 0),
        ("STOP, the peer serves", stopped_secondary(), 1),
        ("STOP, half copied", half_copied(), 1),
        ("STOP, a rule restarted it too often", restarted_too_often(), 0),
        ("WAIT, its directories are being opened", slow(Pair::fresh(), 0, Command::Start), 0),
        ("WAIT, listening", listening, 0),
        ("WAIT, new", new, 0),
        ("WAIT, half copied", half_copied_started, 1),
        ("WAIT, back before its secondary", first_back(), 0),
        ("WAIT, after a lost contest", isolated(), 0),
        ("WAIT, over a fork", super::life::forked(), 1),
        ("WAIT, over a fork, and not heard", forked_and_not_heard(), 1),
        ("WAIT, not heard by the peer that serves", not_heard(), 1),
        ("WAIT, cannot apply what it is sent", cannot_apply(), 1),
        ("WAIT, not all is checked that a rule reads", unchecked(), 0),
        ("WAIT, a rule holds", held(), 0),
        ("WAIT, a rule holds on both", both_held(), 0),
        ("WAIT, leaving", slow(Pair::ready(), 0, Command::Swap), 0),
        ("WAIT, closing", closing, 0),
        ("ALONE", stopped_secondary(), 0),
        ("ALONE, its scripts are being started", slow(isolated(), 0, Command::Prim), 0),
        ("ALONE, the peer copies", copying(), 0),
        ("PRIM", Pair::ready(), 0),
        ("PRIM, restarting", slow(Pair::ready(), 0, Command::Restart), 0),
        ("PRIM, its scripts have failed", failed, 0),
        ("PRIM, the secondary is silent", silent_secondary, 0),
        ("PRIM, asks the arbiter", primary_asks(), 0),
        ("SECOND", Pair::ready(), 1),
        ("SECOND, copying", copying(), 1),
        ("SECOND, leaving", slow(Pair::ready(), 1, Command::Stop), 1),
        ("SECOND, the primary is silent", silent_primary(), 1),
        ("SECOND, asks the arbiter", asks_the_arbiter(), 1),
    ]
}
