//! A world as the numbers of its parts.

use std::hash::{Hash, Hasher};

use safetui_core::mirror::Peer;

use super::table::{Recent, Table};
use crate::world::{Core, Driven, Reach, Surroundings, Wire, World};

/// A state as it is kept: the numbers of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packed {
    pub(super) cores: [u32; 2],
    pub(super) peers: [u32; 2],
    pub(super) nodes: [u32; 2],
    pub(super) wires: [u32; 2],
    pub(super) around: u32,
}

/// In few words: the checker does this for every state that it generates.
impl Hash for Packed {
    fn hash<S: Hasher>(&self, state: &mut S) {
        for [one, other] in [self.cores, self.peers, self.nodes, self.wires] {
            state.write_u64(u64::from(one) << 32 | u64::from(other));
        }
        state.write_u32(self.around);
    }
}

/// Every part that was ever met.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Without what they know of their peers.
    cores: Table<Option<Core>>,
    peers: Table<Option<Peer>>,
    nodes: Table<Driven>,
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
}

impl Parts {
    pub(super) fn pack(&self, lately: &mut Lately, world: &World) -> Packed {
        let mut packed = Packed {
            cores: [0; 2],
            peers: [0; 2],
            nodes: [0; 2],
            wires: [0, 1].map(|at| self.wires.number(&mut lately.wires, &world.wires[at])),
            around: self.around.number(&mut lately.around, &world.surroundings()),
        };
        for (at, node) in world.nodes.iter().enumerate() {
            let (core, peer) = apart(node.core);
            packed.cores[at] = self.cores.number(&mut lately.cores, &core);
            packed.peers[at] = self.peers.number(&mut lately.peers, &peer);
            packed.nodes[at] = self.nodes.number(&mut lately.nodes, &node.driven());
        }
        packed
    }

    /// Packs what `before` has become: what is out of reach is as it was.
    pub(super) fn repack(&self, lately: &mut Lately, before: &Open, world: &World, reach: Reach) -> Packed {
        let mut packed = before.packed;
        let around = world.surroundings();
        if around != before.around {
            packed.around = self.around.number(&mut lately.around, &around);
        }
        for at in 0..2 {
            let (was, is) = (&before.world.wires[at], &world.wires[at]);
            debug_assert!(reach.wires[at] || is == was, "out of reach nothing changes");
            if reach.wires[at] && is != was {
                packed.wires[at] = self.wires.number(&mut lately.wires, is);
            }
            let (was, is) = (&before.world.nodes[at], &world.nodes[at]);
            let same = || is.core == was.core && is.driven() == was.driven();
            debug_assert!(reach.nodes[at] || same(), "out of reach nothing changes");
            if !reach.nodes[at] {
                continue;
            }
            let (core, peer) = apart(is.core);
            packed.cores[at] = self.cores.number(&mut lately.cores, &core);
            if peer != was.core.as_ref().and_then(Core::peer).copied() {
                packed.peers[at] = self.peers.number(&mut lately.peers, &peer);
            }
            let driven = is.driven();
            if driven != was.driven() {
                packed.nodes[at] = self.nodes.number(&mut lately.nodes, &driven);
            }
        }
        packed
    }
}

/// A core, and what it knows of its peer.
fn apart(mut core: Option<Core>) -> (Option<Core>, Option<Peer>) {
    let peer = core.as_mut().and_then(|core| core.exchange_peer(None));
    (core, peer)
}

impl Open {
    pub(super) fn new(packed: Packed, world: &World) -> Self {
        Self { packed, world: world.clone(), around: world.surroundings() }
    }

    /// Opens another state; what it has in common with this one stays.
    pub(super) fn change(&mut self, parts: &Parts, to: &Packed) {
        let was = self.packed;
        for at in 0..2 {
            if to.wires[at] != was.wires[at] {
                self.world.wires[at] = parts.wires.value(to.wires[at]);
            }
            let node = &mut self.world.nodes[at];
            if to.cores[at] != was.cores[at] {
                node.core = parts.cores.value(to.cores[at]);
            }
            if (to.cores[at], to.peers[at]) != (was.cores[at], was.peers[at]) {
                let peer = parts.peers.value(to.peers[at]);
                node.core.as_mut().map(|core| core.exchange_peer(peer));
            }
            if to.nodes[at] != was.nodes[at] {
                node.drive(parts.nodes.value(to.nodes[at]));
            }
        }
        if to.around != was.around {
            self.around = parts.around.value(to.around);
        }
        self.world.surround(&self.around);
        self.packed = *to;
    }
}
