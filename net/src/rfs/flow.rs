//! The gate, and the locks around the order of operations.
//!
//! An application is answered while the gate is held for reading, so that nothing is acknowledged any more when
//! `set_gate` returns. `queue` gives the numbers and decides who is answered. The locks in their order: `changing`,
//! the gate, the queue; the last two are not held while a disk or the network is waited for.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use safetui_core::since::Cut;

use super::frame::Op;
use super::queue::{Attached, Done, Hello, Parked, Queue, Refusal, Ticket};
use super::session::{Expected, Session};
use super::settings::{Gate, Report};
use crate::sync::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, thread};

/// Whether an operation may change something here.
pub(super) enum Entry<'a> {
    Pass(Pass<'a>),
    Wait,
    Refuse,
}

/// Leave to change something here, and to be acknowledged. Until it is gone the stream changes nothing.
pub(super) struct Pass<'a> {
    tenure: u64,
    here: Option<RwLockReadGuard<'a, ()>>,
}

impl Pass<'_> {
    /// What only makes durable may take its time: nobody waits for it who wants to change something alone.
    pub(super) fn changes_nothing(&mut self) {
        self.here = None;
    }
}

#[derive(Clone, Copy)]
struct Standing {
    gate: Gate,
    /// Grows when the gate closes. What began in an earlier tenure is not acknowledged in a later one: in between
    /// the peer may have written over it.
    tenure: u64,
}

pub(super) struct Flow {
    /// Read: the application changes something here. Write: the stream does. Never both.
    changing: RwLock<()>,
    standing: RwLock<Standing>,
    queue: Mutex<Queue>,
    /// Something to send, or a reason to stop.
    work: Condvar,
    /// Acknowledgements came, or wants, or a reason to stop.
    room: Condvar,
    trees: usize,
}

impl Flow {
    pub(super) fn new(trees: usize) -> Self {
        Self {
            changing: RwLock::new(()),
            standing: RwLock::new(Standing { gate: Gate::Closed, tenure: 0 }),
            queue: Mutex::new(Queue::default()),
            work: Condvar::new(),
            room: Condvar::new(),
            trees,
        }
    }

    fn standing(&self) -> RwLockReadGuard<'_, Standing> {
        self.standing.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn gate(&self) -> Gate {
        self.standing().gate
    }

    /// Nothing that the new gate forbids is acknowledged once this has returned.
    pub(super) fn set_gate(&self, new: Gate) {
        let mut standing = self.standing.write().unwrap_or_else(PoisonError::into_inner);
        standing.gate = new;
        standing.tenure += u64::from(new == Gate::Closed);
        let (released, parked) = self.queue().change_gate(new);
        for done in released {
            done(new != Gate::Closed);
        }
        drop(standing);
        if !parked.is_empty() {
            // These touch the disk, the caller must not.
            thread::spawn(move || parked.into_iter().for_each(|operation| operation()));
        }
    }

    /// Before an operation of the application changes anything.
    pub(super) fn enter(&self) -> Entry<'_> {
        // Before the gate is looked at: what passes has ended here before the stream of a new primary begins.
        let here = self.changing.read().unwrap_or_else(PoisonError::into_inner);
        let Standing { gate, tenure } = *self.standing();
        match gate {
            Gate::Closed => Entry::Refuse,
            Gate::Held => Entry::Wait,
            Gate::Alone { .. } | Gate::Both { .. } => Entry::Pass(Pass { tenure, here: Some(here) }),
        }
    }

    /// While nothing else changes anything: before an operation of the stream does, and at a cut.
    pub(super) fn enter_alone(&self) -> RwLockWriteGuard<'_, ()> {
        self.changing.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Is nothing being changed at this moment?
    pub(super) fn is_still(&self) -> bool {
        self.changing.try_write().is_ok()
    }

    /// Keeps an operation until the gate is no longer held. Gives it back if that is already so.
    pub(super) fn park(&self, operation: Parked) -> Option<Parked> {
        let standing = self.standing();
        if standing.gate != Gate::Held {
            return Some(operation);
        }
        self.queue().park(operation);
        None
    }

    /// Gives an operation its place in the order, and to the receiver what `build` says, if anything.
    /// Called while the operation's inode or the names are locked.
    pub(super) fn append(&self, build: impl FnOnce(&mut Session, &mut Vec<Op>)) -> Ticket {
        let ticket = self.queue().append(build);
        self.work.notify_all();
        ticket
    }

    /// The same for frames of the copy: they carry what the receiver was named. False when the session is over.
    pub(super) fn append_copy(&self, session: u64, build: impl FnOnce(&mut Session, &mut Vec<Op>)) -> bool {
        let alive = self.queue().append_copy(session, build);
        self.work.notify_all();
        alive
    }

    /// Answers now or later, as the gate says.
    pub(super) fn acknowledge(&self, pass: Pass<'_>, ticket: Ticket, done: Done) {
        let tenure = pass.tenure;
        drop(pass);
        let standing = self.standing();
        if tenure != standing.tenure {
            return done(false);
        }
        let released = self.queue().acknowledge(standing.gate, ticket, done);
        answer(&standing, released);
    }

    /// The peer has applied everything up to `upto`.
    pub(super) fn applied(&self, connection: u64, upto: u64) -> Vec<Report> {
        let standing = self.standing();
        let noted = self.queue().applied(standing.gate, connection, upto);
        let (reports, released) = noted.unwrap_or_default();
        self.room.notify_all();
        answer(&standing, released);
        reports
    }

    /// One synchronisation is durable at the peer.
    pub(super) fn synced(&self, connection: u64, seq: u64) {
        let standing = self.standing();
        let released = self.queue().synced(standing.gate, connection, seq);
        answer(&standing, released);
    }

    /// Names the receiver; the session of another one is over.
    pub(super) fn expect(&self, expected: Option<Expected>) {
        let standing = self.standing();
        let released = self.queue().expect(standing.gate, expected);
        self.wake_all();
        answer(&standing, released);
    }

    /// A receiver is there.
    pub(super) fn attach(&self, hello: Hello, since: Option<Cut>) -> Result<Attached, Refusal> {
        let standing = self.standing();
        let (attached, released) = self.queue().attach(standing.gate, hello, since, self.trees)?;
        self.wake_all();
        answer(&standing, released);
        Ok(attached)
    }

    /// The connection broke. Tells whose it was, if it was the one in use.
    pub(super) fn lost(&self, connection: u64) -> Option<u32> {
        let standing = self.standing();
        let (boot, released) = self.queue().lost(standing.gate, connection)?;
        self.wake_all();
        answer(&standing, released);
        Some(boot)
    }

    fn wake_all(&self) {
        self.work.notify_all();
        self.room.notify_all();
    }

    /// Blocks until there is something to send on this connection; `None` when it is no longer in use.
    pub(super) fn next_batch(&self, connection: u64) -> Option<Vec<Arc<Vec<u8>>>> {
        let mut queue = self.queue();
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
        let mut queue = self.queue();
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
        let answer = self.queue().session.as_mut().map(look);
        self.room.notify_all();
        answer
    }

    /// What was appended before now has to be applied there. A report if it is already so.
    pub(super) fn drain(&self) -> Option<Report> {
        self.queue().drain()
    }

    pub(super) fn waiting(&self) -> usize {
        self.queue().waiting()
    }

    /// Median age at acknowledgement, in µs.
    pub(super) fn ack_us(&self) -> u64 {
        let mut ages = self.queue().ages().to_vec();
        let middle = ages.len() / 2;
        if ages.is_empty() { 0 } else { *ages.select_nth_unstable(middle).1 }
    }
}

/// Acknowledges, under the gate that allowed it.
fn answer(_: &RwLockReadGuard<'_, Standing>, released: impl IntoIterator<Item = Done>) {
    for done in released {
        done(true);
    }
}
