//! A pair with an arbiter: what its word, its silence and its lateness lead to.

use crate::scene::{ALONE, LEDGER, PRIM, Pair, SECOND, WAIT};
use safetui_core::{Action, Command, Event, Gate, Generation, Ledger, Role, Status, Witness, explain::Block};

/// A ready pair whose nodes no longer hear each other; nobody has decided yet.
fn parted() -> Pair {
    let mut pair = Pair::ready();
    pair.nodes.iter_mut().for_each(|node| node.cfg.witness = Witness::Arbiter);
    pair.speaks = [false; 2];
    pair
}

fn shared(pair: &Pair) -> Generation {
    pair.nodes[0].core.record().generation
}

fn questions(pair: &mut Pair, node: usize) -> usize {
    let orders = std::mem::take(&mut pair.nodes[node].orders);
    let generation = shared(pair);
    orders.into_iter().filter(|it| *it == Action::Ask { generation, ledger: LEDGER }).count()
}

#[test]
fn a_primary_that_waits_for_the_arbiter_has_no_lease_and_goes_on_when_granted() {
    let mut pair = parted();
    pair.pass(1100);
    assert_eq!(pair.nodes[0].state(), (Role::Prim, Status::Transient));
    assert_eq!(pair.nodes[0].core.explain(&pair.nodes[0].cfg, pair.now).unwrap().block, Block::Asking);
    let renewed = |pair: &Pair| {
        pair.nodes[0].orders.iter().any(|it| matches!(it, Action::Lease(until) if *until > pair.now))
    };
    assert!(!renewed(&pair), "the lease has run out");
    assert!(questions(&mut pair, 0) >= 1);
    // Hearing the peer again gives nothing back: the answer may be under way.
    pair.speaks = [true; 2];
    pair.pass(200);
    assert!(!renewed(&pair) && questions(&mut pair, 0) >= 1);
    let generation = shared(&pair);
    pair.event(0, Event::Granted { generation });
    assert_eq!(pair.nodes[0].state(), ALONE);
    assert!(renewed(&pair));
    pair.pass(2000);
    assert_eq!(pair.states(), [PRIM, SECOND], "paired again, in a fresh generation");
    assert_ne!(shared(&pair), generation);
}

#[test]
fn a_primary_gives_way_when_denied_and_when_the_arbiter_is_silent() {
    for denied in [true, false] {
        let mut pair = parted();
        pair.pass(1100);
        if denied {
            let generation = shared(&pair);
            pair.event(0, Event::Denied { generation });
        } else {
            assert_eq!(pair.nodes[0].core.role(), Role::Prim);
            pair.pass(500);
        }
        assert_eq!(pair.nodes[0].state(), WAIT, "denied: {denied}");
        assert!(pair.nodes[0].orders.contains(&Action::Gate(Gate::Held)));
    }
}

#[test]
fn a_secondary_asks_until_it_is_answered() {
    let mut pair = parted();
    pair.runs[0] = false;
    pair.pass(1700);
    assert_eq!(pair.nodes[1].state(), (Role::Second, Status::Transient));
    assert!(questions(&mut pair, 1) >= 1);
    pair.pass(10_000);
    assert!(questions(&mut pair, 1) >= 99, "once a period, for ever");
    let generation = shared(&pair);
    pair.event(1, Event::Granted { generation });
    assert_eq!(pair.nodes[1].state(), ALONE);
}

#[test]
fn an_answer_to_another_question_means_nothing() {
    let mut pair = parted();
    let generation = shared(&pair);
    pair.event(0, Event::Granted { generation });
    pair.event(0, Event::Denied { generation });
    assert_eq!(pair.nodes[0].core.role(), Role::Prim, "it has not asked");
    pair.pass(1700);
    pair.event(1, Event::Granted { generation: Generation(generation.0 ^ 1) });
    assert_eq!(pair.nodes[1].core.role(), Role::Second, "another generation");
}

#[test]
fn an_operator_may_speak_for_a_silent_arbiter() {
    let mut pair = parted();
    pair.runs[0] = false;
    pair.pass(1700);
    pair.order(1, Command::Failover);
    pair.pass(100);
    assert_eq!(pair.nodes[1].state(), ALONE);
}

#[test]
fn a_pair_whose_arbiter_has_lost_its_memory_is_made_anew_and_until_then_asks_for_what_it_knew() {
    let mut pair = Pair::ready();
    pair.nodes.iter_mut().for_each(|node| node.cfg.witness = Witness::Arbiter);
    let before = shared(&pair);
    pair.event(0, Event::Ledger(Ledger(78)));
    pair.event(1, Event::Ledger(Ledger(78)));
    pair.pass(3000);
    assert_eq!(pair.states(), [PRIM, SECOND]);
    assert_ne!(shared(&pair), before, "in a fresh generation");
    // Who hears of it only when it waits for a word waits for the word of the other.
    pair.speaks = [false; 2];
    pair.pass(1100);
    pair.event(0, Event::Ledger(Ledger(79)));
    pair.nodes[0].orders.clear();
    pair.pass(200);
    let asks = |it: &&Action<4>| matches!(it, Action::Ask { .. });
    let asked: Vec<_> = pair.nodes[0].orders.iter().filter(asks).collect();
    let question = Action::Ask { generation: shared(&pair), ledger: Ledger(78) };
    assert!(!asked.is_empty() && asked.iter().all(|it| **it == question), "{asked:?}");
}

#[test]
fn either_node_makes_the_pair_anew() {
    for node in [0, 1] {
        let mut pair = Pair::ready();
        pair.nodes.iter_mut().for_each(|node| node.cfg.witness = Witness::Arbiter);
        let before = shared(&pair);
        pair.event(node, Event::Ledger(Ledger(78)));
        pair.pass(20);
        pair.event(1 - node, Event::Ledger(Ledger(78)));
        pair.pass(3000);
        assert_eq!(pair.states(), [PRIM, SECOND]);
        assert_ne!(shared(&pair), before, "node {node}");
    }
}

#[test]
fn where_no_arbiter_was_known_none_is_asked() {
    let mut pair = Pair::fresh();
    pair.nodes.iter_mut().for_each(|node| node.cfg.witness = Witness::Arbiter);
    pair.order(0, Command::Prim);
    pair.order(1, Command::Start);
    pair.pass(3000);
    assert_eq!(pair.states(), [PRIM, SECOND]);
    pair.runs[0] = false;
    pair.pass(5000);
    let asks = |it: &Action<4>| matches!(it, Action::Ask { .. });
    assert_eq!(pair.nodes[1].state(), (Role::Second, Status::Transient));
    assert!(!pair.nodes[1].orders.iter().any(asks));
}
