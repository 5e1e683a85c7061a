//! What surrounds the two nodes: faults, the client, and what an operator did.

use safetui_core::rule::Set;

use super::{Arbiter, Backup, Budget, Cut, World, Write};

/// All of a world but its nodes and wires; of the nodes, what their cores do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Surroundings {
    cut: Cut,
    write: Write,
    left: Budget,
    skew: i8,
    down: [Set; 2],
    arbiter: Arbiter,
    backups: [Option<Backup>; 2],
    forced: bool,
    overwritten: bool,
    paused: [bool; 2],
    data: [bool; 2],
}

impl Surroundings {
    /// Every fault repaired and none to come, and no client: the core never sees what is written.
    pub(crate) fn calm(self) -> Self {
        Self {
            cut: Cut::None,
            write: Write::None,
            left: Budget::default(),
            down: [Set::EMPTY; 2],
            backups: [None; 2],
            forced: false,
            paused: [false; 2],
            data: [false; 2],
            ..self
        }
    }
}

impl Surroundings {
    /// What stays of [`Self::calm`] in every world.
    pub(crate) const fn lasting(&self) -> (i8, Arbiter, bool) {
        (self.skew, self.arbiter, self.overwritten)
    }
}

impl World {
    pub(crate) fn surroundings(&self) -> Surroundings {
        let Self { nodes, wires: _, cut, write, left, skew, down, arbiter, backups, forced, overwritten } =
            self;
        Surroundings {
            cut: *cut,
            write: *write,
            left: *left,
            skew: *skew,
            down: *down,
            arbiter: *arbiter,
            backups: *backups,
            forced: *forced,
            overwritten: *overwritten,
            paused: [nodes[0].paused, nodes[1].paused],
            data: [nodes[0].data, nodes[1].data],
        }
    }

    pub(crate) fn surround(&mut self, around: &Surroundings) {
        let Surroundings {
            cut,
            write,
            left,
            skew,
            down,
            arbiter,
            backups,
            forced,
            overwritten,
            paused,
            data,
        } = *around;
        (self.cut, self.write, self.left, self.skew) = (cut, write, left, skew);
        (self.down, self.arbiter, self.backups) = (down, arbiter, backups);
        (self.forced, self.overwritten) = (forced, overwritten);
        for (node, (paused, data)) in self.nodes.iter_mut().zip(paused.into_iter().zip(data)) {
            (node.paused, node.data) = (paused, data);
        }
    }
}
