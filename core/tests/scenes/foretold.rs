//! What a node foretells of a loss, beside what then comes: from every rest that two events lead to.

use crate::scene::Pair;
use safetui_core::{
    Action, Command, Event, Generation, Witness,
    foresee::{Ahead, Service},
};

/// Longer than any window, a copy, or what a start listens for.
const REST: u64 = 4000;

#[derive(Clone, Copy)]
enum Change {
    Speak([bool; 2]),
    Router([bool; 2]),
    Lose(usize),
    Order(usize, Command),
}

const COMMANDS: [Command; 5] = [Command::Start, Command::Stop, Command::Swap, Command::Prim, Command::Second];

fn changes() -> Vec<Change> {
    let reach = [[true, true], [true, false], [false, true], [false, false]];
    let orders = |node| COMMANDS.map(|command| Change::Order(node, command));
    let mut all: Vec<Change> = [0, 1].map(Change::Lose).into();
    all.extend([0, 1].into_iter().flat_map(orders));
    all.extend(reach.map(Change::Speak).into_iter().chain(reach.map(Change::Router)));
    all
}

/// A pair and, if it is asked, its arbiter.
#[derive(Clone)]
struct Scene {
    pair: Pair,
    grants: Vec<(Generation, usize)>,
}

impl Scene {
    fn ready(witness: Witness) -> Self {
        let mut pair = Pair::ready();
        pair.nodes.iter_mut().for_each(|node| node.cfg.witness = witness);
        Self { pair, grants: Vec::new() }
    }

    fn after(&self, change: Change) -> Self {
        let mut next = self.clone();
        match change {
            Change::Speak(speaks) => next.pair.speaks = speaks,
            Change::Router(router) => next.pair.router = router,
            Change::Lose(node) => next.pair.runs[node] = false,
            Change::Order(node, command) if next.pair.runs[node] => next.pair.order(node, command),
            Change::Order(..) => {}
        }
        next.rest();
        next
    }

    fn rest(&mut self) {
        for _ in 0..REST / 100 {
            self.pair.pass(100);
            (0..2).for_each(|node| self.arbitrate(node));
        }
    }

    fn arbitrate(&mut self, node: usize) {
        let orders = std::mem::take(&mut self.pair.nodes[node].orders);
        let asked = orders.into_iter().rev().find_map(|order| match order {
            Action::Ask { generation, .. } => Some(generation),
            _ => None,
        });
        let Some(generation) = asked.filter(|_| self.pair.router[node]) else { return };
        let owner = self.grants.iter().find(|grant| grant.0 == generation).map(|grant| grant.1);
        if owner.is_none() {
            self.grants.push((generation, node));
        }
        let granted = owner.is_none_or(|owner| owner == node);
        self.pair
            .event(node, if granted { Event::Granted { generation } } else { Event::Denied { generation } });
    }

    fn serves(&self, node: usize) -> bool {
        self.pair.runs[node] && self.pair.nodes[node].core.role().serves()
    }

    fn foretold(&self, node: usize, ahead: Ahead) -> Service {
        let it = &self.pair.nodes[node];
        it.core.foresee(&it.cfg, self.pair.now, ahead).service()
    }
}

/// Compares, and counts how often each outcome was foretold of a node that is heard.
fn compare(scene: &Scene, foretold: &mut [usize; 3]) {
    for victim in (0..2).filter(|victim| scene.pair.runs[*victim]) {
        let survivor = 1 - victim;
        let comes = scene.after(Change::Lose(victim)).serves(survivor);
        let states = scene.pair.states();
        if scene.pair.runs[survivor] {
            let told = scene.foretold(survivor, Ahead::PeerLost);
            assert_eq!(told == Service::Up, comes, "node {survivor} of itself, {told:?}: {states:?}");
        }
        let told = scene.foretold(victim, Ahead::SelfLost);
        if scene.pair.speaks[survivor] && scene.pair.runs[survivor] {
            assert_eq!(told == Service::Up, comes, "node {victim} of its peer, {told:?}: {states:?}");
            let at = [Service::Up, Service::Outage, Service::Idle].iter().position(|it| *it == told);
            foretold[at.expect("the peer is heard")] += 1;
        } else {
            let careful = matches!(told, Service::Outage | Service::Unknown);
            assert!(careful, "node {victim} of whom it does not hear, {told:?}: {states:?}");
        }
    }
}

#[test]
fn what_is_foretold_of_a_loss_comes() {
    for witness in [Witness::None, Witness::Router, Witness::Arbiter] {
        let mut foretold = [0; 3];
        let ready = Scene::ready(witness);
        for first in changes() {
            let rested = ready.after(first);
            compare(&rested, &mut foretold);
            for second in changes() {
                compare(&rested.after(second), &mut foretold);
            }
        }
        assert!(foretold.iter().all(|times| *times > 0), "{witness:?}: {foretold:?}");
    }
}
