use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, bind, socket};

use super::disk::Disk;
use super::{ALONE, BOTH, FIRST, Pair, eventually, free_address};
use crate::rfs::flow::{Entry, Flow};
use crate::rfs::frame::Op;
use crate::rfs::queue::Hello;
use crate::rfs::session::Expected;
use crate::rfs::{Gate, Report};

#[test]
fn what_is_acknowledged_is_on_the_peer() {
    let pair = Pair::new();
    pair.pair_up();
    let mut file = fs::File::create(pair.a.dir.join("f")).unwrap();
    for round in 0..200_u32 {
        let line = format!("line {round}\n");
        file.write_all(line.as_bytes()).unwrap();
        let there = fs::read(pair.b.dir.join("f")).unwrap();
        assert!(there.ends_with(line.as_bytes()), "write {round} was acknowledged before the peer had it");
    }
    file.sync_all().unwrap();
    let big = vec![0x5a; 5 << 20];
    fs::write(pair.a.dir.join("big"), &big).unwrap();
    assert!(fs::read(pair.b.dir.join("big")).unwrap() == big);
    pair.a.unmount();
    pair.assert_same();
}

#[test]
fn drain_answers_when_the_peer_has_everything() {
    let pair = Pair::new();
    pair.start_copy();
    pair.a.hears(|report| *report == Report::Copied { boot: 2 });
    fs::write(pair.a.dir.join("f"), vec![1; 3 << 20]).unwrap();
    pair.a.rfs.gate(BOTH);
    pair.a.rfs.drain();
    pair.a.hears(|report| *report == Report::Drained { boot: 2 });
    assert_eq!(fs::read(pair.b.dir.join("f")).unwrap(), vec![1; 3 << 20]);
}

#[test]
fn a_broken_stream_is_resumed_and_nothing_is_lost() {
    let pair = Pair::new();
    pair.pair_up();
    let file = fs::File::create(pair.a.dir.join("f")).unwrap();
    for round in 0..30_u64 {
        let writer = file.try_clone().unwrap();
        let writing = thread::spawn(move || {
            for block in 0..50 {
                writer.write_all_at(&[round as u8; 4096], (round * 50 + block) * 4096).unwrap();
            }
        });
        pair.b.rfs.cut();
        writing.join().unwrap();
    }
    assert!(matches!(
        pair.a.hears(|r| matches!(r, Report::SourceLost { .. })),
        Report::SourceLost { boot: 2, .. }
    ));
    drop(file);
    assert!(
        !pair.b.reports().iter().any(|r| matches!(r, Report::ReceiveFailed { .. })),
        "{:?}",
        pair.b.reports()
    );
    pair.a.unmount();
    pair.assert_same();
}

/// While this lives nobody can listen there, and who connects is refused.
fn occupied(address: SocketAddr) -> OwnedFd {
    let plug = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    bind(plug.as_raw_fd(), &SockaddrStorage::from(address)).unwrap();
    plug
}

/// A pair on two networks, and the address of the source on the one that is to carry the stream.
fn on_two_networks() -> (Pair, SocketAddr) {
    let flow = free_address();
    let pair = Pair::with(|a, b| {
        a.listen.insert(0, flow);
        b.peer.insert(0, flow);
    });
    (pair, flow)
}

fn connected(pair: &Pair) -> SocketAddr {
    let Report::ReceiveUp { from } = pair.b.hears(|report| matches!(report, Report::ReceiveUp { .. })) else {
        unreachable!("it was asked for")
    };
    from
}

#[test]
fn a_source_that_listens_late_on_the_network_of_the_stream_is_waited_for_there() {
    let (pair, flow) = on_two_networks();
    let plug = occupied(flow);
    pair.a.rfs.gate(ALONE);
    pair.a.rfs.source(2, 7, 1);
    let other = pair.a.listens[1];
    eventually("the source listens on the other network", || TcpStream::connect(other).is_ok());
    pair.b.rfs.receive(2, 1, 7, 1, false);
    drop(plug);
    assert_eq!(connected(&pair), flow);
}

#[test]
fn a_stream_that_breaks_comes_back_on_the_same_network() {
    let (pair, flow) = on_two_networks();
    pair.start_copy();
    for _ in 0..10 {
        assert_eq!(connected(&pair), flow);
        pair.b.rfs.cut();
    }
}

#[test]
fn a_network_on_which_nobody_listens_does_not_keep_the_stream_down() {
    let (pair, flow) = on_two_networks();
    let _plug = occupied(flow);
    pair.start_copy();
    assert_eq!(connected(&pair), pair.a.listens[1]);
}

#[test]
fn another_secret_is_refused() {
    let pair = Pair::with(|_, b| b.secret = [8; 32]);
    pair.start_copy();
    let lost = pair.b.hears(|report| matches!(report, Report::ReceiveLost { why } if why.contains("key")));
    assert!(format!("{lost:?}").contains("another cluster key"), "{lost:?}");
}

#[test]
fn another_module_is_refused() {
    let pair = Pair::with(|_, b| b.module = "bakery".into());
    pair.start_copy();
    pair.b.hears(|report| matches!(report, Report::ReceiveLost { why } if why.contains("module shop")));
}

#[test]
fn another_generation_or_term_is_refused() {
    let pair = Pair::new();
    fs::write(pair.b.dir.join("mine"), "mine").unwrap();
    pair.a.rfs.gate(ALONE);
    pair.a.rfs.source(2, 7, 1);
    for (boot, generation, term) in [(2, 6, 1), (2, 7, 2), (3, 7, 1)] {
        pair.b.rfs.receive(boot, 1, generation, term, false);
        pair.b.hears(|report| matches!(report, Report::ReceiveLost { why } if why.contains("refuses")));
    }
    pair.b.rfs.receive_stop();
    assert_eq!(fs::read(pair.b.dir.join("mine")).unwrap(), b"mine");
}

#[test]
fn an_operation_of_another_term_is_not_applied() {
    let pair = Pair::new();
    pair.pair_up();
    pair.a.rfs.gate(Gate::Alone { generation: 7, term: 2 });
    fs::write(pair.a.dir.join("f"), "x").unwrap();
    pair.b.hears(|report| matches!(report, Report::ReceiveFailed { .. }));
    assert!(!pair.b.dir.join("f").exists());
}

#[test]
fn a_full_disk_at_the_receiver_is_not_the_applications_error() {
    let small = Disk::tmpfs("size=1m");
    let pair = Pair::with(|_, b| b.dirs = vec![small.path().to_owned()]);
    pair.pair_up();
    let writing = thread::spawn({
        let file = pair.a.dir.join("f");
        move || fs::write(file, vec![3; 4 << 20])
    });
    pair.b.hears(|report| matches!(report, Report::ReceiveFailed { why } if why.contains("No space")));
    pair.a.hears(|report| matches!(report, Report::SourceLost { why, .. } if why.contains("No space")));
    eventually("the application waits", || pair.a.rfs.stats().waiting > 0);
    pair.a.rfs.gate(ALONE);
    writing.join().unwrap().unwrap();
}

#[test]
fn what_still_fitted_on_a_full_disk_of_the_source_is_on_the_receiver_too() {
    let small = Disk::tmpfs("size=1m");
    let pair = Pair::with(|a, _| a.dirs = vec![small.path().to_owned()]);
    pair.pair_up();
    // No multiple of a page: the last write that finds room finds too little.
    let chunk: Vec<u8> = (0..150_000_u32).map(|n| n as u8).collect();
    let mut file = fs::File::create(small.path().join("f")).unwrap();
    while file.write_all(&chunk).is_ok() {}
    file.sync_all().unwrap();
    drop(file);
    let here = fs::read(small.path().join("f")).unwrap();
    assert!(here.len() > 800_000, "{}", here.len());
    assert!(here == fs::read(pair.b.dir.join("f")).unwrap(), "the copies differ");
}

#[test]
fn an_acknowledgement_that_was_lost_with_the_connection_is_made_up_for_by_the_next() {
    let flow = Flow::new(1);
    let named = Expected { boot: 7, generation: 1, term: 1 };
    flow.expect(Some(named));
    flow.set_gate(ALONE);
    let hello = |session, applied| Hello { named, session, applied, wants: Vec::new(), held: Vec::new() };
    let first = flow.attach(hello(0, 0), None).unwrap();
    flow.set_gate(BOTH);
    let Entry::Pass(pass) = flow.enter() else { panic!("the gate is open") };
    let ticket = flow.append(|_, ops| ops.push(Op::Copied(FIRST)));
    let answered = Arc::new(AtomicBool::new(false));
    let answer = Arc::clone(&answered);
    flow.acknowledge(pass, ticket, Box::new(move |ok| answer.store(ok, Ordering::SeqCst)));
    assert!(!answered.load(Ordering::SeqCst));
    // The peer has applied it, and its answer did not come through.
    flow.lost(first.connection);
    let second = flow.attach(hello(first.session, first.base + 1), None).unwrap();
    assert!(answered.load(Ordering::SeqCst));
    assert_eq!(second.reports, [Report::Copied { boot: 7 }]);
}

#[test]
fn what_is_written_beside_a_copy_that_began_anew_waits_until_that_copy_is_whole() {
    let flow = Flow::new(1);
    flow.expect(Some(Expected { boot: 7, generation: 1, term: 1 }));
    flow.set_gate(ALONE);
    let begin = || {
        let named = Expected { boot: 7, generation: 1, term: 1 };
        flow.attach(Hello { named, session: 0, applied: 0, wants: Vec::new(), held: Vec::new() }, None)
            .unwrap()
    };
    let complete = |session, connection| {
        assert!(flow.append_copy(session, |_, ops| ops.push(Op::Copied(FIRST))));
        flow.applied(connection, flow.with_session(|session| session.last).unwrap())
    };
    let first = begin();
    assert_eq!(complete(first.session, first.connection), [Report::Copied { boot: 7 }]);
    // The receiver starts over before this node knows what to do about the copy that was complete.
    let second = begin();
    flow.set_gate(BOTH);
    assert_eq!(flow.drain(), None);
    let Entry::Pass(pass) = flow.enter() else { panic!("the gate is open") };
    // A change of a file that the new copy has not come to: nothing to send.
    let ticket = flow.append(|_, _| {});
    let answered = Arc::new(AtomicBool::new(false));
    let answer = Arc::clone(&answered);
    flow.acknowledge(pass, ticket, Box::new(move |ok| answer.store(ok, Ordering::SeqCst)));
    assert!(!answered.load(Ordering::SeqCst), "acknowledged, and not there");
    let reports = complete(second.session, second.connection);
    assert_eq!(reports, [Report::Copied { boot: 7 }, Report::Drained { boot: 7 }]);
    assert!(answered.load(Ordering::SeqCst));
}
