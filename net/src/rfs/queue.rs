//! The order of operations, and who waits for what. Decides only: who is answered is handed back to [`Flow`],
//! which does it under its locks.
//!
//! [`Flow`]: super::flow::Flow

use std::collections::BTreeMap;

use safetui_core::since::Cut;

use super::frame::Op;
use super::session::{Block, Expected, Session, Want};
use super::settings::{Gate, Report};

/// Answers the application: acknowledged, or refused because the gate was closed.
pub(super) type Done = Box<dyn FnOnce(bool) + Send>;
/// An operation that has not been carried out; asks again when run.
pub(super) type Parked = Box<dyn FnOnce() + Send>;

/// What an operation waits for under `Both`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket {
    /// The peer has applied this number; `u64::MAX` when there is no receiver.
    covered: u64,
    /// And this synchronisation is durable there.
    sync: Option<u64>,
}

impl Ticket {
    const WITHOUT_RECEIVER: Self = Self { covered: u64::MAX, sync: None };
    /// Durable there and here, only the gate is in the way.
    const DURABLE: Self = Self { covered: 0, sync: None };
}

/// How a receiver presents itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Hello {
    pub(super) named: Expected,
    /// 0: none yet.
    pub(super) session: u64,
    pub(super) applied: u64,
    /// What it has asked for and not got.
    pub(super) wants: Vec<Block>,
    /// Where it is known to have been equal to some source, the newest first.
    pub(super) held: Vec<Cut>,
}

/// How a source answers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Attached {
    pub(super) connection: u64,
    pub(super) session: u64,
    /// What counts as applied so far.
    pub(super) base: u64,
    pub(super) fresh: bool,
    /// What follows from that the receiver has applied so much.
    pub(super) reports: Vec<Report>,
}

/// Why a receiver may not attach, and whether trying again is of use.
pub(super) type Refusal = (bool, String);

#[derive(Default)]
pub(super) struct Queue {
    seq: u64,
    stamp: (u64, u64),
    parked: Vec<Parked>,
    waiting: BTreeMap<(u64, u64), Done>,
    /// Synchronisations of this session under way at the peer, with who waits for them.
    syncing: BTreeMap<u64, Option<Done>>,
    expected: Option<Expected>,
    pub(super) session: Option<Session>,
    connections: u64,
    ages: Vec<u64>,
}

impl Queue {
    /// The gate is `new` now: who is answered, and what is carried out.
    pub(super) fn change_gate(&mut self, new: Gate) -> (Vec<Done>, Vec<Parked>) {
        if let Gate::Alone { generation, term } | Gate::Both { generation, term } = new {
            self.stamp = (generation, term);
        }
        match new {
            Gate::Held => (Vec::new(), Vec::new()),
            Gate::Closed | Gate::Alone { .. } => (self.release_all(), std::mem::take(&mut self.parked)),
            Gate::Both { .. } => (self.release_applied(new), std::mem::take(&mut self.parked)),
        }
    }

    pub(super) fn park(&mut self, operation: Parked) {
        self.parked.push(operation);
    }

    pub(super) fn append(&mut self, build: impl FnOnce(&mut Session, &mut Vec<Op>)) -> Ticket {
        self.append_stamped(self.stamp, build)
    }

    /// False when that session is over.
    pub(super) fn append_copy(
        &mut self,
        session: u64,
        build: impl FnOnce(&mut Session, &mut Vec<Op>),
    ) -> bool {
        let Some(known) = self.session.as_ref().filter(|s| s.id == session) else { return false };
        let stamp = (known.expected.generation, known.expected.term);
        self.append_stamped(stamp, build);
        true
    }

    fn append_stamped(
        &mut self,
        stamp: (u64, u64),
        build: impl FnOnce(&mut Session, &mut Vec<Op>),
    ) -> Ticket {
        let Self { session: Some(session), seq, syncing, .. } = self else {
            return Ticket::WITHOUT_RECEIVER;
        };
        let mut ops = Vec::new();
        build(session, &mut ops);
        let mut sync = None;
        for op in ops {
            *seq += 1;
            if matches!(op, Op::Sync { .. }) {
                syncing.insert(*seq, None);
                sync = Some(*seq);
            }
            session.push(*seq, stamp, op);
        }
        Ticket { covered: session.last, sync }
    }

    /// Keeps `done` until it may be acknowledged. Gives it back if that is now.
    pub(super) fn acknowledge(&mut self, gate: Gate, ticket: Ticket, done: Done) -> Vec<Done> {
        let mut released = self.give_up_the_lost(gate);
        let now = match gate {
            Gate::Closed | Gate::Held => false,
            Gate::Alone { .. } => !self.must_slow_down(ticket),
            Gate::Both { .. } => self.is_covered(ticket),
        };
        if now {
            released.push(done);
        } else {
            self.wait(ticket, done);
        }
        released
    }

    /// `None` if the connection is not the one in use.
    pub(super) fn applied(
        &mut self,
        gate: Gate,
        connection: u64,
        upto: u64,
    ) -> Option<(Vec<Report>, Vec<Done>)> {
        let reports = self.note_applied(connection, upto)?;
        Some((reports, self.release_applied(gate)))
    }

    pub(super) fn synced(&mut self, gate: Gate, connection: u64, seq: u64) -> Option<Done> {
        self.session_on(connection)?.synced(seq);
        let done = self.syncing.remove(&seq)??;
        if matches!(gate, Gate::Alone { .. } | Gate::Both { .. }) {
            return Some(done);
        }
        self.wait(Ticket::DURABLE, done);
        None
    }

    /// Names the receiver; the session of another one is over.
    pub(super) fn expect(&mut self, gate: Gate, expected: Option<Expected>) -> Vec<Done> {
        if self.expected == expected {
            return Vec::new();
        }
        self.expected = expected;
        self.end_session(gate)
    }

    pub(super) fn attach(
        &mut self,
        gate: Gate,
        hello: Hello,
        since: Option<Cut>,
        trees: usize,
    ) -> Result<(Attached, Vec<Done>), Refusal> {
        let Hello { named, session, applied, wants, held: _ } = hello;
        if self.expected != Some(named) {
            return Err((true, self.why_not(named)));
        }
        self.connections += 1;
        let connection = self.connections;
        if let Some(known) = self.session.as_mut().filter(|s| s.id == session) {
            // Before the trim: the copy must not take a block for settled that is still asked for.
            known.wants = wants.into_iter().map(|block| Want { block, pages: Vec::new() }).collect();
            known.rewind(connection);
            // The acknowledgements may have been lost with the connection, and nothing else may ever be sent.
            let (reports, released) = self.applied(gate, connection, applied).unwrap_or_default();
            return Ok((Attached { connection, session, base: applied, fresh: false, reports }, released));
        }
        if session != 0 {
            let why = "it can no longer send again what is missing here: the copy has to start anew";
            return Err((false, why.into()));
        }
        if matches!(gate, Gate::Both { .. }) {
            return Err((false, "it counts on a copy that this node no longer has".into()));
        }
        let released = self.end_session(gate);
        let mut fresh = Session::new(random(), named, self.seq, since, trees);
        fresh.rewind(connection);
        let attached =
            Attached { connection, session: fresh.id, base: self.seq, fresh: true, reports: Vec::new() };
        self.session = Some(fresh);
        Ok((attached, released))
    }

    fn why_not(&self, named: Expected) -> String {
        match self.expected {
            None => "it is no source now".to_owned(),
            Some(e) => format!(
                "it waits for boot {} with generation {:x}, term {}, not for boot {} with {:x}, {}",
                e.boot, e.generation, e.term, named.boot, named.generation, named.term
            ),
        }
    }

    /// The connection broke. Tells whose it was, if it was the one in use.
    pub(super) fn lost(&mut self, gate: Gate, connection: u64) -> Option<(u32, Vec<Done>)> {
        let session = self.session_on(connection)?;
        session.connection = None;
        let boot = session.expected.boot;
        Some((boot, self.release_alone(gate)))
    }

    /// What was appended before now has to be applied there. A report if it is already so.
    pub(super) fn drain(&mut self) -> Option<Report> {
        let session = self.session.as_mut()?;
        session.drain = Some(session.last);
        session.take_drained()
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len() + self.parked.len() + self.syncing.values().flatten().count()
    }

    /// Ages at acknowledgement of the newest frames, in µs.
    pub(super) fn ages(&self) -> &[u64] {
        &self.ages
    }

    pub(super) fn session_on(&mut self, connection: u64) -> Option<&mut Session> {
        self.session.as_mut().filter(|s| s.connection == Some(connection))
    }

    /// Nothing more comes from this receiver. Who counted on it waits for the gate.
    fn end_session(&mut self, gate: Gate) -> Vec<Done> {
        self.session = None;
        for done in std::mem::take(&mut self.syncing).into_values().flatten() {
            self.wait(Ticket::WITHOUT_RECEIVER, done);
        }
        self.release_alone(gate)
    }

    /// Under `Alone` a receiver that is away for longer than the window lasts has lost the thread.
    fn give_up_the_lost(&mut self, gate: Gate) -> Vec<Done> {
        let lost = |s: &Session| s.is_full() && s.connection.is_none();
        let lost = matches!(gate, Gate::Alone { .. }) && self.session.as_ref().is_some_and(lost);
        if lost { self.end_session(gate) } else { Vec::new() }
    }

    /// Under `Alone` nobody waits for the peer, unless the window to a connected receiver is full.
    fn must_slow_down(&self, ticket: Ticket) -> bool {
        self.session.as_ref().is_some_and(|s| s.is_full() && s.applied < ticket.covered)
    }

    fn is_covered(&self, ticket: Ticket) -> bool {
        let applied = self.session.as_ref().is_some_and(|s| s.whole && s.applied >= ticket.covered);
        applied && ticket.sync.is_none_or(|seq| !self.syncing.contains_key(&seq))
    }

    fn wait(&mut self, ticket: Ticket, done: Done) {
        if let Some(slot) = ticket.sync.and_then(|seq| self.syncing.get_mut(&seq)) {
            *slot = Some(done);
        } else {
            self.seq += 1;
            self.waiting.insert((ticket.covered, self.seq), done);
        }
    }

    fn release_all(&mut self) -> Vec<Done> {
        let syncing = self.syncing.values_mut().filter_map(Option::take);
        let waiting = std::mem::take(&mut self.waiting);
        waiting.into_values().chain(syncing).collect()
    }

    /// The peer is gone: alone, nobody waits for it.
    fn release_alone(&mut self, gate: Gate) -> Vec<Done> {
        if matches!(gate, Gate::Alone { .. }) { self.release_all() } else { Vec::new() }
    }

    /// Under `Both` what is applied counts only in a copy that is whole: in another one, an operation on a file that
    /// the copy has not come to yet is not even sent.
    fn release_applied(&mut self, gate: Gate) -> Vec<Done> {
        let session = self.session.as_ref();
        let applied = match gate {
            Gate::Closed | Gate::Held => return Vec::new(),
            Gate::Alone { .. } => session.map_or(0, |s| s.applied),
            Gate::Both { .. } => session.filter(|s| s.whole).map_or(0, |s| s.applied),
        };
        let later = self.waiting.split_off(&(applied + 1, 0));
        std::mem::replace(&mut self.waiting, later).into_values().collect()
    }

    fn note_applied(&mut self, connection: u64, upto: u64) -> Option<Vec<Report>> {
        self.session_on(connection)?;
        let ages = &mut self.ages;
        let session = self.session.as_mut()?;
        session.trim(upto, |age| ages.push(age));
        let old = ages.len().saturating_sub(1024);
        ages.drain(..old);
        Some(session.take_copied().into_iter().chain(session.take_drained()).collect())
    }
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    // Without the kernel's random numbers nothing in this program is safe.
    getrandom::fill(&mut bytes).expect("the kernel gives random numbers");
    u64::from_le_bytes(bytes) | 1
}
