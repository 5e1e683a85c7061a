//! The ledger on real files, and a server that is asked over real sockets.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    net::{Ipv4Addr, UdpSocket},
    path::Path,
    sync::{Arc, Mutex, mpsc},
    thread,
};

use super::{
    entry::{self, ENTRY, Grant},
    ledger::{Damage, Judgement, Ledger, LedgerError},
    *,
};
use crate::{
    fuzz,
    heartbeat::hosts::eventually,
    store::tests::Disk,
    wire::{ARBITER, ClusterKey, Opener, Sealer},
};

const ONE: [u8; 8] = *b"cluster1";
const TWO: [u8; 8] = *b"cluster2";

fn claim(module: u64, generation: u64) -> Claim {
    Claim { module, generation }
}

fn open(dir: &Path) -> Ledger {
    Ledger::open(dir).unwrap()
}

/// Adds to the file what an interrupted writing may leave there.
fn append(dir: &Path, bytes: &[u8]) {
    OpenOptions::new().append(true).open(dir.join("ledger")).unwrap().write_all(bytes).unwrap();
}

#[test]
fn each_generation_goes_to_the_first_node_and_stays_there() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = open(dir.path());
    assert_eq!(ledger.judge(ONE, claim(7, 1), 0).unwrap(), Judgement::Granted);
    assert_eq!(ledger.judge(ONE, claim(7, 1), 0).unwrap(), Judgement::GrantedBefore);
    assert_eq!(ledger.judge(ONE, claim(7, 1), 1).unwrap(), Judgement::DeniedFor(0));
    // Another generation, module or cluster is another question.
    assert_eq!(ledger.judge(ONE, claim(7, 2), 1).unwrap(), Judgement::Granted);
    assert_eq!(ledger.judge(ONE, claim(8, 1), 1).unwrap(), Judgement::Granted);
    assert_eq!(ledger.judge(TWO, claim(7, 1), 1).unwrap(), Judgement::Granted);
    assert_eq!(ledger.judge(ONE, claim(7, 1), 1).unwrap(), Judgement::DeniedFor(0));
}

#[test]
fn what_was_granted_is_known_after_a_restart_whether_it_was_answered_or_not() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = open(dir.path());
    let name = ledger.name();
    ledger.judge(ONE, claim(7, 1), 1).unwrap();
    ledger.judge(ONE, claim(7, 2), 0).unwrap();
    drop(ledger);
    let mut ledger = open(dir.path());
    assert_eq!((ledger.name(), ledger.grants()), (name, 2));
    assert_eq!(ledger.judge(ONE, claim(7, 1), 0).unwrap(), Judgement::DeniedFor(1));
    assert_eq!(ledger.judge(ONE, claim(7, 1), 1).unwrap(), Judgement::GrantedBefore);
    assert_eq!(ledger.judge(ONE, claim(7, 2), 0).unwrap(), Judgement::GrantedBefore);
}

#[test]
fn a_torn_grant_was_never_answered_and_anybody_may_have_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let mut ledger = open(dir.path());
    ledger.judge(ONE, claim(7, 1), 0).unwrap();
    let before = fs::read(&path).unwrap();
    ledger.judge(ONE, claim(7, 2), 0).unwrap();
    let after = fs::read(&path).unwrap();
    drop(ledger);
    for kept in 1..ENTRY {
        let torn = &after[before.len()..before.len() + kept];
        // The rest of the entry is missing, or was reserved and never written.
        for rest in [vec![], vec![0; ENTRY - kept]] {
            fs::write(&path, &before).unwrap();
            append(dir.path(), &[torn, &rest].concat());
            let mut ledger = open(dir.path());
            assert_eq!(fs::read(&path).unwrap(), before, "the torn end is cut");
            assert_eq!(ledger.judge(ONE, claim(7, 1), 1).unwrap(), Judgement::DeniedFor(0));
            assert_eq!(ledger.judge(ONE, claim(7, 2), 1).unwrap(), Judgement::Granted);
            assert_eq!(open(dir.path()).judge(ONE, claim(7, 2), 0).unwrap(), Judgement::DeniedFor(1));
        }
    }
}

#[test]
fn damage_before_the_end_is_not_taken_for_a_torn_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let mut ledger = open(dir.path());
    (1..=3).for_each(|generation| _ = ledger.judge(ONE, claim(7, generation), 0).unwrap());
    let whole = fs::read(&path).unwrap();
    let damaged = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = whole.clone();
        change(&mut bytes);
        fs::write(&path, &bytes).unwrap();
        let Err(LedgerError::Damaged { damage, .. }) = Ledger::open(dir.path()) else { panic!("it opened") };
        assert_eq!(fs::read(&path).unwrap(), bytes, "something was changed");
        damage
    };
    assert_eq!(damaged(&|bytes| bytes[0] ^= 1), Damage::Head);
    assert_eq!(damaged(&Vec::clear), Damage::Head);
    assert_eq!(damaged(&|bytes| bytes[ENTRY + 20] ^= 1), Damage::Entry(1));
    assert_eq!(damaged(&|bytes| bytes[2 * ENTRY + 60] ^= 1), Damage::Entry(2));
    assert_eq!(damaged(&|bytes| bytes.copy_within(ENTRY..2 * ENTRY, 2 * ENTRY)), Damage::Entry(2));
}

#[test]
fn a_long_ledger_is_written_anew_without_what_nobody_can_ask_for() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = open(dir.path());
    let name = ledger.name();
    ledger.judge(ONE, claim(1, 1), 0).unwrap();
    let mut longest = 0;
    for generation in 0..700 {
        ledger.judge(ONE, claim(2, generation), (generation % 2) as u8).unwrap();
        ledger.tidy().unwrap();
        longest = fs::metadata(dir.path().join("ledger")).unwrap().len().max(longest);
    }
    assert!(longest <= 400 * ENTRY as u64, "{longest}");
    for mut ledger in [ledger, open(dir.path())] {
        assert_eq!((ledger.name(), ledger.grants()), (name, 65));
        assert_eq!(ledger.judge(ONE, claim(1, 1), 1).unwrap(), Judgement::DeniedFor(0));
        for generation in 640..700 {
            let owner = (generation % 2) as u8;
            assert_eq!(
                ledger.judge(ONE, claim(2, generation), 1 - owner).unwrap(),
                Judgement::DeniedFor(owner)
            );
        }
    }
}

#[test]
fn a_full_disk_grants_nothing_until_there_is_room_again() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::of_bytes(folder.path(), 64 * 1024);
    let dir = &disk.dir;
    let mut ledger = open(dir);
    disk.fill();
    // What the last page of the file has room for can still be granted.
    let mut generation = 0;
    let refused = loop {
        match ledger.judge(ONE, claim(7, generation), 0) {
            Ok(judgement) => assert_eq!(judgement, Judgement::Granted),
            Err(error) => break error,
        }
        generation += 1;
        assert!(generation < 200, "the disk is not full");
    };
    assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
    assert_eq!(ledger.grants() as u64, generation);
    ledger.judge(ONE, claim(7, generation), 1).unwrap_err();
    assert_eq!(ledger.judge(ONE, claim(7, 0), 1).unwrap(), Judgement::DeniedFor(0), "what is known is said");
    fs::remove_file(dir.join("filler")).unwrap();
    assert_eq!(ledger.judge(ONE, claim(7, generation), 1).unwrap(), Judgement::Granted);
    assert_eq!(open(dir).judge(ONE, claim(7, generation), 0).unwrap(), Judgement::DeniedFor(1));
}

/// A server on a thread of its own, in a directory of its own.
struct Site {
    dir: tempfile::TempDir,
    key: ClusterKey,
    server: std::net::SocketAddr,
    said: Arc<Mutex<Vec<String>>>,
}

fn setup(dir: &Path) -> Setup {
    Setup { listen: (Ipv4Addr::LOCALHOST, 0).into(), state: dir.join("state"), keys: vec![dir.join("key")] }
}

fn site() -> Site {
    let dir = tempfile::tempdir().unwrap();
    let key = ClusterKey::generate();
    key.save(&dir.path().join("key")).unwrap();
    let server = Server::open(&setup(dir.path())).unwrap();
    let said: Arc<Mutex<Vec<String>>> = Arc::default();
    let (address, log) = (server.address(), said.clone());
    thread::spawn(move || server.run(&mut |line| log.lock().unwrap().push(line.into())).map(drop));
    Site { dir, key, server: address, said }
}

impl Site {
    /// Node `me` of the cluster `name`, which has this key.
    fn node(&self, key: &ClusterKey, name: &str, me: u8) -> Inquirer {
        let sealer = Arc::new(Sealer::new(key, name, me, 1));
        Inquirer::open(self.server, &Asker { key: key.clone(), cluster: name.into(), me, sealer }).unwrap()
    }

    fn says(&self, text: &str) {
        eventually(text, || self.said.lock().unwrap().iter().any(|line| line.contains(text)));
    }
}

/// The next thing that is heard.
fn heard(node: &mut Inquirer) -> Heard {
    let mut all = Vec::new();
    eventually("an answer", || {
        node.drain(|heard| all.push(heard));
        !all.is_empty()
    });
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// The ledger that the arbiter says that it keeps.
fn ledger(node: &mut Inquirer) -> u64 {
    node.ping();
    let Heard::Here { ledger, .. } = heard(node) else { panic!("it is not there") };
    ledger
}

fn asks(node: &mut Inquirer, claim: Claim) -> Heard {
    let ledger = ledger(node);
    node.claim(claim, ledger);
    heard(node)
}

#[test]
fn one_node_is_granted_and_the_other_denied_however_often_they_ask() {
    let site = site();
    let (mut a, mut b) = (site.node(&site.key, "lab", 0), site.node(&site.key, "lab", 1));
    for _ in 0..3 {
        assert_eq!(asks(&mut b, claim(7, 1)), Heard::Granted(claim(7, 1)));
        assert_eq!(asks(&mut a, claim(7, 1)), Heard::Denied(claim(7, 1)));
    }
    a.ping();
    let Heard::Here { asked_ms, rtt_us, .. } = heard(&mut a) else { panic!("it is there") };
    assert!(asked_ms > 0 && rtt_us < 60_000_000);
    site.says("granted to node 1: generation 0000000000000001");
    site.says("denied to node 0, node 1 has it");
    // A cluster of another name with the same key is another cluster.
    let mut other = site.node(&site.key, "other", 0);
    assert_eq!(asks(&mut other, claim(7, 1)), Heard::Granted(claim(7, 1)));
}

#[test]
fn strangers_are_not_answered_and_not_believed() {
    let site = site();
    let stranger = site.node(&ClusterKey::generate(), "lab", 0);
    stranger.claim(claim(7, 1), 0);
    site.says("asks with a cluster key that this server does not have");
    let mut node = site.node(&site.key, "lab", 1);
    assert_eq!(asks(&mut node, claim(7, 1)), Heard::Granted(claim(7, 1)), "the stranger got nothing");

    // Somebody without the key, then a node of the cluster, speak in the arbiter's place.
    let to = (Ipv4Addr::LOCALHOST, node.local_port());
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let forger = Sealer::new(&ClusterKey::generate(), "lab", ARBITER, 1);
    let peer = Sealer::new(&site.key, "lab", 0, 1);
    for sealer in [forger, peer] {
        let answer =
            Answer { echo: Echo { run: 0, asked_us: 0 }, ledger: 0, said: Said::Granted(claim(7, 2)) };
        socket.send_to(&sealer.seal(ANSWER, 1, &answer.encode()), to).unwrap();
        assert!(matches!(heard(&mut node), Heard::Odd(_)));
    }
    let mut answers = Vec::new();
    node.drain(|heard| answers.push(heard));
    assert_eq!(answers, []);
}

#[test]
fn a_recorded_question_and_a_recorded_answer_change_nothing() {
    let site = site();
    let sealer = Sealer::new(&site.key, "lab", 0, 1);
    let opener = Opener::new(&site.key, "lab", 0);
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let question = Question { echo: Echo { run: 5, asked_us: 6 }, ledger: None, claim: Some(claim(7, 1)) };
    let recorded = sealer.seal(QUESTION, ARBITER, &question.encode());
    let mut other = site.node(&site.key, "lab", 1);
    assert_eq!(asks(&mut other, claim(7, 1)), Heard::Granted(claim(7, 1)));
    let mut buffer = [0; 2048];
    for _ in 0..2 {
        socket.send_to(&recorded, site.server).unwrap();
        let length = socket.recv(&mut buffer).unwrap();
        let packet = opener.open_repeatedly(&buffer[..length]).unwrap();
        let answer = Answer::decode(&packet.payload).unwrap();
        assert_eq!((answer.echo, answer.said), (question.echo, Said::Denied(claim(7, 1))));
    }
    // The answer was to another run of the agent.
    let mut node = site.node(&site.key, "lab", 0);
    let length = socket.send_to(&recorded, site.server).and_then(|_| socket.recv(&mut buffer)).unwrap();
    socket.send_to(&buffer[..length], (Ipv4Addr::LOCALHOST, node.local_port())).unwrap();
    node.ping();
    assert!(matches!(heard(&mut node), Heard::Here { .. }), "and nothing else");
}

#[test]
fn an_arbiter_that_has_forgotten_does_not_say_who_may_go_on() {
    let mut site = site();
    let mut node = site.node(&site.key, "lab", 0);
    let known = ledger(&mut node);
    assert_eq!(asks(&mut node, claim(7, 1)), Heard::Granted(claim(7, 1)));
    // Another directory, another ledger; the node asks there now.
    let state = site.dir.path().join("new");
    let server = Server::open(&Setup { state, ..setup(site.dir.path()) }).unwrap();
    site.server = server.address();
    let said = site.said.clone();
    thread::spawn(move || server.run(&mut |line| said.lock().unwrap().push(line.into())).map(drop));
    node.send_elsewhere(site.server);
    node.claim(claim(7, 1), known);
    let Heard::Odd(text) = heard(&mut node) else { panic!("its word counts") };
    assert!(text.contains("has forgotten"), "{text}");
    site.says("asks for the word of another ledger");
    assert_ne!(ledger(&mut node), known);
    // A pair that was made since has another generation, and knows the ledger.
    assert_eq!(asks(&mut node, claim(7, 2)), Heard::Granted(claim(7, 2)));
}

#[test]
fn several_clusters_have_one_arbiter() {
    let dir = tempfile::tempdir().unwrap();
    let keys = [ClusterKey::generate(), ClusterKey::generate()];
    let files = ["one", "two"].map(|name| dir.path().join(name));
    keys.iter().zip(&files).for_each(|(key, file)| key.save(file).unwrap());
    let server = Server::open(&Setup { keys: files.into(), ..setup(dir.path()) }).unwrap();
    let (address, (say, log)) = (server.address(), mpsc::channel::<String>());
    thread::spawn(move || server.run(&mut |line| _ = say.send(line.into())).map(drop));
    let site = Site { dir, key: keys[0].clone(), server: address, said: Arc::default() };
    for key in &keys {
        let mut node = site.node(key, "lab", 0);
        assert_eq!(asks(&mut node, claim(7, 1)), Heard::Granted(claim(7, 1)));
    }
    assert_eq!(log.iter().take(2).filter(|line| line.starts_with("granted")).count(), 2);
}

#[test]
fn what_is_wrong_at_the_start_is_said() {
    let site = site();
    let fails = |setup: Setup| Server::open(&setup).err().unwrap();
    let right = || setup(site.dir.path());
    let second = fails(right());
    assert!(matches!(&second, ServeError::Second(dir) if dir.ends_with("state")), "{second}");
    let missing = fails(Setup { keys: vec![site.dir.path().join("nowhere")], ..right() });
    assert!(matches!(missing, ServeError::Key(_)), "{missing}");
    let taken = fails(Setup { listen: site.server, state: site.dir.path().join("b"), ..right() });
    assert!(matches!(taken, ServeError::Listen { .. }), "{taken}");
    assert!(!site.dir.path().join("b").exists(), "nothing was changed");
    let unwritable = fails(Setup { state: site.dir.path().join("key/below"), ..right() });
    assert!(matches!(unwritable, ServeError::State { .. }), "{unwritable}");
    let state = site.dir.path().join("damaged");
    fs::create_dir(&state).unwrap();
    fs::write(state.join("ledger"), "not a ledger").unwrap();
    let damaged = fails(Setup { state, ..right() });
    assert!(matches!(damaged, ServeError::Ledger(LedgerError::Damaged { .. })), "{damaged}");
}

/// The longest ones.
fn messages() -> (Question, Answer) {
    let (echo, claim) = (Echo { run: u64::MAX, asked_us: u64::MAX }, claim(u64::MAX, u64::MAX));
    let question = Question { echo, ledger: Some(u64::MAX), claim: Some(claim) };
    (question, Answer { echo, ledger: u64::MAX, said: Said::OtherLedger(claim) })
}

fuzz::target!(any_bytes_are_a_question_or_nothing, [messages().0.encode()], |bytes| {
    if let Some(question) = Question::decode(bytes) {
        assert_eq!(Question::decode(&question.encode()), Some(question));
    }
});

fuzz::target!(any_bytes_are_an_answer_or_nothing, [messages().1.encode()], |bytes| {
    if let Some(answer) = Answer::decode(bytes) {
        assert_eq!(Answer::decode(&answer.encode()), Some(answer));
    }
});

const GRANT: Grant = Grant { cluster: ONE, claim: Claim { module: u64::MAX, generation: 7 }, node: 1 };

fuzz::target!(any_bytes_are_an_entry_or_nothing, [entry::head(5), GRANT.encode(5, 1)], |bytes| {
    if let Some(name) = entry::read_head(bytes) {
        assert_eq!(entry::head(name), bytes[..ENTRY]);
    }
    if let Some(grant) = Grant::decode(5, 1, bytes) {
        assert_eq!(grant.encode(5, 1), bytes[..ENTRY]);
    }
});

#[test]
fn an_entry_counts_in_its_ledger_and_at_its_place() {
    let bytes = GRANT.encode(5, 1);
    assert_eq!(Grant::decode(5, 1, &bytes), Some(GRANT));
    assert_eq!([Grant::decode(6, 1, &bytes), Grant::decode(5, 2, &bytes)], [None; 2]);
    (0..ENTRY).for_each(|len| assert_eq!(Grant::decode(5, 1, &bytes[..len]), None));
    assert_eq!(entry::read_head(&entry::head(5)), Some(5));
}

#[test]
fn half_a_message_is_nothing() {
    let (question, answer) = messages();
    let (asked, answered) = (question.encode(), answer.encode());
    assert_eq!((Question::decode(&asked), Answer::decode(&answered)), (Some(question), Some(answer)));
    (0..asked.len()).for_each(|len| assert_eq!(Question::decode(&asked[..len]), None));
    (0..answered.len()).for_each(|len| assert_eq!(Answer::decode(&answered[..len]), None));
}
