//! One node: its core, its disk, and what its drivers hold.

use safetui_core::{Boot, Gate, Generation, Record, Tick};

use super::{
    BASE, Core, H,
    arbiter::{Question, Verdict},
};

/// One end of a stream of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    /// The life of the node at the other end.
    pub peer: Boot,
    pub generation: Generation,
    pub term: u64,
    /// Has an operator wanted this copy, and is what it overwrites kept aside?
    pub aside: bool,
}

/// A node, running or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// Absent while the node is down.
    pub core: Option<Core>,
    pub disk: Record<H>,
    pub boot: Boot,
    pub paused: bool,
    pub gate: Gate,
    pub lease: Tick,
    pub address: bool,
    pub source: Option<Link>,
    pub receive: Option<Link>,
    /// Has `receive` brought this node level with its source?
    pub level: bool,
    /// A question to the arbiter that is under way, and an answer.
    pub asked: Option<Question>,
    pub verdict: Option<Verdict>,
    /// Does this node's disk have the watched write?
    pub data: bool,
}

/// What a node's drivers and its disk hold: all of it but its core, whether it is paused, and its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Driven {
    disk: Record<H>,
    boot: Boot,
    gate: Gate,
    lease: Tick,
    address: bool,
    source: Option<Link>,
    receive: Option<Link>,
    level: bool,
    asked: Option<Question>,
    verdict: Option<Verdict>,
}

impl Node {
    pub(crate) const fn driven(&self) -> Driven {
        let Self { disk, boot, gate, lease, address, source, receive, level, asked, verdict, .. } = *self;
        Driven { disk, boot, gate, lease, address, source, receive, level, asked, verdict }
    }

    pub(crate) const fn drive(&mut self, driven: Driven) {
        let Driven { disk, boot, gate, lease, address, source, receive, level, asked, verdict } = driven;
        let Self { core, paused, data, .. } = *self;
        *self = Self {
            core,
            disk,
            boot,
            paused,
            gate,
            lease,
            address,
            source,
            receive,
            level,
            asked,
            verdict,
            data,
        };
    }

    pub fn new() -> Self {
        Self {
            core: None,
            disk: Record::default(),
            boot: Boot(0),
            paused: false,
            gate: Gate::Closed,
            lease: Tick(0),
            address: false,
            source: None,
            receive: None,
            level: false,
            asked: None,
            verdict: None,
            data: false,
        }
    }

    /// Is it up and not paused?
    pub const fn runs(&self) -> bool {
        self.core.is_some() && !self.paused
    }

    /// Would it answer for the virtual IP?
    pub fn answers(&self) -> bool {
        self.address && self.lease > BASE
    }

    /// Is a write of the application applied here?
    pub const fn writable(&self) -> bool {
        matches!(self.gate, Gate::Alone { .. } | Gate::Both { .. })
    }

    /// Everything but the disk, and what has been sent, is gone.
    pub fn lose_power(&mut self) {
        *self = Self { disk: self.disk, boot: self.boot, data: self.data, asked: self.asked, ..Self::new() };
    }
}

impl Default for Node {
    fn default() -> Self {
        Self::new()
    }
}
