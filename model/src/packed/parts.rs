//! A world as the numbers of its parts.

use super::table::{Recent, Table};
use crate::world::{Core, Node, Surroundings, Wire, World};

/// A state as it is kept: the numbers of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Packed {
    pub(super) cores: [u32; 2],
    pub(super) nodes: [u32; 2],
    pub(super) wires: [u32; 2],
    pub(super) around: u32,
}

/// Every part that was ever met.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Apart from their nodes: of the one there are many, of the other few.
    cores: Table<Option<Core>>,
    /// Stripped.
    nodes: Table<Node>,
    wires: Table<Wire>,
    around: Table<Surroundings>,
}

/// The parts that one thread has lately met.
#[derive(Default)]
pub(super) struct Lately {
    cores: Recent,
    nodes: Recent,
    wires: Recent,
    around: Recent,
}

/// A state, and its world.
pub(super) struct Open {
    pub(super) packed: Packed,
    pub(super) world: World,
    pub(super) around: Surroundings,
    stripped: [Node; 2],
}

impl Parts {
    pub(super) fn pack(&self, lately: &mut Lately, world: &World) -> Packed {
        Packed {
            cores: [0, 1].map(|at| self.cores.number(&mut lately.cores, &world.nodes[at].core)),
            nodes: [0, 1].map(|at| self.nodes.number(&mut lately.nodes, &stripped(&world.nodes[at]))),
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
            let (was, is) = (&before.world.nodes[at], &world.nodes[at]);
            if is.core != was.core {
                packed.cores[at] = self.cores.number(&mut lately.cores, &is.core);
            }
            let is = stripped(is);
            if is != before.stripped[at] {
                packed.nodes[at] = self.nodes.number(&mut lately.nodes, &is);
            }
            let (was, is) = (&before.world.wires[at], &world.wires[at]);
            if is != was {
                packed.wires[at] = self.wires.number(&mut lately.wires, is);
            }
        }
        packed
    }
}

/// A node without what is kept apart.
fn stripped(node: &Node) -> Node {
    Node { core: None, paused: false, data: false, ..*node }
}

impl Open {
    pub(super) fn new(packed: Packed, world: &World) -> Self {
        let stripped = [0, 1].map(|at| stripped(&world.nodes[at]));
        Self { packed, world: world.clone(), around: world.surroundings(), stripped }
    }

    /// Opens another state; what it has in common with this one stays.
    pub(super) fn change(&mut self, parts: &Parts, to: &Packed) {
        for at in 0..2 {
            if to.nodes[at] != self.packed.nodes[at] {
                self.stripped[at] = parts.nodes.value(to.nodes[at]);
                self.world.nodes[at] = Node { core: self.world.nodes[at].core, ..self.stripped[at] };
            }
            if to.cores[at] != self.packed.cores[at] {
                self.world.nodes[at].core = parts.cores.value(to.cores[at]);
            }
            if to.wires[at] != self.packed.wires[at] {
                self.world.wires[at] = parts.wires.value(to.wires[at]);
            }
        }
        if to.around != self.packed.around {
            self.around = parts.around.value(to.around);
        }
        self.world.surround(&self.around);
        self.packed = *to;
    }
}
