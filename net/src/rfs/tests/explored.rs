//! The gate under every schedule: operations, acknowledgements, reconnections and changes of the gate at once.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use loom::sync::atomic::AtomicBool;
use loom::thread::{self, JoinHandle};

use super::{ALONE, BOTH, FIRST};
use crate::rfs::Gate;
use crate::rfs::backing::Fid;
use crate::rfs::flow::{Entry, Flow};
use crate::rfs::frame::Op;
use crate::rfs::queue::Hello;
use crate::rfs::session::{Expected, WINDOW_BYTES};
use crate::sync::explore;

const NAMED: Expected = Expected { boot: 2, generation: 7, term: 1 };
const NODE: Fid = Fid { tree: 0, ino: 9 };

/// A source with its receiver.
struct Source {
    flow: Arc<Flow>,
    session: u64,
    connection: u64,
    /// What the receiver has applied.
    there: AtomicU64,
    acknowledged: AtomicUsize,
    refused: AtomicUsize,
    /// The gate forbids acknowledgements, and has said that it does.
    demoted: AtomicBool,
}

impl Source {
    /// Alone, the copy on its way.
    fn copying() -> Arc<Self> {
        let flow = Arc::new(Flow::new(1));
        flow.expect(Some(NAMED));
        flow.set_gate(ALONE);
        let attached = flow
            .attach(Hello { named: NAMED, session: 0, applied: 0, wants: Vec::new(), held: Vec::new() }, None)
            .unwrap();
        Arc::new(Self {
            flow,
            session: attached.session,
            connection: attached.connection,
            there: AtomicU64::new(attached.base),
            acknowledged: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            demoted: AtomicBool::new(false),
        })
    }

    /// Both, the copy whole.
    fn paired() -> Arc<Self> {
        let source = Self::copying();
        assert!(source.flow.append_copy(source.session, |_, ops| ops.push(Op::Copied(FIRST))));
        source.deliver(source.connection);
        source.flow.set_gate(BOTH);
        source
    }

    /// The next frames reach the receiver, and its answer comes back. False when the connection is over.
    fn deliver(&self, connection: u64) -> bool {
        if self.flow.next_batch(connection).is_none() {
            return false;
        }
        let upto = self.flow.with_session(|session| session.last).unwrap_or_default();
        self.there.fetch_max(upto, SeqCst);
        self.flow.applied(connection, upto);
        true
    }

    /// An application's operation, up to where it waits or has its answer.
    fn write(self: &Arc<Self>, op: Op) {
        let source = Arc::clone(self);
        match self.flow.enter() {
            Entry::Pass(pass) => {
                let ticket = self.flow.append(|_, ops| ops.push(op));
                self.flow.acknowledge(pass, ticket, Box::new(move |ok| source.answered(ok)));
            }
            Entry::Wait => {
                if let Some(retry) = self.flow.park(Box::new(move || source.write(op))) {
                    retry();
                }
            }
            Entry::Refuse => self.answered(false),
        }
    }

    fn answered(&self, acknowledged: bool) {
        if acknowledged {
            assert!(!self.demoted.load(SeqCst), "acknowledged after the demotion had returned");
            self.acknowledged.fetch_add(1, SeqCst);
        } else {
            self.refused.fetch_add(1, SeqCst);
        }
    }

    fn writer(self: &Arc<Self>, op: Op) -> JoinHandle<()> {
        let source = Arc::clone(self);
        thread::spawn(move || source.write(op))
    }

    /// The thread that reads the receiver's answers.
    fn reader(self: &Arc<Self>, connection: u64) -> JoinHandle<()> {
        let source = Arc::clone(self);
        thread::spawn(move || {
            source.deliver(connection);
        })
    }

    fn demote(&self, gate: Gate) {
        self.flow.set_gate(gate);
        self.demoted.store(true, SeqCst);
    }

    fn answers(&self) -> (usize, usize) {
        (self.acknowledged.load(SeqCst), self.refused.load(SeqCst))
    }
}

fn change() -> Op {
    Op::Forget { node: NODE }
}

#[test]
fn nothing_is_acknowledged_once_the_gate_has_closed() {
    explore(178, || {
        let source = Source::paired();
        let writer = source.writer(change());
        let reader = thread::spawn({
            let source = Arc::clone(&source);
            move || {
                let upto = source.flow.with_session(|session| session.last).unwrap();
                source.flow.applied(source.connection, upto);
            }
        });
        source.demote(Gate::Closed);
        writer.join().unwrap();
        reader.join().unwrap();
        let (acknowledged, refused) = source.answers();
        assert_eq!(acknowledged + refused, 1);
    });
}

#[test]
fn nothing_is_acknowledged_alone_once_the_gate_has_closed() {
    explore(322, || {
        let source = Source::copying();
        let (one, two) = (source.writer(change()), source.writer(change()));
        source.demote(Gate::Closed);
        one.join().unwrap();
        two.join().unwrap();
        let (acknowledged, refused) = source.answers();
        assert_eq!(acknowledged + refused, 2);
    });
}

#[test]
fn nothing_is_acknowledged_while_held_and_everything_afterwards() {
    explore(1_030, || {
        let source = Source::paired();
        let (writer, reader) = (source.writer(change()), source.reader(source.connection));
        source.demote(Gate::Held);
        source.demoted.store(false, SeqCst);
        source.flow.set_gate(BOTH);
        writer.join().unwrap();
        reader.join().unwrap();
        // An operation that was parked is carried out by a thread of its own: until it has its answer, it waits.
        while source.answers() != (1, 0) {
            thread::yield_now();
        }
    });
}

/// Who wrote last.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    Application,
    Peer,
}

/// An application writes, while its node is demoted and the stream of a new primary writes over it.
fn overwritten(executions: usize, then: fn(&Source)) {
    explore(executions, move || {
        let (source, disk) = (Source::copying(), Arc::new(Mutex::new(By::Peer)));
        let writer = thread::spawn({
            let (source, disk) = (Arc::clone(&source), Arc::clone(&disk));
            move || {
                let Entry::Pass(pass) = source.flow.enter() else { return };
                *disk.lock().unwrap() = By::Application;
                let ticket = source.flow.append(|_, ops| ops.push(change()));
                let answer = move |ok: bool| {
                    assert!(!ok || *disk.lock().unwrap() == By::Application, "acknowledged and gone");
                };
                source.flow.acknowledge(pass, ticket, Box::new(answer));
            }
        });
        source.flow.set_gate(Gate::Closed);
        let turn = source.flow.enter_alone();
        *disk.lock().unwrap() = By::Peer;
        drop(turn);
        then(&source);
        writer.join().unwrap();
        if source.flow.gate() == Gate::Closed {
            assert_eq!(*disk.lock().unwrap(), By::Peer, "the copies differ");
        }
    });
}

#[test]
fn nothing_is_changed_here_once_the_stream_of_a_new_primary_does() {
    overwritten(14, |_| {});
}

#[test]
fn what_a_new_primary_has_overwritten_is_not_acknowledged() {
    overwritten(24, |source| source.flow.set_gate(ALONE));
}

#[test]
fn every_write_is_acknowledged_when_the_peer_has_it() {
    explore(7_192, || {
        let source = Source::paired();
        let (one, two) = (source.writer(change()), source.writer(change()));
        let all = source.there.load(SeqCst) + 2;
        while source.there.load(SeqCst) < all {
            assert!(source.deliver(source.connection));
        }
        one.join().unwrap();
        two.join().unwrap();
        assert_eq!(source.answers(), (2, 0));
    });
}

#[test]
fn a_reconnection_loses_no_acknowledgement_and_gives_none_twice() {
    explore(3_946, || {
        let source = Source::paired();
        let all = source.there.load(SeqCst) + 1;
        let (writer, reader) = (source.writer(change()), source.reader(source.connection));
        source.flow.lost(source.connection);
        let (session, applied) = (source.session, source.there.load(SeqCst));
        let hello = Hello { named: NAMED, session, applied, wants: Vec::new(), held: Vec::new() };
        let again = source.flow.attach(hello, None).unwrap();
        // What the receiver has was acknowledged as it attached, the rest is sent again.
        if applied < all {
            assert!(source.deliver(again.connection));
        }
        writer.join().unwrap();
        reader.join().unwrap();
        assert_eq!(source.answers(), (1, 0));
    });
}

#[test]
fn a_synchronisation_is_acknowledged_once_it_is_durable_there() {
    explore(1_135, || {
        let source = Source::paired();
        let writer = source.writer(Op::Sync { node: NODE });
        let reader = thread::spawn({
            let source = Arc::clone(&source);
            move || {
                if source.deliver(source.connection) {
                    source.flow.synced(source.connection, source.there.load(SeqCst));
                }
            }
        });
        source.demote(Gate::Held);
        source.demoted.store(false, SeqCst);
        source.flow.set_gate(BOTH);
        writer.join().unwrap();
        reader.join().unwrap();
        while source.answers() != (1, 0) {
            thread::yield_now();
        }
    });
}

/// Alone, with so much under way that operations wait for the receiver: how that ends.
fn slowed(executions: usize, op: fn() -> Op, end: fn(&Source)) {
    explore(executions, move || {
        let source = Source::copying();
        source.flow.with_session(|session| session.tail_bytes = WINDOW_BYTES);
        let writer = source.writer(op());
        end(&source);
        writer.join().unwrap();
        assert_eq!(source.answers(), (1, 0));
    });
}

#[test]
fn alone_nobody_waits_for_a_receiver_that_is_no_longer_wanted() {
    slowed(26, change, |source| source.flow.expect(None));
    slowed(26, || Op::Sync { node: NODE }, |source| source.flow.expect(None));
}

#[test]
fn alone_nobody_waits_for_a_connection_that_broke() {
    slowed(26, change, |source| _ = source.flow.lost(source.connection));
    slowed(26, || Op::Sync { node: NODE }, |source| _ = source.flow.lost(source.connection));
}

#[test]
fn alone_nobody_waits_for_a_receiver_that_began_anew() {
    let anew = |source: &Source| {
        let hello = Hello { named: NAMED, session: 0, applied: 0, wants: Vec::new(), held: Vec::new() };
        source.flow.attach(hello, None).unwrap();
    };
    slowed(26, change, anew);
    slowed(26, || Op::Sync { node: NODE }, anew);
}

#[test]
fn who_sends_and_who_copies_hear_that_the_session_is_over() {
    explore(683, || {
        let source = Source::copying();
        let sender = thread::spawn({
            let source = Arc::clone(&source);
            move || while source.flow.next_batch(source.connection).is_some() {}
        });
        let copy = thread::spawn({
            let source = Arc::clone(&source);
            move || source.flow.wait_session(source.session, |_| None::<()>)
        });
        source.flow.append(|_, ops| ops.push(change()));
        source.flow.expect(None);
        sender.join().unwrap();
        assert_eq!(copy.join().unwrap(), None);
    });
}
