//! Two nodes, the ways between them, a router, a client that writes, and what may go wrong.
//!
//! One tick is one heartbeat period. A node's clock always reads [`BASE`]; instead of moving on, every moment
//! that is stored anywhere moves back, so that no run has an end and still there are finitely many states.

mod arbiter;
mod around;
mod checks;
mod data;
mod fair;
mod names;
mod node;
mod settle;
mod step;
mod untimed;
mod wire;

pub use arbiter::{Arbiter, Question, Verdict};
pub(crate) use around::Surroundings;
pub use fair::{Healing, survivor_serves};
pub(crate) use node::Driven;
pub use node::Node;
pub use settle::Rest;
pub use step::{Reach, Step, Torn};
pub use untimed::LAPSE;
pub use wire::{Cut, Wire};

use std::ops::Deref;

use safetui_core::{
    Command, Config, Mirror, Record, Rules, Tick, Timing, Witness,
    rule::{Book, Set},
};

/// How many ancestors a record keeps in the model: names that nobody can mention any more are dropped, so
/// this is more than two nodes can need.
pub const H: usize = 4;

/// The core as the model runs it.
pub type Core = Mirror<H>;

/// What every clock reads; further back than any window reaches.
pub const BASE: Tick = Tick(24);

/// What may happen, and how often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Budget {
    /// A node loses power, at any moment, also between two steps of one decision.
    pub crashes: u8,
    /// The network changes, other than healing.
    pub cuts: u8,
    /// A heartbeat is lost on a way that works.
    pub losses: u8,
    /// A copy of a heartbeat goes astray and may arrive at any later time.
    pub detours: u8,
    /// A node stops running and later goes on.
    pub pauses: u8,
    /// One clock gains a tick on the other.
    pub skews: u8,
    /// In a world without time, all timers of a node run out at once.
    pub lapses: u8,
    /// An operator gives one of [`Settings::orders`] to a node.
    pub orders: u8,
    /// A backup is made of a node's disk.
    pub backups: u8,
    /// A node that is down gets an empty disk.
    pub wipes: u8,
    /// A node's link to its clients is lost, and stays so while faults last.
    pub unplugs: u8,
    /// A resource that is checked fails; it may be repaired at any time.
    pub failures: u8,
    /// The arbiter loses its memory, and begins another ledger.
    pub amnesias: u8,
    /// No fault: writes of the client, [`Budget::ANY`] for no bound.
    pub writes: u8,
}

impl Budget {
    /// As many as there may be.
    pub const ANY: u8 = u8::MAX;

    /// Faults in all.
    pub const fn sum(&self) -> u8 {
        let Self { crashes, cuts, losses, detours, pauses, skews, lapses, .. } = *self;
        let Self { orders, backups, wipes, unplugs, failures, amnesias, writes: _, .. } = *self;
        crashes
            + cuts
            + losses
            + detours
            + pauses
            + skews
            + lapses
            + orders
            + backups
            + wipes
            + unplugs
            + failures
            + amnesias
    }
}

/// Where a world begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// A pair that has long been ready.
    Ready,
    /// The very first start, one node forced to serve.
    First,
    /// A pair that is ready, and a heartbeat of the secondary's life before that has gone astray.
    Stray,
}

/// One world: the protocol's settings and its surroundings.
#[derive(Clone, Debug)]
pub struct Settings {
    pub name: &'static str,
    pub timing: Timing,
    pub witness: Witness,
    /// Of each node: while one of the two is upgraded they differ.
    pub rules: [Rules; 2],
    /// The failover rules.
    pub book: Book,
    /// The resources that are checked on each node, and may fail.
    pub checked: Set,
    pub budget: Budget,
    /// How many of them in all, at most.
    pub faults: u8,
    /// Does a secondary take over by itself?
    pub failover: bool,
    /// Is it a violation that both serve after a cut, though without a witness nothing can prevent it?
    pub strict: bool,
    /// Ticks that a heartbeat may be under way.
    pub delay: u8,
    /// Do heartbeats also travel reflected by the router?
    pub relay: bool,
    /// In what ways the network may be cut.
    pub cuts: &'static [Cut],
    /// Is a machine with the router's address, but not its hardware, taken for no answer?
    pub pins: bool,
    /// How many of three routers must answer, where there are three.
    pub quorum: u32,
    /// Does the arbiter grant a generation to one node only?
    pub grants_once: bool,
    /// No assumption about time: each clock moves on by itself, and what is under way may take for ever.
    pub untimed: bool,
    /// Does a node's clock stand still while it is paused, as that of a virtual machine may?
    pub frozen: bool,
    /// Are the clocks, of which the lease of an address is made, to be trusted? Where they are not, only what is
    /// said of writes is claimed.
    pub leases: bool,
    /// What an operator may order.
    pub orders: &'static [Command],
    /// May power be lost between two steps of one decision?
    pub torn: bool,
    pub start: Start,
}

impl Settings {
    fn configure(&self, node: usize) -> Config {
        Config {
            timing: self.timing,
            witness: self.witness,
            failover: self.failover,
            first: node == 0,
            rules: self.rules[node],
            book: self.book,
        }
    }
}

/// The settings of a world that is explored, with what follows from them.
#[derive(Clone, Debug)]
pub struct Given {
    settings: Settings,
    configs: [Config; 2],
}

impl Given {
    pub fn new(settings: Settings) -> Self {
        let configs = [0, 1].map(|node| settings.configure(node));
        Self { settings, configs }
    }

    /// What one node is configured with.
    pub const fn config(&self, node: usize) -> &Config {
        &self.configs[node]
    }
}

impl Deref for Given {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.settings
    }
}

/// The one write that is watched: by symmetry it stands for any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Write {
    #[default]
    None,
    /// Applied at that node, and the client waits.
    Pending {
        at: usize,
    },
    Acknowledged,
    /// The client will never know.
    Unknown,
}

/// What a node's disk was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Backup {
    pub record: Record<H>,
    pub data: bool,
}

/// A state of the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    pub nodes: [Node; 2],
    /// `wires[n]` leads to node `n`.
    pub wires: [Wire; 2],
    pub cut: Cut,
    pub write: Write,
    pub left: Budget,
    /// Ticks by which the first node's clock is ahead.
    pub skew: i8,
    /// The resources that are down on each node, whether it is noticed or not.
    pub down: [Set; 2],
    pub arbiter: Arbiter,
    pub backups: [Option<Backup>; 2],
    /// An operator has said that a node may serve, or follow, whatever its data are.
    pub forced: bool,
    /// An acknowledged write was overwritten by a copy that nobody had asked for.
    pub overwritten: bool,
}
