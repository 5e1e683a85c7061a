//! The gate, the order of operations, and the acknowledgements.
//!
//! `gate` is held for reading while an application is answered, so that nothing is acknowledged any more when
//! `set_gate` returns. `queue` gives the numbers. The gate is locked before the queue, and neither is held
//! while a disk or the network is waited for.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use super::frame::Op;
use super::session::{Block, Expected, Session};
use super::settings::{Gate, Report};

/// Answers the application: acknowledged, or refused because the gate was closed.
pub(super) type Done = Box<dyn FnOnce(bool) + Send>;
/// An operation that has not been carried out; asks again when run.
type Parked = Box<dyn FnOnce() + Send>;

/// What an operation waits for under `Both`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket {
    /// The peer has applied this number; `u64::MAX` when there is no receiver.
    covered: u64,
    /// And this synchronisation is durable there.
    sync: Option<u64>,
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

struct Queue {
    seq: u64,
    stamp: (u64, u64),
    parked: Vec<Parked>,
    waiting: BTreeMap<(u64, u64), Done>,
    /// Synchronisations under way at the peer, with who waits for them.
    syncing: HashMap<u64, Option<Done>>,
    expected: Option<Expected>,
    session: Option<Session>,
    connections: u64,
    ages: Vec<u64>,
}

pub(super) struct Flow {
    gate: RwLock<Gate>,
    queue: Mutex<Queue>,
    /// Something to send, or a reason to stop.
    pub(super) work: Condvar,
    /// Acknowledgements came, or wants, or a reason to stop.
    room: Condvar,
    trees: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Flow {
    pub(super) fn new(trees: usize) -> Self {
        Self {
            gate: RwLock::new(Gate::Closed),
            queue: Mutex::new(Queue {
                seq: 0,
                stamp: (0, 0),
                parked: Vec::new(),
                waiting: BTreeMap::new(),
                syncing: HashMap::new(),
                expected: None,
                session: None,
                connections: 0,
                ages: Vec::new(),
            }),
            work: Condvar::new(),
            room: Condvar::new(),
            trees,
        }
    }

    fn read_gate(&self) -> RwLockReadGuard<'_, Gate> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn gate(&self) -> Gate {
        *self.read_gate()
    }

    /// Nothing that the new gate forbids is acknowledged once this has returned.
    pub(super) fn set_gate(&self, new: Gate) {
        let mut gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        *gate = new;
        let mut queue = lock(&self.queue);
        if let Gate::Alone { generation, term } | Gate::Both { generation, term } = new {
            queue.stamp = (generation, term);
        }
        let released = match new {
            Gate::Held => return,
            Gate::Closed | Gate::Alone { .. } => queue.release_all(),
            Gate::Both { .. } => queue.release_applied(),
        };
        let parked = std::mem::take(&mut queue.parked);
        drop(queue);
        for done in released {
            done(new != Gate::Closed);
        }
        drop(gate);
        if !parked.is_empty() {
            // These touch the disk, the caller must not.
            std::thread::spawn(move || parked.into_iter().for_each(|operation| operation()));
        }
    }

    /// Keeps an operation until the gate is no longer held. Gives it back if that is already so.
    pub(super) fn park(&self, operation: Parked) -> Option<Parked> {
        let gate = self.read_gate();
        if *gate != Gate::Held {
            return Some(operation);
        }
        lock(&self.queue).parked.push(operation);
        None
    }

    /// Gives an operation its place in the order, and to the receiver what `build` says, if anything.
    /// Called while the operation's inode or the names are locked.
    pub(super) fn append(&self, build: impl FnOnce(&mut Session, &mut Vec<Op>)) -> Ticket {
        let mut queue = lock(&self.queue);
        let stamp = queue.stamp;
        self.append_stamped(&mut queue, stamp, build)
    }

    /// The same for frames of the copy: they carry what the receiver was named.
    pub(super) fn append_copy(&self, session: u64, build: impl FnOnce(&mut Session, &mut Vec<Op>)) -> bool {
        let mut queue = lock(&self.queue);
        let Some(stamp) = queue
            .session
            .as_ref()
            .filter(|s| s.id == session)
            .map(|s| (s.expected.generation, s.expected.term))
        else {
            return false;
        };
        self.append_stamped(&mut queue, stamp, build);
        true
    }

    fn append_stamped(
        &self,
        queue: &mut Queue,
        stamp: (u64, u64),
        build: impl FnOnce(&mut Session, &mut Vec<Op>),
    ) -> Ticket {
        let Queue { session: Some(session), seq, syncing, .. } = queue else {
            return Ticket { covered: u64::MAX, sync: None };
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
        let ticket = Ticket { covered: session.last, sync };
        self.work.notify_all();
        ticket
    }

    /// Answers now or later, as the gate says.
    pub(super) fn acknowledge(&self, ticket: Ticket, done: Done) {
        let gate = self.read_gate();
        let mut queue = lock(&self.queue);
        let now = match *gate {
            Gate::Closed | Gate::Held => false,
            Gate::Alone { .. } => !queue.must_slow_down(ticket),
            Gate::Both { .. } => queue.is_covered(ticket),
        };
        if !now && *gate != Gate::Closed {
            return queue.wait(ticket, done);
        }
        drop(queue);
        done(now);
    }

    /// The peer has applied everything up to `upto`.
    pub(super) fn applied(&self, connection: u64, upto: u64) -> Vec<Report> {
        let gate = self.read_gate();
        let mut queue = lock(&self.queue);
        let Some(reports) = queue.note_applied(connection, upto) else { return Vec::new() };
        let released = queue.released_under(*gate);
        drop(queue);
        self.room.notify_all();
        for done in released {
            done(true);
        }
        reports
    }

    /// One synchronisation is durable at the peer.
    pub(super) fn synced(&self, connection: u64, seq: u64) {
        let gate = self.read_gate();
        let mut queue = lock(&self.queue);
        let Some(session) = queue.session_on(connection) else { return };
        session.synced(seq);
        let Some(Some(done)) = queue.syncing.remove(&seq) else { return };
        match *gate {
            Gate::Alone { .. } | Gate::Both { .. } => {
                drop(queue);
                done(true);
            }
            // Durable there and here, only the gate is in the way.
            Gate::Closed | Gate::Held => queue.wait(Ticket { covered: 0, sync: None }, done),
        }
    }

    /// Names the receiver; the session of another one is dropped.
    pub(super) fn expect(&self, expected: Option<Expected>) {
        let mut queue = lock(&self.queue);
        if queue.expected == expected {
            return;
        }
        queue.expected = expected;
        queue.session = None;
        queue.syncing.retain(|_, done| done.is_some());
        self.work.notify_all();
        self.room.notify_all();
    }

    /// A receiver is there. The error says whether trying again is of use.
    pub(super) fn attach(&self, hello: Hello) -> Result<Attached, (bool, String)> {
        let Hello { named, session, applied, wants } = hello;
        let gate = self.read_gate();
        let mut queue = lock(&self.queue);
        if queue.expected != Some(named) {
            let why = match queue.expected {
                None => "it is no source now".to_owned(),
                Some(e) => format!(
                    "it waits for boot {} with generation {:x}, term {}, not for boot {} with {:x}, {}",
                    e.boot, e.generation, e.term, named.boot, named.generation, named.term
                ),
            };
            return Err((true, why));
        }
        let connection = queue.connections + 1;
        queue.connections = connection;
        let seq = queue.seq;
        self.work.notify_all();
        self.room.notify_all();
        if let Some(known) = queue.session.as_mut().filter(|s| s.id == session) {
            // Before the trim: the copy must not take a block for settled that is still asked for.
            known.wants = wants.into();
            known.rewind(connection);
            // The acknowledgements may have been lost with the connection, and nothing else may ever be sent.
            let reports = queue.note_applied(connection, applied).unwrap_or_default();
            let released = queue.released_under(*gate);
            drop(queue);
            for done in released {
                done(true);
            }
            return Ok(Attached { connection, session, base: applied, fresh: false, reports });
        }
        if session != 0 {
            return Err((
                false,
                "it can no longer send again what is missing here: the copy has to start anew".into(),
            ));
        }
        if matches!(*gate, Gate::Both { .. }) {
            return Err((false, "it counts on a copy that this node no longer has".into()));
        }
        let id = random();
        let mut fresh = Session::new(id, named, seq, self.trees);
        fresh.rewind(connection);
        queue.session = Some(fresh);
        Ok(Attached { connection, session: id, base: seq, fresh: true, reports: Vec::new() })
    }

    /// The connection broke. Tells whom, if it was the one in use.
    pub(super) fn lost(&self, connection: u64) -> Option<u32> {
        let gate = self.read_gate();
        let mut queue = lock(&self.queue);
        let session = queue.session_on(connection)?;
        session.connection = None;
        let boot = session.expected.boot;
        let released = if matches!(*gate, Gate::Alone { .. }) { queue.release_all() } else { Vec::new() };
        drop(queue);
        self.work.notify_all();
        for done in released {
            done(true);
        }
        Some(boot)
    }

    /// Blocks until there is something to send on this connection; `None` when it is no longer in use.
    pub(super) fn next_batch(&self, connection: u64) -> Option<Vec<Arc<Vec<u8>>>> {
        let mut queue = lock(&self.queue);
        loop {
            let batch = queue.session_on(connection)?.take_batch();
            if !batch.is_empty() {
                return Some(batch);
            }
            queue = self.work.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Blocks until `ready` says something about the session, or `None` when the session is over.
    pub(super) fn wait_session<T>(
        &self,
        session: u64,
        mut ready: impl FnMut(&mut Session) -> Option<T>,
    ) -> Option<T> {
        let mut queue = lock(&self.queue);
        loop {
            let known = queue.session.as_mut().filter(|s| s.id == session)?;
            if let Some(answer) = ready(known) {
                return Some(answer);
            }
            let waited = self.room.wait_timeout(queue, Duration::from_millis(200));
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Looks at or changes the session that is there, if any.
    pub(super) fn with_session<T>(&self, look: impl FnOnce(&mut Session) -> T) -> Option<T> {
        let answer = lock(&self.queue).session.as_mut().map(look);
        self.room.notify_all();
        answer
    }

    /// What was appended before now has to be applied there. A report if it is already so.
    pub(super) fn drain(&self) -> Option<Report> {
        let mut queue = lock(&self.queue);
        let session = queue.session.as_mut()?;
        if session.applied >= session.last {
            return Some(Report::Drained { boot: session.expected.boot });
        }
        session.drain = Some(session.last);
        None
    }

    pub(super) fn waiting(&self) -> usize {
        let queue = lock(&self.queue);
        queue.waiting.len() + queue.parked.len() + queue.syncing.values().flatten().count()
    }

    /// Median age at acknowledgement, in µs.
    pub(super) fn ack_us(&self) -> u64 {
        let mut ages = lock(&self.queue).ages.clone();
        let middle = ages.len() / 2;
        if ages.is_empty() { 0 } else { *ages.select_nth_unstable(middle).1 }
    }
}

impl Queue {
    fn session_on(&mut self, connection: u64) -> Option<&mut Session> {
        self.session.as_mut().filter(|s| s.connection == Some(connection))
    }

    /// Under `Alone` nobody waits for the peer, unless the window to a connected receiver is full. A receiver
    /// that is away for longer than the window lasts has lost the thread.
    fn must_slow_down(&mut self, ticket: Ticket) -> bool {
        let Some(session) = &self.session else { return false };
        if session.is_full() && session.connection.is_none() {
            self.session = None;
            return false;
        }
        session.is_full() && session.applied < ticket.covered
    }

    fn is_covered(&self, ticket: Ticket) -> bool {
        let applied = self.session.as_ref().is_some_and(|s| s.applied >= ticket.covered);
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

    fn released_under(&mut self, gate: Gate) -> Vec<Done> {
        match gate {
            Gate::Alone { .. } | Gate::Both { .. } => self.release_applied(),
            Gate::Closed | Gate::Held => Vec::new(),
        }
    }

    fn release_applied(&mut self) -> Vec<Done> {
        let applied = self.session.as_ref().map_or(0, |s| s.applied);
        let later = self.waiting.split_off(&(applied + 1, 0));
        std::mem::replace(&mut self.waiting, later).into_values().collect()
    }

    fn note_applied(&mut self, connection: u64, upto: u64) -> Option<Vec<Report>> {
        self.session_on(connection)?;
        let mut ages = std::mem::take(&mut self.ages);
        let session = self.session.as_mut()?;
        session.trim(upto, |age| ages.push(age));
        let boot = session.expected.boot;
        let mut reports = Vec::new();
        if session.copied.take_if(|seq| *seq <= upto).is_some() {
            reports.push(Report::Copied { boot });
        }
        if session.drain.take_if(|seq| *seq <= upto).is_some() {
            reports.push(Report::Drained { boot });
        }
        let old = ages.len().saturating_sub(1024);
        ages.drain(..old);
        self.ages = ages;
        Some(reports)
    }
}

pub(super) fn random() -> u64 {
    let mut bytes = [0; 8];
    // Without the kernel's random numbers nothing in this program is safe.
    getrandom::fill(&mut bytes).expect("the kernel gives random numbers");
    u64::from_le_bytes(bytes) | 1
}
