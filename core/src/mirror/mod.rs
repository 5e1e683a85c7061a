//! The mirror automaton of one module on one node.
//!
//! ```text
//!                 event, now                       orders
//!   driver ──────────────────▶ notice_sleep        ──────▶ driver
//!                              expire     windows, before whatever woke us
//!                              take       what the event says
//!                              heed_rules what the failover rules call for
//!                              settle     what follows from all that is known
//!                              beat       one heartbeat a period, one at each change
//! ```
//!
//! [`contest`] has the windows, [`pairing`] who copies from whom, [`handover`] how roles are taken up and given
//! up, [`command`] what an operator may ask, `ruled` what failover rules do.

mod command;
mod contest;
mod handover;
pub mod pairing;
mod ruled;
mod symmetry;

pub use command::Severity;
pub use symmetry::Names;

use crate::{
    action::{Action, Actions, Gate, Job, Note},
    config::{Config, Rule},
    event::{Beat, Command, Echo, Event},
    record::{Boot, Generation, Kin, Ledger, Mark, Record},
    role::{Cause, Role, Status},
    rule::{State, Watch},
    time::{Due, Tick},
};

/// What a node is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Step {
    /// Nothing: the role holds.
    Steady,
    /// The scripts of the role failed; it holds, and says so.
    Failed,
    Opening,
    /// Started, and listening for the peer until then.
    Listening {
        until: Tick,
    },
    Entering,
    Restarting,
    Leaving,
    Closing,
}

/// What follows when a role has been left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum After {
    Wait,
    Stop,
    /// Stop, and start again.
    Start,
}

/// An operator's word that stands in for what the data alone would not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Force {
    None,
    Serve,
    Follow,
}

/// The stream between the two nodes, as this one takes part in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Flow {
    None,
    Copying,
    /// The secondary has everything; a primary still waits for the last acknowledgements.
    Level,
}

/// The newest heartbeat of the peer, and when it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Peer {
    pub beat: Beat,
    pub heard: Tick,
}

/// An unbroken run of answers of the witness, by the moments at which it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Run {
    pub since: Tick,
    pub last: Tick,
}

/// One module on one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Mirror<const H: usize = 64> {
    /// Random, for the names of the generations of this boot.
    nonce: u64,
    boot: Boot,
    record: Record<H>,
    role: Role,
    /// Why the role was taken.
    cause: Cause,
    step: Step,
    after: After,
    force: Force,
    /// Nothing of this node serves.
    fenced: bool,
    flow: Flow,
    /// The life of the peer at the other end of `flow`.
    partner: Boot,
    /// The generation that is being copied here.
    copying: Generation,
    peer: Option<Peer>,
    /// Since when the stream to the partner is broken, though the partner may be heard.
    broken: Option<Tick>,
    /// When this node sent the newest of its heartbeats that the peer has acknowledged.
    proven: Tick,
    /// Since when the role holds and, in WAIT, nothing serves.
    since: Tick,
    /// When this node last came to after having slept.
    woke: Tick,
    run: Option<Run>,
    beat_due: Tick,
    /// Heartbeats sent at the moment at which the newest was sent.
    sent: u8,
    sent_at: Tick,
    probed: bool,
    /// Since when this node asks the arbiter whether it may go on alone.
    asking: Option<Tick>,
    /// The ledger that the arbiter keeps, as it said last, and as it had said when this pair was made.
    ledger: Ledger,
    paired_by: Ledger,
    /// Somebody answered for the virtual IP since the peer was last heard.
    taken: bool,
    ask_swap: bool,
    /// Does the interface of the virtual IP have a working link?
    linked: bool,
    watch: Watch,
}

impl<const H: usize> Mirror<H> {
    /// A node whose agent has just started, with nothing of an earlier life left that serves.
    ///
    /// `nonce` is random; `boot` is larger than that of any earlier life of this node.
    pub const fn new(now: Tick, boot: Boot, nonce: u64, record: Record<H>) -> Self {
        Self {
            nonce,
            boot,
            record,
            role: Role::Stop,
            cause: Cause::Stopped,
            step: Step::Steady,
            after: After::Wait,
            force: Force::None,
            fenced: true,
            flow: Flow::None,
            partner: Boot(0),
            copying: Generation::NONE,
            peer: None,
            broken: None,
            proven: Tick(0),
            since: now,
            woke: Tick(0),
            run: None,
            beat_due: now,
            sent: 0,
            sent_at: Tick(0),
            probed: false,
            asking: None,
            ledger: Ledger::NONE,
            paired_by: Ledger::NONE,
            taken: false,
            ask_swap: false,
            linked: true,
            watch: Watch::NEW,
        }
    }

    /// Takes what happened at `now` and appends the orders that follow.
    ///
    /// Total: every event means something, or nothing, in every state.
    pub fn handle(&mut self, cfg: &Config, now: Tick, event: Event, out: &mut Actions<H>) {
        self.notice_sleep(cfg, now, out);
        self.expire(cfg, now, out);
        self.take(cfg, now, event, out);
        self.heed_rules(cfg, now, out);
        self.settle(cfg, now, out);
        self.beat(cfg, now, out);
    }

    /// When to wake at the latest, and what for; later than `now` after `handle(now, Woke)`.
    pub fn next_wake(&self, cfg: &Config) -> (Tick, Due) {
        let dues = [Some((self.beat_due, Due::Beat)), self.window(cfg), self.rule_due(cfg)];
        dues.into_iter().flatten().min().unwrap_or((self.beat_due, Due::Beat))
    }

    fn take(&mut self, cfg: &Config, now: Tick, event: Event, out: &mut Actions<H>) {
        match event {
            Event::Woke => {}
            Event::Heard(beat) => self.hear(cfg, now, beat, out),
            Event::Answered { asked } => self.answered(cfg, asked),
            Event::Granted { generation } => self.granted(cfg, now, generation, out),
            Event::Denied { generation } => self.denied(now, generation, out),
            Event::Done { job, ok } => self.done(cfg, now, job, ok, out),
            Event::Copied { boot } => self.copied(cfg, now, boot, out),
            Event::Drained { boot } => self.drained(cfg, now, boot, out),
            Event::StreamLost { boot } => self.stream_lost(now, boot),
            Event::StreamUp { boot } => self.stream_up(boot),
            Event::ReceiveFailed => self.receive_failed(now, out),
            Event::AddressTaken => self.taken = self.role == Role::Second,
            Event::Linked(linked) => self.linked = linked,
            Event::Resource { id, state } => self.resource(id, state),
            Event::Ordered(command) => self.order(cfg, now, command, out),
            Event::Ledger(ledger) => self.ledger = ledger,
        }
    }

    fn settle(&mut self, cfg: &Config, now: Tick, out: &mut Actions<H>) {
        match self.role {
            Role::Stop => {}
            Role::Wait => self.settle_waiting(cfg, now, out),
            Role::Second => self.settle_second(cfg, now, out),
            Role::Alone => self.settle_alone(cfg, now, out),
            Role::Prim => self.settle_prim(cfg, now, out),
        }
    }

    /// A heartbeat of the peer: keeps the newest, whatever order they come in.
    fn hear(&mut self, cfg: &Config, now: Tick, beat: Beat, out: &mut Actions<H>) {
        if let Some(known) = &self.peer {
            let older_life = beat.boot < known.beat.boot && cfg.rules.has(Rule::FreshPair);
            let older = beat.boot == known.beat.boot && beat.place() <= known.beat.place();
            if older_life || older {
                return;
            }
        }
        if self.recent(cfg, now).is_none() {
            out.push(Action::Note(Note::PeerHeard));
        }
        self.peer = Some(Peer { beat, heard: now });
        self.probed = false;
        self.taken = false;
        if let Some(echo) = beat.echo.filter(|echo| echo.boot == self.boot) {
            self.proven = self.proven.max(echo.sent);
        }
        self.lease(cfg, now, out);
    }

    /// The peer's newest heartbeat, unless it is older than the window.
    pub(crate) fn recent(&self, cfg: &Config, now: Tick) -> Option<Beat> {
        self.peer.filter(|peer| now.since(peer.heard) <= cfg.timing.timeout).map(|peer| peer.beat)
    }

    /// Has the peer, in this very heartbeat, answered to one that this node sent since its role holds?
    fn answers_this_role(&self, beat: &Beat) -> bool {
        beat.echo.is_some_and(|echo| echo.boot == self.boot && echo.sent >= self.since)
    }

    fn beat(&mut self, cfg: &Config, now: Tick, out: &mut Actions<H>) {
        if now < self.beat_due {
            return;
        }
        self.beat_due = now.plus(cfg.timing.period);
        self.sent = if self.sent_at == now { self.sent.saturating_add(1) } else { 0 };
        self.sent_at = now;
        out.push(Action::Send(self.as_beat(cfg, now)));
        self.ask(cfg, out);
        self.lease(cfg, now, out);
    }

    pub(crate) fn as_beat(&self, cfg: &Config, now: Tick) -> Beat {
        let peer = self.peer.map(|peer| peer.beat);
        let theirs = peer.map_or(Generation::NONE, |beat| beat.generation);
        let copies = self.role == Role::Second && self.flow == Flow::Copying;
        Beat {
            boot: self.boot,
            sent: now,
            nth: self.sent,
            role: self.role,
            status: self.status(),
            fenced: self.fenced,
            term: self.record.term,
            generation: if copies { self.copying } else { self.record.generation },
            parent: self.record.parent(),
            mark: self.record.mark,
            side: self.record.side,
            echo: peer.map(|beat| Echo { boot: beat.boot, sent: beat.sent }),
            proof: if self.proven == Tick(0) { u64::MAX } else { now.since(self.proven) },
            kin: if peer.is_some() { self.record.kin(theirs) } else { Kin::Unknown },
            kin_of: theirs,
            partner: self.partner,
            linked: self.linked,
            ask_swap: self.ask_swap,
            dismiss: self.dismisses(cfg, now),
            witness: self.witnessed(cfg, now),
            down: self.watch.found.in_state(State::Down),
            held: self.watch.is_held(),
        }
    }

    /// The word beside the role.
    pub const fn status(&self) -> Status {
        match (self.role, self.step) {
            (Role::Wait, Step::Steady) if self.watch.unchecked => Status::Transient,
            (Role::Stop | Role::Wait, Step::Steady) | (_, Step::Failed) => Status::NotReady,
            (Role::Second, Step::Steady) if matches!(self.flow, Flow::Copying) => Status::Transient,
            (_, Step::Steady) if self.asking.is_some() => Status::Transient,
            (_, Step::Steady) => Status::Ready,
            _ => Status::Transient,
        }
    }

    /// Takes the role that `cause` leads to.
    fn turn(&mut self, now: Tick, cause: Cause, out: &mut Actions<H>) {
        let Some(to) = self.role.next(cause) else {
            debug_assert!(false, "{:?} means nothing in {:?}", cause, self.role);
            return;
        };
        out.push(Action::Became { from: self.role, to, cause });
        self.role = to;
        self.cause = cause;
        self.since = now;
        self.ask_swap = false;
        self.asking = None;
        self.beat_due = now;
    }

    fn persist(&mut self, record: Record<H>, out: &mut Actions<H>) {
        self.record = record;
        out.push(Action::Persist(record));
    }

    fn persist_mark(&mut self, mark: Mark, out: &mut Actions<H>) {
        if self.record.mark != mark {
            self.persist(Record { mark, ..self.record }, out);
        }
    }

    /// Restates the right to serve, as far as it reaches now.
    fn lease(&self, cfg: &Config, now: Tick, out: &mut Actions<H>) {
        // Who asks whether it may go on has no right of its own meanwhile.
        if !self.role.serves() || self.asking.is_some() {
            return;
        }
        out.push(Action::Lease(match self.role {
            _ if !cfg.rules.has(Rule::Lease) => Tick::NEVER,
            Role::Prim => self.contact(cfg).plus(cfg.timing.timeout),
            _ => now.plus(cfg.timing.timeout),
        }));
    }

    /// The gate of a role that serves.
    fn open_gate(&self, cfg: &Config, out: &mut Actions<H>) {
        let (generation, term) = (self.record.generation, self.record.term);
        out.push(Action::Gate(if self.flow == Flow::Level && cfg.rules.has(Rule::Hold) {
            Gate::Both { generation, term }
        } else {
            Gate::Alone { generation, term }
        }));
    }

    /// A name that no other generation has.
    const fn mint(&self, term: u64) -> Generation {
        // The golden ratio's odd multiple spreads consecutive terms over all names.
        Generation(self.nonce.wrapping_add(term.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    }

    fn next_term(&self) -> u64 {
        self.record.term.max(self.peer.map_or(0, |peer| peer.beat.term)) + 1
    }

    /// Becomes the node at the other end of `me`, as its last heartbeat describes it, on the clock of `me`: for
    /// looking ahead, never for acting.
    pub(crate) fn adopt(&mut self, cfg: &Config, beat: &Beat, me: &Self, now: Tick) {
        let copying = beat.mark == Mark::Copying;
        let generation = if copying { Generation::NONE } else { beat.generation };
        let mut history = self.record.history;
        if let Some(first) = history.first_mut().filter(|first| **first != beat.parent) {
            *first = beat.parent;
        }
        self.record = Record { term: beat.term, generation, history, mark: beat.mark, side: beat.side };
        self.watch = Watch::told(beat.down, beat.held);
        self.role = beat.role;
        self.fenced = beat.fenced;
        self.partner = beat.partner;
        self.copying = beat.generation;
        // The arbiter says the same to both.
        (self.ledger, self.paired_by) = (me.ledger, me.ledger);
        self.flow = match beat.role {
            Role::Second if copying => Flow::Copying,
            Role::Second | Role::Prim => Flow::Level,
            _ => Flow::None,
        };
        // The newest that it has heard of this node; a round trip is as long there as here.
        self.peer = beat.echo.filter(|echo| echo.boot == me.boot).map(|echo| {
            let round_trip = me.heard().since(echo.sent);
            let sent = Tick(echo.sent.0.saturating_sub(round_trip));
            let echoed = Some(Echo { boot: beat.boot, sent });
            Peer { beat: Beat { echo: echoed, ..me.as_beat(cfg, me.sent_at) }, heard: echo.sent }
        });
        self.proven = Tick(me.heard().0.saturating_sub(beat.proof));
        self.beat_due = now.plus(cfg.timing.period);
        self.run = beat.witness.then_some(Run { since: Tick(0), last: now });
    }

    pub const fn role(&self) -> Role {
        self.role
    }

    pub const fn boot(&self) -> Boot {
        self.boot
    }

    pub const fn record(&self) -> &Record<H> {
        &self.record
    }

    /// Does this node own the right to acknowledge writes without its peer?
    pub fn owns(&self) -> bool {
        self.record.mark == Mark::Exclusive
    }

    fn receive_failed(&mut self, now: Tick, out: &mut Actions<H>) {
        if self.role == Role::Second {
            self.persist_mark(Mark::Copying, out);
            self.stop_following(now, Cause::CannotApply, out);
        }
    }

    fn order(&mut self, cfg: &Config, now: Tick, command: Command, out: &mut Actions<H>) {
        let refused = self.judge(cfg, now, command);
        out.push(Action::Answer { command, refused });
        if refused.is_none() {
            self.watch.forget_loops();
            self.obey(now, command, out);
        }
    }

    fn begin(&mut self, job: Job, step: Step, out: &mut Actions<H>) {
        self.step = step;
        out.push(Action::Begin(job));
    }
}

impl<const H: usize> Mirror<H> {
    pub const fn step(&self) -> Step {
        self.step
    }

    /// Does this node wait for the arbiter's word?
    pub const fn asks(&self) -> bool {
        self.asking.is_some()
    }

    pub const fn flow(&self) -> Flow {
        self.flow
    }

    /// The ledger that the arbiter keeps, as far as this node knows.
    pub const fn ledger(&self) -> Ledger {
        self.ledger
    }

    pub const fn cause(&self) -> Cause {
        self.cause
    }

    pub const fn peer(&self) -> Option<&Peer> {
        self.peer.as_ref()
    }
}
