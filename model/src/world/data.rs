//! The client's write and the stream that carries it.

use safetui_core::{Event, Gate, Role, mirror::Flow};

use super::{Budget, Given, World, Write};

impl World {
    /// Do both ends of the stream out of `node` name each other, and the same generation and term?
    pub fn connected(&self, node: usize) -> bool {
        let (source, sink) = (&self.nodes[node], &self.nodes[1 - node]);
        match (source.source, sink.receive) {
            (Some(out), Some(into)) => {
                out.peer == sink.boot
                    && into.peer == source.boot
                    && out.generation == into.generation
                    && out.term == into.term
            }
            _ => false,
        }
    }

    /// A connection over which data pass now.
    pub(super) fn streams(&self, node: usize) -> bool {
        self.connected(node) && self.cut.data() && self.nodes[0].runs() && self.nodes[1].runs()
    }

    pub(super) fn can_write(&self, settings: &Given, node: usize) -> bool {
        self.write == Write::None
            && self.left.writes > 0
            && self.nodes[node].runs()
            && (self.nodes[node].answers() || settings.untimed)
            && self.nodes[node].writable()
    }

    pub(super) fn client_writes(&mut self, node: usize) {
        if self.left.writes != Budget::ANY {
            self.left.writes -= 1;
        }
        self.nodes[node].data = true;
        self.write = match self.nodes[node].gate {
            Gate::Alone { .. } => Write::Acknowledged,
            _ => Write::Pending { at: node },
        };
    }

    /// An operation is in the stream, and the secondary has not applied it.
    pub(super) fn can_apply(&self, node: usize) -> bool {
        self.streams(node) && self.nodes[1 - node].level && self.lags(node)
    }

    pub(super) fn lags(&self, node: usize) -> bool {
        self.nodes[node].data && !self.nodes[1 - node].data
    }

    /// The acknowledgement may be under way while the network is cut.
    pub(super) fn can_acknowledge(&self, node: usize) -> bool {
        let primary = &self.nodes[node];
        self.write == Write::Pending { at: node }
            && primary.runs()
            && primary.source.is_some()
            && matches!(primary.gate, Gate::Both { .. })
            && self.nodes[1 - node].data
    }

    pub(super) fn can_copy(&self, node: usize) -> bool {
        self.streams(node) && !self.nodes[1 - node].level
    }

    /// The secondary's directory becomes the source's.
    pub(super) fn copy(&mut self, node: usize) {
        let newest = self.nodes[node].data;
        let sink = &mut self.nodes[1 - node];
        let aside = sink.receive.is_some_and(|link| link.aside);
        if sink.data && !newest && !aside && self.write == Write::Acknowledged {
            self.overwritten = true;
        }
        sink.data = newest;
        sink.level = true;
    }

    /// What the source's driver has to report, if anything.
    pub(super) fn report(&self, node: usize) -> Option<Event> {
        let core = self.nodes[node].core.as_ref()?;
        if !self.streams(node) || !self.nodes[1 - node].level || core.role() != Role::Alone {
            return None;
        }
        let boot = self.nodes[1 - node].boot;
        match core.flow() {
            Flow::Copying => Some(Event::Copied { boot }),
            Flow::Level if !self.lags(node) => Some(Event::Drained { boot }),
            _ => None,
        }
    }

    /// A write that can no longer be lost, or of which the client will never know, makes room for the next:
    /// its fate is the same as if it had not been made. What is missing in a backup can still be lost.
    pub(super) fn forget_write(&mut self) {
        let kept = self.backups.iter().flatten().all(|backup| backup.data);
        let everywhere = self.nodes[0].data && self.nodes[1].data && kept;
        if self.write == Write::Unknown || (self.write == Write::Acknowledged && everywhere) {
            self.write = Write::None;
            self.nodes.iter_mut().for_each(|node| node.data = false);
            self.backups.iter_mut().flatten().for_each(|backup| backup.data = false);
        }
    }

    pub(super) fn gate(&mut self, node: usize, gate: Gate) {
        self.nodes[node].gate = gate;
        if self.write == (Write::Pending { at: node }) {
            match gate {
                Gate::Alone { .. } => self.write = Write::Acknowledged,
                Gate::Closed => self.write = Write::Unknown,
                Gate::Held | Gate::Both { .. } => {}
            }
        }
    }
}
