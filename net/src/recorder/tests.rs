//! Records as they are written and read back: real cores, real files.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc::Receiver,
};

use safetui_core::{Beat, Command, Echo, Record, Rules, Tick, Timing, Witness, rule::Book};

use super::{
    pack::{Before, get, put},
    *,
};
use crate::{agent::packet::longest, fuzz, paths::Paths};

const CONFIG: Config = Config {
    timing: Timing { period: 20, timeout: 300, guard: 100, gap: 30, delay: 5, late: 20, drift: 1, losses: 1 },
    witness: Witness::Router,
    failover: true,
    first: true,
    rules: Rules::ALL,
    book: Book::EMPTY,
};

fn head() -> Head {
    Head::new("n1", "am", CONFIG, Boot(7), Tick(1000))
}

fn journal(dir: &Path) -> Journal {
    let paths = Paths { etc: dir.into(), var: dir.into(), run: dir.into(), log: dir.join("log") };
    Journal::open(&paths, "n1")
}

/// A core that is recorded, as a driver does it.
struct Scene {
    core: Mirror<HISTORY>,
    recorder: Recorder,
    now: Tick,
    inputs: Vec<Input>,
}

impl Scene {
    fn new(dir: &Path) -> Self {
        let core = Mirror::new(Tick(1000), Boot(7), 42, Record::default());
        let recorder = Recorder::start(&dir.join("flight"), 32 << 20, head(), &core, &journal(dir));
        Self { core, recorder, now: Tick(1000), inputs: Vec::new() }
    }

    /// With a writer that writes when it is told to.
    fn by_hand(dir: &Path, size: u64) -> (Self, Writer, Receiver<Note>) {
        let core = Mirror::new(Tick(1000), Boot(7), 42, Record::default());
        let (notes, taken) = sync_channel(BUFFER);
        let wanted = Arc::new(AtomicBool::new(false));
        let ring = Ring::new(&dir.join("flight"), size);
        let writer = Writer::new(ring, head(), wanted.clone(), journal(dir));
        let nobody = thread::spawn(|| {});
        let mut recorder = Recorder { notes, writer: nobody, next: 0, since: 0, whole: false, wanted };
        recorder.whole = recorder.copy(Tick(1000), &core);
        (Self { core, recorder, now: Tick(1000), inputs: Vec::new() }, writer, taken)
    }

    fn at(&mut self, after: u64, event: Event) {
        self.now = self.now.plus(after);
        let mut out = Actions::default();
        self.core.handle(&CONFIG, self.now, event, &mut out);
        let orders = digest(self.inputs.len() as u64, &out, &self.core);
        self.recorder.note(self.now, event, &out, &self.core);
        self.inputs.push(Input { now: self.now, event, orders });
    }

    /// What a second of a pair comes to.
    fn second(&mut self) {
        for _ in 0..50 {
            self.at(7, Event::Answered { asked: Tick(self.now.0 + 6) });
            let echo = Some(Echo { boot: Boot(7), sent: self.now });
            let beat =
                Beat { boot: Boot(8), sent: Tick(self.now.0 * 2), nth: 0, echo, proof: 21, ..longest() };
            self.at(3, Event::Heard(beat));
            self.at(10, Event::Woke);
        }
    }

    fn end(self) -> Vec<Input> {
        self.recorder.close(self.now, &self.core).join().unwrap();
        self.inputs
    }
}

fn read(dir: &Path) -> Vec<Item> {
    Reader::open(&dir.join("flight")).unwrap().collect::<Result<_, _>>().unwrap()
}

fn inputs(items: &[Item]) -> Vec<Input> {
    items.iter().filter_map(|item| if let Item::Input(input) = item { Some(*input) } else { None }).collect()
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    ring::segments(&dir.join("flight")).unwrap().into_iter().map(|(_, path)| path).collect()
}

#[test]
fn what_a_core_was_given_comes_back_to_the_last_bit() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(dir.path());
    scene.at(5, Event::Ordered(Command::Prim));
    (0..5).for_each(|_| scene.second());
    let given = scene.end();
    let items = read(dir.path());
    assert_eq!(items[0], Item::Head(Box::new(head())));
    let Item::Core(core) = &items[1] else { panic!("{items:?}") };
    assert_eq!((core.seq, core.core.boot()), (0, Boot(7)));
    assert_eq!(inputs(&items), given);
    assert_eq!(items.last(), Some(&Item::Closed));
    // Some ten bytes for a heartbeat, less for the rest.
    let size = segments(dir.path())[0].metadata().unwrap().len();
    assert!(size < 7 * given.len() as u64, "{size} bytes for {} inputs", given.len());
}

#[test]
fn a_ring_keeps_its_size_and_every_segment_begins_with_the_core() {
    let dir = tempfile::tempdir().unwrap();
    let size = 64 << 10;
    let (mut scene, mut writer, notes) = Scene::by_hand(dir.path(), size);
    for _ in 0..300 {
        scene.second();
        assert!(writer.turn(&notes));
        let files = segments(dir.path());
        assert!(files.iter().map(|file| file.metadata().unwrap().len()).sum::<u64>() <= size);
    }
    scene.end();
    assert!(!writer.turn(&notes));
    let files = segments(dir.path());
    assert!(files.len() >= 5 && !files[0].ends_with("0000000000.flight"), "{files:?}");
    for file in files {
        let read: Vec<_> =
            Reader::bytes(fs::read(file).unwrap(), false).take(2).map(Result::unwrap).collect();
        assert!(matches!(read[..], [Item::Head(_), Item::Core(_)]), "{read:?}");
    }
}

#[test]
fn what_cannot_be_written_is_a_gap_and_then_it_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (mut scene, mut writer, notes) = Scene::by_hand(dir.path(), 32 << 20);
    // A file where the folder should be.
    fs::write(dir.path().join("flight"), "").unwrap();
    scene.second();
    writer.turn(&notes);
    fs::remove_file(dir.path().join("flight")).unwrap();
    (0..3).for_each(|_| scene.second());
    writer.turn(&notes);
    let given = scene.end();
    writer.turn(&notes);
    let items = read(dir.path());
    let Item::Core(core) = &items[1] else { panic!("{items:?}") };
    assert_eq!(core.seq, 151, "the input at which the writer asked for the core");
    assert_eq!(inputs(&items), given[151..]);
}

#[test]
fn a_torn_tail_is_left_out_and_said() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(dir.path());
    scene.second();
    let given = scene.end();
    let file = &segments(dir.path())[0];
    let bytes = fs::read(file).unwrap();
    let whole = read(dir.path()).len();
    for cut in 0..bytes.len() {
        fs::write(file, &bytes[..cut]).unwrap();
        let items = read(dir.path());
        assert!(items.len() <= whole);
        let kept = inputs(&items);
        assert!(given.starts_with(&kept), "cut at {cut}");
        fs::write(file, [&bytes[..cut], &[0; 64]].concat()).unwrap();
        // What was cut off may have been zeros.
        assert!(given.starts_with(&inputs(&read(dir.path()))), "zeros from {cut} on");
    }
    fs::write(file, &bytes[..bytes.len() - 1]).unwrap();
    assert!(matches!(read(dir.path()).last(), Some(Item::Torn { .. })));
}

#[test]
fn a_changed_byte_before_the_end_is_damage_and_never_something_else() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(dir.path());
    scene.second();
    scene.end();
    let bytes = fs::read(&segments(dir.path())[0]).unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x40;
        let read: Result<Vec<_>, _> = Reader::bytes(changed, false).collect();
        match read {
            Err(_) => {}
            Ok(items) => assert!(matches!(items.last(), Some(Item::Torn { .. })), "byte {at}"),
        }
    }
}

#[test]
fn what_does_not_fit_the_buffer_is_missed_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let (mut scene, mut writer, notes) = Scene::by_hand(dir.path(), 32 << 20);
    for _ in 0..2 {
        // The writer's turn comes when twice as much was said as it can be behind; a second has 150 inputs.
        (0..2 * BUFFER / 150).for_each(|_| scene.second());
        writer.turn(&notes);
    }
    scene.second();
    let given = scene.end();
    writer.turn(&notes);
    let items = read(dir.path());
    let (mut next, mut lost) = (0, 0);
    for item in &items {
        match item {
            Item::Core(core) => {
                lost += core.seq - next;
                next = core.seq;
            }
            Item::Input(input) => {
                assert_eq!(*input, given[next as usize]);
                next += 1;
            }
            _ => {}
        }
    }
    assert!(lost > 0, "nothing was missed");
    assert_eq!(inputs(&items).len() as u64 + lost, next);
}

#[test]
fn an_export_is_whole_and_begins_before_what_was_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let (mut scene, mut writer, notes) = Scene::by_hand(dir.path(), 64 << 10);
    for _ in 0..100 {
        scene.second();
        writer.turn(&notes);
    }
    scene.end();
    writer.turn(&notes);
    let all = read(dir.path());
    let cores: Vec<_> =
        all.iter().filter_map(|item| if let Item::Core(core) = item { Some(core) } else { None }).collect();
    let ring = dir.path().join("flight");
    for (wall, first) in [(0, cores[0]), (u64::MAX, cores[cores.len() - 1])] {
        let file = dir.path().join(format!("{wall}.rec"));
        let exported = export(&ring, wall, &file).unwrap();
        let items: Vec<_> = Reader::open(&file).unwrap().map(Result::unwrap).collect();
        assert!(matches!(&items[..2], [Item::Head(_), Item::Core(core)] if core == first));
        let given = inputs(&items);
        assert_eq!(given.len() as u64, exported.inputs);
        assert!(inputs(&all).ends_with(&given) && items.last() == Some(&Item::Closed));
        assert!(matches!(export(&ring, wall, &file), Err(ExportError::Write(_))), "it is overwritten");
        let bytes = fs::read(&file).unwrap();
        for cut in [0, 4, 8, 100, bytes.len() - 1] {
            let read: Result<Vec<_>, _> = Reader::bytes(bytes[..cut].to_vec(), true).collect();
            let error = read.unwrap_err();
            let expected = if cut == 0 { "is not a flight record" } else { "is cut off" };
            assert!(error.to_string().contains(expected), "{cut}: {error}");
        }
    }
}

#[test]
fn what_is_no_record_is_told_from_one_of_another_version() {
    let why = |bytes: &[u8]| Reader::bytes(bytes.to_vec(), true).next().unwrap().unwrap_err().to_string();
    assert!(why(b"<?xml version=\"1.0\"?>").contains("is not a flight record"));
    assert!(why(b"safe\xF1tr\x02 and more").contains("has layout 2"));
    let mut tape = Tape::default();
    let foreign = Head { sources: "0123456789abcdef".into(), ..head() };
    tape.add(&Item::Head(Box::new(foreign)));
    let mut bytes = tape.end();
    bytes.truncate(bytes.len() - 9);
    frame::append(&mut bytes, frame::Kind::Core, &[0xff; 40]);
    let last = Reader::bytes(bytes, true).last().unwrap().unwrap_err();
    assert!(matches!(last, Unreadable::OtherCore { .. }), "{last}");
}

/// A file of two lives, the second one not ended.
fn exported() -> Vec<u8> {
    let mut core = Mirror::<HISTORY>::new(Tick(1000), Boot(7), 42, Record::default());
    let mut tape = Tape::default();
    for life in 0..2 {
        tape.add(&Item::Head(Box::new(head())));
        tape.add(&Item::Core(Box::new(Snapshot { seq: life, now: Tick(1000), wall: 5, core })));
        for event in
            [Event::Ordered(Command::Prim), Event::Heard(longest()), Event::Heard(longest()), Event::Woke]
        {
            let mut out = Actions::default();
            core.handle(&CONFIG, Tick(1010), event, &mut out);
            tape.add(&Item::Input(Input { now: Tick(1010), event, orders: digest(life, &out, &core) }));
        }
        if life == 0 {
            tape.add(&Item::Closed);
        }
    }
    tape.end()
}

fuzz::target!(any_bytes_are_a_record_to_the_end_or_an_error, [exported()], |bytes| {
    let whole = exported();
    let written: Vec<Item> = Reader::bytes(whole.clone(), true).collect::<Result<_, _>>().unwrap();
    for complete in [true, false] {
        let read: Vec<_> = Reader::bytes(bytes.to_vec(), complete).collect();
        let told = |item: &Item| matches!(item, Item::Torn { .. }) || written.contains(item);
        assert!(read.iter().flatten().all(told), "damage was taken for another record");
        let ended = read.iter().all(Result::is_ok);
        assert!(!complete || !ended || bytes.ends_with(&whole[whole.len() - 9..]), "the end is missing");
    }
});

fuzz::target!(
    any_bytes_are_inputs_or_an_error,
    {
        let beat = Beat { echo: Some(Echo { boot: Boot(7), sent: Tick(9) }), ..longest() };
        let events = [Event::Heard(beat), Event::Heard(Beat { nth: 3, ..beat }), Event::Woke];
        let (mut before, mut bytes) = (Before::new(Tick(1000)), Vec::new());
        for (at, event) in events.into_iter().enumerate() {
            before.pack(&Input { now: Tick(1001 + at as u64), event, orders: at as u32 }, &mut bytes);
        }
        [bytes]
    },
    |mut bytes| {
        let mut before = Before::new(Tick(1000));
        loop {
            let (mut same, mut again) = (before, Vec::new());
            let Ok(input) = before.unpack(&mut bytes) else { break };
            same.clone().pack(&input, &mut again);
            assert_eq!(same.unpack(&mut again.as_slice()).unwrap(), input);
        }
    }
);

fuzz::target!(
    any_bytes_are_a_core_or_an_error,
    {
        let core = Mirror::new(Tick(1000), Boot(7), 42, Record::default());
        let mut bytes = Vec::new();
        put(&mut bytes, &Snapshot { seq: 1, now: Tick(1000), wall: 5, core });
        [bytes]
    },
    |mut bytes| {
        if let Ok(snapshot) = get::<Snapshot>(&mut bytes) {
            let mut again = Vec::new();
            put(&mut again, &snapshot);
            assert_eq!(get::<Snapshot>(&mut again.as_slice()).unwrap(), snapshot);
        }
    }
);
