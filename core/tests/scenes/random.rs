//! Anything may happen at any time: what holds then too.

use safetui_core::{Boot, Command, Event, foresee::Ahead, rule::State};

use crate::scene::{Pair, book};

#[test]
fn every_event_means_something_or_nothing_in_every_state() {
    let mut pair = Pair::ready();
    pair.nodes.iter_mut().for_each(|node| node.cfg.book = book());
    let mut random = 0x9E37_79B9_u64;
    let mut next = move |bound: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % bound
    };
    for _ in 0..20_000 {
        let node = next(2) as usize;
        pair.speaks[node] = next(8) != 0;
        pair.router[node] = next(8) != 0;
        match next(12) {
            0 => pair.order(node, Command::ALL[next(Command::ALL.len() as u64) as usize]),
            1 => pair.event(node, Event::ReceiveFailed),
            2 => pair.event(node, Event::AddressTaken),
            3 => pair.event(node, Event::Linked(next(2) == 0)),
            4 => pair.event(node, Event::StreamLost { boot: Boot(next(3) as u32) }),
            5 => {
                let state = State::ALL[next(4) as usize];
                pair.event(node, Event::Resource { id: next(4) as u8, state });
            }
            6 => pair.now = pair.now.plus(next(3000)),
            _ => pair.pass(10 * next(30)),
        }
        for node in 0..2 {
            pair.event(node, Event::Woke);
            let (wakes, due) = pair.nodes[node].core.next_wake(&pair.nodes[node].cfg);
            assert!(wakes > pair.now, "{due:?} is still due");
            let it = &pair.nodes[node];
            let blocked = it.core.explain(&it.cfg, pair.now);
            assert!(blocked.is_none_or(|why| why.ways[0].is_some()), "{blocked:?}");
            it.core.foresee(&it.cfg, pair.now, Ahead::PeerLost);
        }
    }
}
