//! Failover rules, scene by scene.

use crate::scene::{ADDRESS, ALONE, LINK, PORT, PRIM, Pair, SECOND, STOP, WAIT};
use safetui_core::{
    Action, Cause, Command, Job, Note, Role, Status,
    explain::{Block, Evidence},
    foresee::Ahead,
    rule::{Book, Hold, Order, Read, Set, State, Term, Whose},
};

const UP: State = State::Up;
const DOWN: State = State::Down;

fn block(pair: &Pair, node: usize) -> Option<Block> {
    let it = &pair.nodes[node];
    it.core.explain(&it.cfg, pair.now).map(|why| why.block)
}

fn restarts(pair: &Pair, node: usize) -> usize {
    let restart = |it: &&Action<4>| matches!(it, Action::Begin(Job::Restart { .. }));
    pair.nodes[node].orders.iter().filter(restart).count()
}

#[test]
fn a_start_waits_until_what_a_wait_rule_reads_is_checked() {
    let mut pair = Pair::fresh();
    pair.nodes.iter_mut().for_each(|node| node.cfg.book = crate::scene::book());
    pair.order(0, Command::Start);
    pair.pass(3000);
    assert_eq!(pair.nodes[0].state(), (Role::Wait, Status::Transient));
    assert_eq!(block(&pair, 0), Some(Block::Unchecked));
    pair.finds(0, LINK, UP);
    assert_eq!(pair.nodes[0].state(), WAIT);
    assert_eq!(block(&pair, 0), Some(Block::NoData));
}

#[test]
fn a_primary_that_must_wait_hands_over_and_comes_back_as_secondary() {
    let mut pair = Pair::watched();
    pair.finds(0, LINK, DOWN);
    pair.pass(400);
    assert_eq!(pair.states(), [WAIT, ALONE]);
    assert_eq!((pair.nodes[0].core.cause(), pair.nodes[1].core.cause()), (Cause::Ruled, Cause::PeerLeft));
    let it = &pair.nodes[0];
    let why = it.core.explain(&it.cfg, pair.now).unwrap();
    assert_eq!(why.block, Block::Ruled(0));
    let evidence = Evidence::Resource { whose: Whose::Mine, id: LINK, state: DOWN };
    assert_eq!(why.guards[0].map(|guard| (guard.holds, guard.evidence)), Some((false, evidence)));
    pair.pass(5000);
    assert_eq!(pair.states(), [WAIT, ALONE], "it stays so while the link is down");
    assert!(!pair.nodes[0].orders.contains(&Action::Note(Note::WakesUp)));
    pair.finds(0, LINK, UP);
    pair.pass(2500);
    assert_eq!(pair.states(), [SECOND, PRIM]);
}

#[test]
fn a_resource_that_was_down_for_a_moment_moves_nothing() {
    let mut pair = Pair::watched();
    for id in [LINK, PORT, ADDRESS] {
        pair.finds(0, id, DOWN);
        pair.pass(90);
        assert_eq!(pair.nodes[0].core.held(), Hold::None);
        pair.finds(0, id, UP);
        pair.pass(1000);
    }
    assert_eq!((pair.states(), restarts(&pair, 0)), ([PRIM, SECOND], 0));
}

#[test]
fn who_waited_goes_on_only_once_there_was_nothing_to_wait_for_during_a_while() {
    let mut pair = Pair::watched();
    pair.finds(1, LINK, DOWN);
    pair.pass(300);
    for _ in 0..5 {
        pair.finds(1, LINK, UP);
        pair.pass(900);
        assert_eq!(pair.nodes[1].core.held(), Hold::Wait { rule: 0 });
        pair.finds(1, LINK, DOWN);
        pair.pass(900);
    }
    pair.finds(1, LINK, UP);
    pair.pass(1500);
    assert_eq!(pair.states(), [PRIM, SECOND]);
}

/// Both wait for their links, with the same data.
fn both_wait() -> Pair {
    let mut pair = Pair::watched();
    // Neither hears the other leave, so neither has gone on alone.
    pair.speaks = [false, false];
    (0..2).for_each(|node| pair.finds(node, LINK, DOWN));
    pair.pass(200);
    pair.speaks = [true, true];
    pair.pass(1000);
    assert_eq!(pair.states(), [WAIT, WAIT]);
    assert_eq!([block(&pair, 0), block(&pair, 1)], [Some(Block::BothRuled(0)); 2]);
    pair
}

#[test]
fn of_two_that_wait_the_first_that_may_serve_does_whichever_was_primary() {
    for first in 0..2 {
        let mut pair = both_wait();
        pair.finds(first, LINK, UP);
        pair.pass(2000);
        assert_eq!(pair.nodes[first].state(), ALONE);
        assert_eq!(pair.nodes[first].core.cause(), [Cause::Reunited, Cause::PeerHeld][first]);
        pair.finds(1 - first, LINK, UP);
        pair.pass(2500);
        assert_eq!((pair.nodes[first].state(), pair.nodes[1 - first].state()), (PRIM, SECOND));
    }
}

#[test]
fn with_failover_off_nobody_stands_in() {
    let mut pair = both_wait();
    pair.nodes.iter_mut().for_each(|node| node.cfg.failover = false);
    pair.finds(1, LINK, UP);
    pair.pass(5000);
    assert_eq!(pair.states(), [WAIT, WAIT]);
}

#[test]
fn an_operator_overrules_a_wait_until_it_would_have_ended() {
    let mut pair = both_wait();
    pair.order(0, Command::Prim);
    assert_eq!(pair.nodes[0].state(), ALONE, "at once");
    pair.pass(3000);
    assert_eq!(pair.states(), [ALONE, WAIT]);
    pair.finds(0, LINK, UP);
    pair.finds(0, LINK, DOWN);
    pair.pass(3000);
    assert_eq!(pair.states()[0], WAIT, "a new failure is a new matter");
}

#[test]
fn an_application_that_keeps_failing_is_restarted_and_then_given_to_the_peer() {
    let mut pair = Pair::watched();
    for restart in 1..=3 {
        pair.finds(0, PORT, DOWN);
        pair.pass(200);
        assert_eq!((pair.states(), restarts(&pair, 0)), ([PRIM, SECOND], restart));
        assert_eq!(pair.nodes[0].core.found().state(PORT), State::Init);
    }
    pair.finds(0, PORT, DOWN);
    pair.pass(500);
    assert_eq!(pair.states(), [STOP, ALONE]);
    assert_eq!(block(&pair, 0), Some(Block::TooOften(1)));
    assert!(pair.nodes[0].orders.contains(&Action::Note(Note::TooOften)));
    pair.order(0, Command::Start);
    pair.finds(0, LINK, UP);
    pair.pass(3000);
    assert_eq!(pair.states(), [SECOND, PRIM]);
}

#[test]
fn an_operator_s_command_ends_the_counting_and_so_does_its_interval() {
    let mut pair = Pair::watched();
    let fails = |pair: &mut Pair, times: usize| {
        for _ in 0..times {
            pair.finds(0, PORT, DOWN);
            pair.pass(200);
        }
        assert_eq!(pair.states(), [PRIM, SECOND]);
    };
    fails(&mut pair, 3);
    pair.order(0, Command::Restart);
    fails(&mut pair, 3);
    pair.nodes[0].cfg.book.pace.interval = 1000;
    pair.pass(1000);
    fails(&mut pair, 3);
    pair.nodes[0].cfg.book.pace.interval = 0;
    fails(&mut pair, 10);
}

#[test]
fn a_stopstart_gives_the_service_to_the_peer_and_the_node_comes_back() {
    let mut pair = Pair::watched();
    pair.finds(0, ADDRESS, DOWN);
    pair.pass(500);
    assert_eq!(pair.nodes[1].state(), ALONE);
    pair.finds(0, LINK, UP);
    pair.pass(3000);
    assert_eq!(pair.states(), [SECOND, PRIM]);
}

#[test]
fn what_is_said_of_an_application_that_is_not_running_is_not_about_the_next() {
    let mut pair = Pair::watched();
    pair.finds(1, ADDRESS, DOWN);
    pair.pass(50);
    pair.order(0, Command::Swap);
    pair.pass(5000);
    assert_eq!(pair.states(), [SECOND, PRIM], "the address that was down is another one now");
}

#[test]
fn what_is_said_of_an_application_ends_with_it_also_when_no_rule_reads_it() {
    let mut pair = Pair::ready();
    pair.nodes[0].cfg.book = Book::EMPTY.followed(Set::of(PORT), Book::EMPTY.pace);
    pair.finds(0, PORT, DOWN);
    pair.finds(0, LINK, DOWN);
    pair.nodes[0].slow = true;
    pair.order(0, Command::Swap);
    pair.finds(0, PORT, DOWN);
    let found = pair.nodes[0].core.found();
    assert_eq!((found.state(PORT), found.state(LINK)), (State::Init, DOWN));
}

#[test]
fn while_no_application_runs_nothing_is_said_of_it() {
    let restarting = {
        let mut pair = Pair::watched();
        pair.nodes[0].slow = true;
        pair.order(0, Command::Restart);
        pair
    };
    let waiting = {
        let mut pair = Pair::watched();
        (pair.speaks, pair.router) = ([false; 2], [false; 2]);
        pair.pass(3000);
        assert_eq!(pair.nodes[0].state(), WAIT);
        pair
    };
    for mut pair in [restarting, waiting] {
        pair.finds(0, PORT, DOWN);
        assert_eq!(pair.nodes[0].core.found().state(PORT), State::Init, "{:?}", pair.states());
    }
}

#[test]
fn rules_may_read_the_peer_and_change_roles() {
    let mut pair = Pair::watched();
    let peers = Read { whose: Whose::Peers, ..Read::one(3, DOWN) };
    for node in &mut pair.nodes {
        let condition = [Term::Read(Read::one(3, DOWN)), Term::Read(peers), Term::Not, Term::And];
        node.cfg.book = node.cfg.book.with(&condition, Order::Swap).unwrap();
    }
    pair.finds(0, 3, DOWN);
    pair.finds(1, 3, DOWN);
    pair.pass(1000);
    assert_eq!(pair.states(), [PRIM, SECOND], "the peer is no better");
    pair.finds(1, 3, UP);
    pair.pass(2000);
    assert_eq!(pair.states(), [SECOND, PRIM]);
}

/// One rule more on both nodes, whose number is 3, as is that of its resource.
fn with_rule(pair: &mut Pair, order: Order) {
    for node in &mut pair.nodes {
        node.cfg.book = node.cfg.book.with(&[Term::Read(Read::one(3, DOWN))], order).unwrap();
    }
}

#[test]
fn what_is_still_called_for_is_done_again_only_after_as_long() {
    let mut pair = Pair::watched();
    with_rule(&mut pair, Order::Restart);
    pair.finds(0, 3, DOWN);
    for times in 1..=3 {
        pair.pass(100);
        assert_eq!((pair.states(), restarts(&pair, 0)), ([PRIM, SECOND], times));
    }
}

#[test]
fn what_was_called_for_before_a_role_was_taken_is_done_only_after_as_long_in_it() {
    let mut pair = Pair::watched();
    with_rule(&mut pair, Order::Restart);
    pair.order(1, Command::Stop);
    pair.pass(50);
    pair.speaks[1] = false;
    pair.order(1, Command::Start);
    pair.finds(1, LINK, UP);
    pair.finds(1, 3, DOWN);
    pair.pass(2000);
    assert_eq!(pair.nodes[1].state(), WAIT, "the peer does not hear that it is back");
    pair.speaks[1] = true;
    pair.until(|pair| pair.nodes[1].state() == SECOND);
    assert_eq!(restarts(&pair, 1), 0);
    pair.pass(100);
    assert_eq!(restarts(&pair, 1), 1);
}

#[test]
fn the_peer_hears_at_once_when_a_wait_begins_and_when_it_ends() {
    // Whenever it begins, between two heartbeats.
    for phase in 0..10 {
        let mut pair = Pair::watched();
        for (found, begins) in [(DOWN, true), (UP, false)] {
            pair.pass(phase * 10);
            pair.finds(1, LINK, found);
            let waits = |pair: &Pair| pair.nodes[1].core.held() == Hold::Wait { rule: 0 };
            pair.until(|pair| waits(pair) == begins);
            assert_eq!(pair.nodes[0].core.peer().unwrap().beat.held, begins);
        }
    }
}

#[test]
fn a_check_that_comes_and_goes_too_often_stops_the_module() {
    let mut pair = Pair::watched();
    for _ in 0..3 {
        pair.finds(1, LINK, DOWN);
        pair.pass(300);
        assert_eq!(pair.states(), [ALONE, WAIT]);
        pair.finds(1, LINK, UP);
        pair.pass(2500);
        assert_eq!(pair.states(), [PRIM, SECOND]);
    }
    pair.finds(1, LINK, DOWN);
    pair.pass(300);
    assert_eq!((pair.states(), block(&pair, 1)), ([ALONE, STOP], Some(Block::TooOften(0))));
}

#[test]
fn a_rule_that_stops_the_module_is_named_and_not_counted() {
    let mut pair = Pair::watched();
    with_rule(&mut pair, Order::Stop);
    for _ in 0..3 {
        pair.finds(0, PORT, DOWN);
        pair.pass(200);
    }
    pair.finds(0, 3, DOWN);
    pair.pass(300);
    assert_eq!((pair.states(), block(&pair, 0)), ([STOP, ALONE], Some(Block::StoppedByRule(3))));
}

#[test]
fn who_waits_goes_on_though_a_rule_calls_for_what_means_nothing_to_it() {
    for order in [Order::Restart, Order::Swap] {
        let mut pair = Pair::watched();
        with_rule(&mut pair, order);
        pair.finds(1, LINK, DOWN);
        pair.pass(300);
        assert_eq!(pair.states(), [ALONE, WAIT]);
        pair.finds(1, LINK, UP);
        pair.finds(1, 3, DOWN);
        pair.pass(1100);
        assert_eq!((pair.nodes[1].core.held(), restarts(&pair, 1)), (Hold::None, 0), "{order:?}");
    }
}

#[test]
fn who_waits_for_its_peer_is_stopped_and_started_anew_by_a_rule_all_the_same() {
    for (order, state) in [(Order::Stop, STOP), (Order::StopStart, (Role::Wait, Status::Transient))] {
        let mut pair = Pair::watched();
        with_rule(&mut pair, order);
        (pair.speaks, pair.router) = ([false; 2], [false; 2]);
        pair.pass(3000);
        assert_eq!(pair.nodes[0].state(), WAIT);
        pair.finds(0, 3, DOWN);
        pair.pass(200);
        assert_eq!(pair.nodes[0].state(), state);
    }
}

#[test]
fn a_stop_is_foreseen_where_rules_read_what_is_checked_no_more() {
    let pair = Pair::watched();
    let it = &pair.nodes[0];
    let course = it.core.foresee(&it.cfg, pair.now, Ahead::Order(Command::Stop));
    assert_eq!(course.end, [Some(STOP), Some(ALONE)]);
}

#[test]
fn a_start_is_foreseen_with_everything_up() {
    let mut pair = Pair::watched();
    pair.order(1, Command::Stop);
    pair.pass(500);
    let it = &pair.nodes[1];
    let course = it.core.foresee(&it.cfg, pair.now, Ahead::Order(Command::Start));
    assert_eq!(course.end, [Some(SECOND), Some(PRIM)]);
}
