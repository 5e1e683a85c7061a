//! What a node must do: orders, carried out in order and before the next event.

use crate::{
    event::{Beat, Command, Refusal},
    record::{Boot, Generation, Ledger, Record},
    role::{Cause, Role},
    rule::Order,
    time::Tick,
};

/// One order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action<const H: usize> {
    /// Make the record durable before anything that follows in this list.
    Persist(Record<H>),
    /// Send on every way to the peer.
    Send(Beat),
    /// What may happen to a write from now on; in force when this returns.
    Gate(Gate),
    /// The right to answer for the virtual IP and to acknowledge ends by itself at this moment; not later than
    /// now: at once.
    Lease(Tick),
    /// Do this slow work, in place of any that is under way; report its end as [`crate::Event::Done`].
    Begin(Job),
    /// Copy everything to this life of the peer, and stream every operation to it.
    Source { to: Boot, generation: Generation, term: u64 },
    /// Stop streaming.
    SourceStop,
    /// Report when the peer has applied all that was acknowledged so far.
    Drain,
    /// Apply what that life of the peer sends in this generation and term, and nothing else. With `aside`,
    /// what it would overwrite is kept.
    Receive { from: Boot, generation: Generation, term: u64, aside: bool },
    /// Apply nothing more; in force when this returns.
    ReceiveStop,
    /// Ask the service network whether somebody still answers for the virtual IP.
    Probe,
    /// Ask the arbiter for the right to go on alone from that generation, if that is the ledger which it keeps; said
    /// again each period until it is answered as [`crate::Event::Granted`] or [`crate::Event::Denied`].
    Ask { generation: Generation, ledger: Ledger },
    /// The command was taken or refused.
    Answer { command: Command, refused: Option<Refusal> },
    /// The role has changed.
    Became { from: Role, to: Role, cause: Cause },
    /// Worth a line in the log.
    Note(Note),
}

/// What may happen to a write of the application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Gate {
    /// Refused.
    #[default]
    Closed,
    /// Waits: neither acknowledged nor failed.
    Held,
    /// Acknowledged when applied here.
    Alone { generation: Generation, term: u64 },
    /// Acknowledged when applied here and by the peer; waits while the peer cannot be reached.
    Both { generation: Generation, term: u64 },
}

/// Slow work of a module, one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Job {
    /// Before the first role: prestart, mount.
    Open,
    /// Take up a role: for a serving one claim the address, then the start scripts.
    Enter { from: Role, to: Role },
    /// Give up a role: release the address, stop scripts; `kill` when they must not be trusted to end.
    Leave { from: Role, kill: bool },
    /// Stop and start scripts of the role.
    Restart { role: Role },
    /// After the last role: poststop, unmount.
    Close { kill: bool },
}

/// Something that the log should say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Note {
    /// This node did not run for `span`.
    Slept { span: u64 },
    /// The peer is heard again, or for the first time.
    PeerHeard,
    /// The window after the last contact has ended.
    Contested { continuity: bool, echo: bool },
    /// The window has ended, and the arbiter is asked who may go on.
    AsksArbiter,
    /// A takeover was due and automatic failover is off.
    FailoverOff,
    /// Somebody else answers for the virtual IP: no takeover.
    AddressTaken,
    /// The scripts of a role failed.
    ScriptsFailed,
    /// That failover rule acts.
    RuleActs { rule: u8, order: Order },
    /// No failover rule makes the module wait any more.
    WakesUp,
    /// There were too many automatic actions: the module stops.
    TooOften,
}

/// How many orders one event can lead to; the longest sequence is a lost fork of a source.
const ROOM: usize = 16;

/// The caller's buffer: reused, so that handling never allocates.
#[derive(Clone, Copy, Debug)]
pub struct Actions<const H: usize> {
    list: [Option<Action<H>>; ROOM],
    len: usize,
}

impl<const H: usize> Default for Actions<H> {
    fn default() -> Self {
        Self { list: [None; ROOM], len: 0 }
    }
}

impl<const H: usize> Actions<H> {
    /// Appends an order.
    ///
    /// # Panics
    /// Never in a tested core: the bound is the longest sequence that any event leads to.
    pub fn push(&mut self, action: Action<H>) {
        self.list[self.len] = Some(action);
        self.len += 1;
    }

    /// The orders so far, in order.
    pub fn iter(&self) -> impl Iterator<Item = Action<H>> + '_ {
        self.list[..self.len].iter().flatten().copied()
    }

    /// Forgets all orders, for a caller that has seen them through [`Self::iter`].
    pub const fn clear(&mut self) {
        self.len = 0;
    }

    /// Takes all orders out, in order.
    pub fn drain(&mut self) -> impl Iterator<Item = Action<H>> + '_ {
        let len = core::mem::take(&mut self.len);
        self.list[..len].iter_mut().filter_map(Option::take)
    }

    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}
