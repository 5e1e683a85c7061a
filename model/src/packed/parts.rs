//! A world as the numbers of its parts.

use safetui_core::mirror::Peer;

use super::table::{Recent, Table};
use crate::world::{Core, Node, Surroundings, Wire, World};

/// A state as it is kept: the numbers of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Packed {
    pub(super) cores: [u32; 2],
    pub(super) peers: [u32; 2],
    pub(super) nodes: [u32; 2],
    pub(super) wires: [u32; 2],
    pub(super) around: u32,
}

/// Every part that was ever met.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Without what they know of their peers.
    cores: Table<Option<Core>>,
    peers: Table<Option<Peer>>,
    /// Without their cores.
    nodes: Table<Node>,
    wires: Table<Wire>,
    around: Table<Surroundings>,
}

/// The parts that one thread has lately met.
#[derive(Default)]
pub(super) struct Lately {
    cores: Recent,
    peers: Recent,
    nodes: Recent,
    wires: Recent,
    around: Recent,
}

/// A state, and its world.
pub(super) struct Open {
    pub(super) packed: Packed,
    pub(super) world: World,
    pub(super) around: Surroundings,
    apart: [Apart; 2],
}

/// A node in parts.
#[derive(Clone, Copy)]
struct Apart {
    core: Option<Core>,
    peer: Option<Peer>,
    node: Node,
}

impl Apart {
    fn of(node: &Node) -> Self {
        let mut core = node.core;
        let peer = core.as_mut().and_then(|core| core.exchange_peer(None));
        Self { core, peer, node: Node { core: None, paused: false, data: false, ..*node } }
    }

    /// Paused or not, and with which data, is said elsewhere.
    fn joined(&self) -> Node {
        let mut node = Node { core: self.core, ..self.node };
        if let Some(core) = &mut node.core {
            core.exchange_peer(self.peer);
        }
        node
    }
}

impl Parts {
    pub(super) fn pack(&self, lately: &mut Lately, world: &World) -> Packed {
        let apart = [Apart::of(&world.nodes[0]), Apart::of(&world.nodes[1])];
        Packed {
            cores: [0, 1].map(|at| self.cores.number(&mut lately.cores, &apart[at].core)),
            peers: [0, 1].map(|at| self.peers.number(&mut lately.peers, &apart[at].peer)),
            nodes: [0, 1].map(|at| self.nodes.number(&mut lately.nodes, &apart[at].node)),
            wires: [0, 1].map(|at| self.wires.number(&mut lately.wires, &world.wires[at])),
            around: self.around.number(&mut lately.around, &world.surroundings()),
        }
    }

    /// Packs what `before` has become: most of it is as it was.
    pub(super) fn repack(&self, lately: &mut Lately, before: &Open, world: &World) -> Packed {
        let mut packed = before.packed;
        let around = world.surroundings();
        if around != before.around {
            packed.around = self.around.number(&mut lately.around, &around);
        }
        for at in 0..2 {
            if world.wires[at] != before.world.wires[at] {
                packed.wires[at] = self.wires.number(&mut lately.wires, &world.wires[at]);
            }
            if world.nodes[at] == before.world.nodes[at] {
                continue;
            }
            let (was, is) = (&before.apart[at], Apart::of(&world.nodes[at]));
            if is.core != was.core {
                packed.cores[at] = self.cores.number(&mut lately.cores, &is.core);
            }
            if is.peer != was.peer {
                packed.peers[at] = self.peers.number(&mut lately.peers, &is.peer);
            }
            if is.node != was.node {
                packed.nodes[at] = self.nodes.number(&mut lately.nodes, &is.node);
            }
        }
        packed
    }
}

impl Open {
    pub(super) fn new(packed: Packed, world: &World) -> Self {
        let apart = [Apart::of(&world.nodes[0]), Apart::of(&world.nodes[1])];
        Self { packed, world: world.clone(), around: world.surroundings(), apart }
    }

    /// Opens another state; what it has in common with this one stays.
    pub(super) fn change(&mut self, parts: &Parts, to: &Packed) {
        let was = self.packed;
        for at in 0..2 {
            if to.wires[at] != was.wires[at] {
                self.world.wires[at] = parts.wires.value(to.wires[at]);
            }
            if (to.cores[at], to.peers[at], to.nodes[at]) == (was.cores[at], was.peers[at], was.nodes[at]) {
                continue;
            }
            let apart = &mut self.apart[at];
            if to.cores[at] != was.cores[at] {
                apart.core = parts.cores.value(to.cores[at]);
            }
            if to.peers[at] != was.peers[at] {
                apart.peer = parts.peers.value(to.peers[at]);
            }
            if to.nodes[at] != was.nodes[at] {
                apart.node = parts.nodes.value(to.nodes[at]);
            }
            self.world.nodes[at] = apart.joined();
        }
        if to.around != was.around {
            self.around = parts.around.value(to.around);
        }
        self.world.surround(&self.around);
        self.packed = *to;
    }
}
