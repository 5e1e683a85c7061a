//! Only what was changed is compared, after whatever has happened.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::copy::disturb;
use super::disk::Disk;
use super::{ALONE, BOTH, Node, Settings, eventually, free_address, settings, tree};
use crate::rfs::backing::Fid;
use crate::rfs::session::Session;
use crate::rfs::zones::ZONE;
use crate::rfs::{Progress, Report};

const MIB: u64 = 1 << 20;

/// One machine: its disk with all that it keeps, and what runs on it.
struct Machine {
    disk: Disk,
    settings: Settings,
    node: Option<Node>,
    boot: u32,
    is_off: bool,
}

impl Machine {
    fn pair(size: &str) -> [Self; 2] {
        let addresses = [free_address(), free_address()];
        [("a", "b", 0), ("b", "a", 1)].map(|(me, peer, at)| {
            let disk = Disk::ext4(size);
            let settings = Settings {
                epoch: Duration::from_millis(100),
                ..settings(disk.path(), me, peer, addresses[at], addresses[1 - at])
            };
            let node = Some(Node::new(settings.clone()));
            Self { disk, settings, node, boot: 1, is_off: false }
        })
    }

    fn node(&self) -> &Node {
        self.node.as_ref().expect("it runs")
    }

    fn dir(&self) -> &Path {
        &self.settings.dirs[0]
    }

    /// The agent ends and begins again; all data are as they were.
    fn restart(&mut self) {
        self.node = None;
        self.boot += 1;
        self.node = Some(Node::new(self.settings.clone()));
    }

    /// What is not on the disk at this moment is lost. Whoever still writes finds that nothing works any more.
    fn lose_power(&mut self) {
        self.disk.lose_power();
        self.is_off = true;
    }

    fn switch_on(&mut self) {
        if std::mem::take(&mut self.is_off) {
            self.node = None;
            self.disk.mount_again();
        }
        self.restart();
    }

    /// Serves alone.
    fn serve(&self) {
        self.node().rfs.mount().unwrap();
        self.node().rfs.gate(ALONE);
    }

    fn idle(&mut self) {
        let node = self.node();
        node.rfs.receive_stop();
        node.rfs.source_stop();
        node.rfs.gate(super::Gate::Closed);
        node.unmount();
    }
}

/// Brings `to` level with `from`, which serves, and says what it took.
fn copy(from: &Machine, to: &Machine) -> Progress {
    from.node().rfs.source(to.boot, 7, 1);
    to.node().rfs.receive(to.boot, from.boot, 7, 1, false);
    from.node().hears(|report| *report == Report::Copied { boot: to.boot });
    from.node().rfs.stats().copy.unwrap()
}

/// Both hold the newest cut, and nothing has been changed since.
fn settled(from: &Machine, to: &Machine) {
    eventually("both hold the newest cut", || {
        let notes = [from, to].map(|machine| &machine.node().rfs.shared.notes);
        let held = notes.map(|notes| notes.held().first().copied());
        held[0].is_some() && held[0] == held[1] && notes.iter().all(|notes| !notes.has_changes())
    });
}

fn part(from: &Machine, to: &Machine) {
    to.node().rfs.receive_stop();
    from.node().rfs.source_stop();
    from.node().rfs.gate(ALONE);
}

fn write_at(path: &Path, offset: u64, content: &[u8]) {
    File::options().write(true).open(path).unwrap().write_all_at(content, offset).unwrap();
}

fn assert_equal(one: &Machine, other: &Machine) {
    let (one, other) = (tree(one.dir()), tree(other.dir()));
    let differing: Vec<_> = one.iter().zip(&other).filter(|(one, other)| one != other).collect();
    assert!(one == other, "{} and {} files; {differing:#?}", one.len(), other.len());
}

/// A pair that was equal, with a large file and some small ones.
fn level() -> [Machine; 2] {
    let [a, b] = Machine::pair("80m");
    fs::write(a.dir().join("large"), vec![1; 16 * MIB as usize]).unwrap();
    for number in 0..20 {
        fs::write(a.dir().join(format!("small{number}")), [number; 1000]).unwrap();
    }
    a.serve();
    let took = copy(&a, &b);
    assert!(took.total > 16 * MIB);
    a.node().rfs.gate(BOTH);
    settled(&a, &b);
    [a, b]
}

#[test]
fn after_a_parting_the_zones_that_were_written_are_compared() {
    let [a, b] = level();
    part(&a, &b);
    write_at(&a.dir().join("large"), 5 * MIB + 7, b"!");
    fs::write(a.dir().join("new"), vec![2; 3000]).unwrap();
    let took = copy(&a, &b);
    // The new file is compared as a whole, which the receiver asks for as well.
    assert_eq!((took.total, took.done), (ZONE + 3000, ZONE + 3000), "{took:?}");
    assert_equal(&a, &b);
}

#[test]
fn nothing_is_compared_when_nothing_was_written() {
    let [mut a, mut b] = level();
    part(&a, &b);
    a.idle();
    a.restart();
    b.restart();
    b.serve();
    let took = copy(&b, &a);
    assert_eq!((took.total, took.files), (0, 0), "the other way round");
    assert_equal(&a, &b);
}

#[test]
fn what_either_has_written_is_compared() {
    let [a, mut b] = level();
    part(&a, &b);
    write_at(&a.dir().join("large"), 3 * MIB, b"here");
    fs::rename(a.dir().join("small3"), a.dir().join("small4")).unwrap();
    b.serve();
    write_at(&b.dir().join("large"), 9 * MIB, b"there");
    fs::rename(b.dir().join("small7"), b.dir().join("small8")).unwrap();
    File::options().write(true).open(b.dir().join("small9")).unwrap().set_len(10).unwrap();
    // What was changed just before nobody watched any more might have been changed just after.
    eventually("the clock of the file system has moved on", || {
        let changed = fs::metadata(b.dir().join("large")).unwrap().ctime_nsec();
        fs::write(b.dir().join("clock"), "").unwrap();
        let now = fs::metadata(b.dir().join("clock")).unwrap().ctime_nsec();
        (now - changed).rem_euclid(1_000_000_000) > 50_000_000
    });
    b.idle();
    let took = copy(&a, &b);
    assert!((2 * ZONE..2 * ZONE + 20_000).contains(&took.total), "{took:?}");
    assert_equal(&a, &b);
}

#[test]
fn whatever_is_below_a_directory_that_was_moved_is_compared() {
    let [a, b] = level();
    for name in ["one", "other"] {
        fs::create_dir_all(a.dir().join(name).join("below")).unwrap();
        fs::write(a.dir().join(name).join("below/f"), name.repeat(1000)).unwrap();
        // The same size, so that nothing but the content tells them apart.
        fs::write(a.dir().join(name).join("below/g"), [name.len() as u8; 2000]).unwrap();
    }
    settled(&a, &b);
    part(&a, &b);
    fs::rename(a.dir().join("one"), a.dir().join("aside")).unwrap();
    fs::rename(a.dir().join("other"), a.dir().join("one")).unwrap();
    fs::rename(a.dir().join("aside"), a.dir().join("other")).unwrap();
    let took = copy(&a, &b);
    assert!(took.total < ZONE, "{took:?}");
    assert_equal(&a, &b);
}

#[test]
fn a_log_that_is_damaged_or_of_another_directory_is_not_believed() {
    let damage: [fn(&Machine); 3] = [
        |machine| write_at(&machine.settings.notes, 40, b"?"),
        |machine| {
            let dir = machine.dir();
            fs::rename(dir, dir.with_extension("old")).unwrap();
            fs::create_dir(dir).unwrap();
        },
        |machine| fs::remove_file(&machine.settings.notes).unwrap(),
    ];
    for damage in damage {
        let [a, mut b] = level();
        part(&a, &b);
        b.node = None;
        damage(&b);
        b.restart();
        let took = copy(&a, &b);
        assert!(took.total > 16 * MIB, "{took:?}");
        assert_equal(&a, &b);
    }
}

/// Writes to the tree in every way, and blocks of large files, until it is told to stop.
fn load(dir: &Path, seed: u64, stop: &Arc<AtomicBool>) -> Vec<JoinHandle<()>> {
    let spawn = |work: fn(&Path, u64, &AtomicBool)| {
        let (dir, stop) = (dir.to_owned(), Arc::clone(stop));
        thread::spawn(move || work(&dir, seed, &stop))
    };
    vec![spawn(disturb), spawn(write_blocks)]
}

fn write_blocks(dir: &Path, seed: u64, stop: &AtomicBool) {
    let mut state = seed | 1;
    while !stop.load(Ordering::SeqCst) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let path = dir.join(format!("blocks{}", state >> 62));
        let file = File::options().create(true).truncate(false).write(true).open(path);
        // Without power everything fails, and so it should.
        let _ = file.and_then(|file| {
            file.write_all_at(&state.to_le_bytes().repeat(512), (state >> 40) % (6 * MIB))?;
            if state.is_multiple_of(7) { file.sync_data() } else { Ok(()) }
        });
    }
}

/// Bytes of files that are not the same in the other tree under the same name.
fn differing(one: &Path, other: &Path) -> u64 {
    let mut sum = 0;
    let mut pending = vec![one.to_owned()];
    while let Some(path) = pending.pop() {
        let meta = path.symlink_metadata().unwrap();
        if meta.is_dir() {
            pending.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if meta.is_file() {
            let mut theirs = fs::read(other.join(path.strip_prefix(one).unwrap())).unwrap_or_default();
            let ours = fs::read(&path).unwrap();
            theirs.resize(ours.len(), 0);
            sum += ours.iter().zip(&theirs).filter(|(ours, theirs)| ours != theirs).count() as u64;
        }
    }
    sum
}

/// Power is lost on either machine or on both while everything is written to, the connection breaks, agents end, and
/// any of the two serves next, whatever it has.
#[test]
fn whatever_happens_the_copies_are_equal_again() {
    let [mut a, mut b] = Machine::pair("300m");
    for number in 0..4 {
        fs::create_dir(a.dir().join(format!("d{number}"))).unwrap();
    }
    fs::write(a.dir().join("still"), vec![1; 16 * MIB as usize]).unwrap();
    let mut spared = 0;
    for round in 0..16_u64 {
        let (from, to) = if round % 5 < 3 { (&mut a, &mut b) } else { (&mut b, &mut a) };
        let differing = differing(from.dir(), to.dir());
        from.serve();
        let took = copy(from, to);
        assert!(took.copied <= differing * 5 / 4 + took.files * ZONE, "{differing} bytes differed: {took:?}");
        assert_equal(from, to);
        // A file system may have given numbers near its own to new files, and after a crash nobody knows which.
        let still = Fid { tree: 0, ino: fs::metadata(from.dir().join("still")).unwrap().ino() };
        let session = |session: &mut Session| (session.since.is_some(), session.spares(still));
        let (partly, spares) = from.node().rfs.shared.flow.with_session(session).unwrap();
        assert!(partly || round == 0, "both have forgotten where they were equal");
        spared += u64::from(spares);
        from.node().rfs.gate(BOTH);
        let stop = Arc::new(AtomicBool::new(false));
        let loads = load(from.dir(), round, &stop);
        thread::sleep(Duration::from_millis(50 + 40 * (round % 7)));
        match round % 4 {
            0 => from.lose_power(),
            1 => to.lose_power(),
            2 => {
                part(from, to);
                thread::sleep(Duration::from_millis(100));
                if round % 8 == 2 {
                    from.lose_power();
                }
            }
            _ => {
                from.lose_power();
                to.lose_power();
            }
        }
        from.node().rfs.gate(ALONE);
        stop.store(true, Ordering::SeqCst);
        for load in loads {
            load.join().unwrap();
        }
        from.idle();
        to.idle();
        from.switch_on();
        to.switch_on();
    }
    assert!(spared >= 8, "what nobody has written to was compared in all rounds but {spared}");
}

#[test]
fn what_is_changed_while_nobody_watches_is_compared() {
    let [mut a, mut b] = level();
    part(&a, &b);
    a.idle();
    a.node = None;
    b.node = None;
    write_at(&a.dir().join("large"), 11 * MIB, b"behind our back");
    write_at(&b.dir().join("small5"), 0, b"here too");
    a.restart();
    b.restart();
    a.serve();
    let took = copy(&a, &b);
    assert_eq!(took.total, 16 * MIB + 1000, "both files, as a whole");
    assert_equal(&a, &b);
}
