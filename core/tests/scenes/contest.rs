//! Who wins a contested window, to the millisecond.

use safetui_core::{Beat, Boot, Echo, Event, Tick, Witness};

use crate::scene::{ALONE, PRIM, Pair, SECOND, TIMING, WAIT};

fn without_witness() -> Pair {
    let mut pair = Pair::ready();
    pair.nodes.iter_mut().for_each(|node| node.cfg.witness = Witness::None);
    pair.router = [false; 2];
    pair.pass(1000);
    assert_eq!(pair.states(), [PRIM, SECOND]);
    pair
}

#[test]
fn without_a_witness_silence_is_enough() {
    for survivor in 0..2 {
        let mut pair = without_witness();
        pair.runs[1 - survivor] = false;
        pair.pass(TIMING.timeout + TIMING.guard + 10);
        assert_eq!(pair.nodes[survivor].state(), ALONE);
    }
}

#[test]
fn without_a_witness_who_slept_since_the_last_contact_wins_nothing_all_the_same() {
    for sleeper in 0..2 {
        let mut pair = without_witness();
        pair.runs[1 - sleeper] = false;
        pair.now = pair.now.plus(TIMING.late + TIMING.period + 1);
        pair.event(sleeper, Event::Woke);
        pair.now = pair.now.plus(9 - pair.now.0 % 10 + 1);
        pair.pass(2 * TIMING.timeout + TIMING.guard);
        assert_eq!(pair.nodes[sleeper].state(), WAIT);
    }
}

/// A primary whose secondary is lost, and the moment at which it decides.
fn widowed() -> (Pair, Tick) {
    let mut pair = Pair::ready();
    pair.runs[1] = false;
    let mut ahead = pair.clone();
    ahead.until(|pair| pair.nodes[0].state() != PRIM);
    assert_eq!(ahead.nodes[0].state(), ALONE);
    (pair, ahead.now)
}

#[test]
fn a_primary_goes_on_only_if_it_has_heard_nothing_at_all_for_long_enough() {
    for (silent, becomes) in [(TIMING.silence(), WAIT), (TIMING.silence() + 10, ALONE)] {
        let (mut pair, decides) = widowed();
        let last = pair.nodes[0].core.peer().unwrap().beat;
        pair.pass(decides.0 - silent - pair.now.0);
        // It tells of nothing that this node has sent since.
        pair.event(0, Event::Heard(Beat { nth: last.nth + 1, ..last }));
        pair.pass(silent - 10);
        assert_eq!(pair.nodes[0].state(), PRIM);
        pair.pass(10);
        assert_eq!(pair.nodes[0].state(), becomes, "heard {silent} ms before");
    }
}

#[test]
fn a_secondary_takes_over_only_if_its_primary_had_just_heard_it() {
    let limit = TIMING.echo();
    for (proof, round_trip, boot, becomes) in [
        (limit, limit, Boot(1), ALONE),
        (limit + 1, limit, Boot(1), WAIT),
        (limit, limit + 1, Boot(1), WAIT),
        (limit, limit, Boot(2), WAIT),
    ] {
        let mut pair = Pair::ready();
        pair.runs[0] = false;
        let last = pair.nodes[1].core.peer().unwrap().beat;
        let echo = Some(Echo { boot, sent: Tick(pair.now.0 - round_trip) });
        pair.event(1, Event::Heard(Beat { proof, echo, nth: last.nth + 1, ..last }));
        pair.pass(TIMING.timeout + TIMING.guard);
        assert_eq!(pair.nodes[1].state(), becomes, "proof {proof}, round trip {round_trip}, {boot:?}");
    }
}

/// A secondary that has lost its primary, when it has decided; the witness gives it only those answers at the end.
fn decides(answers: impl Fn(&mut Pair)) -> Pair {
    let mut pair = Pair::ready();
    pair.runs[0] = false;
    pair.pass(TIMING.timeout);
    pair.router[1] = false;
    answers(&mut pair);
    pair.until(|pair| pair.nodes[1].state() != SECOND);
    pair
}

#[test]
fn a_gap_is_longer_than_what_is_allowed() {
    let mut ahead = Pair::ready();
    ahead.runs[0] = false;
    ahead.until(|pair| pair.nodes[1].state() == ALONE);
    let at = ahead.now;
    let answered = |pair: &mut Pair, last: u64| {
        while pair.now.0 < at.0 - last {
            pair.event(1, Event::Answered { asked: pair.now });
            pair.pass(10);
        }
        pair.event(1, Event::Answered { asked: pair.now });
    };
    let state = |answers: &dyn Fn(&mut Pair)| decides(answers).nodes[1].state();
    assert_eq!(state(&|pair| answered(pair, TIMING.gap)), ALONE);
    assert_eq!(state(&|pair| answered(pair, TIMING.gap + 10)), WAIT);
    let overtaken = state(&|pair| {
        answered(pair, TIMING.gap);
        pair.event(1, Event::Answered { asked: Tick(pair.now.0 - 50) });
    });
    assert_eq!(overtaken, ALONE, "an answer that comes late takes nothing back");
}
