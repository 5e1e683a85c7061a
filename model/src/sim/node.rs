//! One node: its core, its disk, its clock, and what its drivers hold.

use std::collections::VecDeque;

use safetui_core::{Action, Beat, Boot, Event, Gate, Generation, Job, Mirror, Record, Tick};

use super::{
    clock::{Clock, Moment},
    network::Opened,
    queue::What,
};

/// As many ancestors as the agent keeps.
pub(super) const H: usize = 64;

/// The core exactly as the agent runs it.
pub(super) type Core = Mirror<H>;

/// The receiver that a source was told to serve, as both ends name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// The receiver's life.
    pub(super) boot: Boot,
    pub(super) generation: Generation,
    pub(super) term: u64,
}

/// What the stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carried {
    Write(u64),
    /// Everything that the source had when the client's newest write was this.
    Tree {
        newest: u64,
    },
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Op {
    pub(super) number: u64,
    pub(super) carried: Carried,
    /// Generation and term in which the source made it.
    pub(super) stamp: (Generation, u64),
}

/// What a source keeps about its receiver.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: u32,
    pub(super) named: Named,
    pub(super) connection: Option<u32>,
    /// Not yet acknowledged.
    pub(super) tail: VecDeque<Op>,
    pub(super) last: u64,
    pub(super) applied: u64,
    pub(super) drain: Option<u64>,
    pub(super) copied: Option<u64>,
    /// Something is on its way.
    pub(super) carrying: bool,
}

#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) expected: Option<Named>,
    pub(super) session: Option<Session>,
    /// Writes whose clients wait for the peer, with the place in the stream that they wait for.
    pub(super) waiting: VecDeque<(u64, u64)>,
}

#[derive(Debug, Default)]
pub(super) struct Sink {
    pub(super) named: Option<Named>,
    /// Is what is overwritten kept aside?
    pub(super) aside: bool,
    /// Tells a late try to connect that it is late.
    pub(super) token: u32,
    /// The session that it has begun; 0: none.
    pub(super) session: u32,
    pub(super) applied: u64,
    pub(super) connection: Option<u32>,
    pub(super) pause: Moment,
}

/// An order that later ones wait for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pending {
    Durable(Record<H>),
    Replicated(Action<H>),
}

/// A trap for the next durable step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trap {
    /// Is that step durable when power is lost?
    pub(super) after: bool,
    /// How long the node stays down.
    pub(super) down: Moment,
}

/// How slow a node's disk and scripts are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hands {
    pub(super) disk: Moment,
    pub(super) script: Moment,
    /// A job fails so often in a million.
    pub(super) fails: u64,
}

/// A node, up or down.
#[derive(Debug)]
pub(super) struct Node {
    /// Absent while the agent is down.
    pub(super) core: Option<Box<Core>>,
    /// Lives of the agent, told apart by whatever is still under way for an earlier one.
    pub(super) life: u32,
    pub(super) boot: Boot,
    pub(super) clock: Clock,
    pub(super) disk: Box<Record<H>>,
    pub(super) orders: VecDeque<Action<H>>,
    pub(super) events: VecDeque<(Tick, Event)>,
    /// The order that is not yet in force.
    pub(super) pending: Option<Box<Pending>>,
    pub(super) paused: bool,
    /// What happened while it was paused.
    pub(super) backlog: VecDeque<What>,
    pub(super) beat: Option<Beat>,
    pub(super) letters: u64,
    pub(super) opened: Opened,
    pub(super) wake: (Moment, u32),
    /// Has an operator started the module?
    pub(super) wish: bool,
    pub(super) gate: Gate,
    pub(super) lease: Tick,
    pub(super) address: bool,
    /// The newest job, until when it holds the address at the latest, and its number.
    pub(super) job: Option<Job>,
    pub(super) claims: Moment,
    pub(super) jobs: u32,
    pub(super) source: Source,
    pub(super) sink: Sink,
    pub(super) trap: Option<Trap>,
    /// An operator told this node to give up what only it has, and it has not followed since.
    pub(super) gives_up: bool,
    pub(super) hands: Hands,
}

impl Hands {
    pub(super) const QUICK: Self = Self { disk: 5_000, script: 50_000, fails: 0 };
}

impl Node {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            core: None,
            life: 0,
            boot: Boot(0),
            clock,
            disk: Box::default(),
            orders: VecDeque::with_capacity(16),
            events: VecDeque::with_capacity(16),
            pending: None,
            paused: false,
            backlog: VecDeque::with_capacity(64),
            beat: None,
            letters: 0,
            opened: Opened::default(),
            wake: (Moment::MAX, 0),
            wish: true,
            gate: Gate::Closed,
            lease: Tick(0),
            address: false,
            job: None,
            claims: 0,
            jobs: 0,
            source: Source::default(),
            sink: Sink::default(),
            trap: None,
            gives_up: false,
            hands: Hands::QUICK,
        }
    }

    /// Is it up and not paused?
    pub(super) const fn runs(&self) -> bool {
        self.core.is_some() && !self.paused
    }

    /// Does it answer for the virtual IP? Its kernel does so while its agent hangs.
    pub(super) fn answers(&self, now: Moment) -> bool {
        self.address && !self.clock.stands() && self.lease > self.clock.tick(now)
    }

    /// Is a write of the application applied here?
    pub(super) const fn writable(&self) -> bool {
        matches!(self.gate, Gate::Alone { .. } | Gate::Both { .. })
    }

    /// Does nothing wait to be carried out?
    pub(super) fn idle(&self) -> bool {
        self.pending.is_none() && self.orders.is_empty() && self.events.is_empty()
    }

    /// The agent is gone, and with it everything that only it knew.
    pub(super) fn die(&mut self) {
        self.core = None;
        self.life += 1;
        self.orders.clear();
        self.events.clear();
        self.backlog.clear();
        self.pending = None;
        self.paused = false;
        self.beat = None;
        self.opened = Opened::default();
        self.wake = (Moment::MAX, self.wake.1 + 1);
        self.gate = Gate::Closed;
        self.job = None;
        self.source = Source::default();
        self.sink = Sink { token: self.sink.token + 1, ..Sink::default() };
        self.trap = None;
    }
}
