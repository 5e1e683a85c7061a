//! Records of a real core: shown, exported, decided again; and what is no such record.

use std::{
    fs,
    path::{Path, PathBuf},
};

use safetui_core::{
    Action, Actions, Beat, Boot, Command, Config, Event, Input, Job, Mirror, Record, Rules, Tick, Timing,
    Witness, input::digest, rule::Book,
};
use safetui_net::{
    driver::record::HISTORY,
    journal::Journal,
    paths::Paths,
    recorder::{Head, Item, Reader, Recorder, Snapshot, Tape},
};

use crate::agent::Home;

const CONFIG: Config = Config {
    timing: Timing {
        period: 100,
        timeout: 1000,
        guard: 500,
        gap: 150,
        delay: 20,
        late: 50,
        drift: 2,
        losses: 1,
    },
    witness: Witness::None,
    failover: true,
    first: true,
    rules: Rules::ALL,
    book: Book::EMPTY,
};

/// A node whose module was forced to serve; its ring.
fn served() -> (Home, PathBuf) {
    let home = Home::new();
    let path = home.path();
    let paths = Paths { etc: path.into(), var: path.into(), run: path.into(), log: path.into() };
    fs::create_dir_all(paths.module("db").join("conf")).unwrap();
    fs::write(paths.module("db").join("conf/userconfig.xml"), "<safe/>").unwrap();
    let mut core = Mirror::<HISTORY>::new(Tick(5000), Boot(3), 42, Record::default());
    let head = Head::new("node1", "db", CONFIG, Boot(3), Tick(5000));
    let journal = Journal::open(&paths, "node1");
    let mut recorder = Recorder::start(&paths.flight("db"), 32 << 20, head, &core, &journal);
    let enter = |orders: &Actions<HISTORY>| {
        orders.iter().find_map(|order| match order {
            Action::Begin(job) => Some(job),
            _ => None,
        })
    };
    let mut job: Option<Job> = None;
    for (now, event) in [(5010, Some(Event::Ordered(Command::Prim))), (5050, None), (5100, Some(Event::Woke))]
        .into_iter()
        .chain([(5200, None)])
        .chain((0..20).map(|at| (5300 + 100 * at, Some(Event::Woke))))
    {
        let Some(event) = event.or_else(|| job.take().map(|job| Event::Done { job, ok: true })) else {
            continue;
        };
        let mut out = Actions::default();
        core.handle(&CONFIG, Tick(now), event, &mut out);
        recorder.note(Tick(now), event, &out, &core);
        job = enter(&out).or(job);
    }
    recorder.close(Tick(8000), &core).join().unwrap();
    (home, paths.flight("db"))
}

/// What a ring tells, changed, as an exported file.
fn forged(ring: &Path, name: &str, change: impl Fn(usize, &mut Item)) -> PathBuf {
    let mut tape = Tape::default();
    let mut inputs = 0;
    for item in Reader::open(ring).unwrap() {
        let mut item = item.unwrap();
        change(inputs, &mut item);
        inputs += usize::from(matches!(item, Item::Input(_)));
        tape.add(&item);
    }
    let file = ring.join(name);
    fs::write(&file, tape.end()).unwrap();
    file
}

#[test]
fn what_a_module_was_given_is_shown_with_what_it_ordered() {
    let (home, _) = served();
    let shown = home.run("record show");
    assert_eq!(shown.exit, 0, "{}", shown.all());
    let lines: Vec<&str> = shown.out.lines().collect();
    assert!(lines[0].starts_with("-- db on node1, boot 3, safetui "), "{}", shown.out);
    assert!(lines[1].contains("  #0  the operator orders prim  =>  "), "{}", shown.out);
    assert!(lines[1].contains("STOP -> WAIT: started; begin preparing"), "{}", shown.out);
    assert!(shown.out.contains("WAIT -> ALONE: forced by the operator"), "{}", shown.out);
    assert!(
        shown.out.contains("  #4  time passes  =>  send ALONE Ready serving, hears nobody"),
        "{}",
        shown.out
    );
    assert_eq!(lines.last(), Some(&"-- closed"));
    let json = home.run("record show --json");
    let first: serde_json::Value = serde_json::from_str(json.out.lines().next().unwrap()).unwrap();
    assert_eq!((first["seq"].as_u64(), first["node"].as_str()), (Some(0), Some("node1")));
    assert_eq!(first["event"]["Ordered"], "Prim");
    assert_eq!(first["recorded_equals_recomputed"], true);
}

#[test]
fn an_export_replays_as_it_was_recorded() {
    let (home, _) = served();
    let file = home.path().join("db.rec");
    let exported = home.run(&format!("record export -m db {} --since 10m", file.display()));
    assert_eq!(exported.exit, 0, "{}", exported.all());
    assert!(exported.out.contains("24 inputs"), "{}", exported.out);
    let checked = home.run(&format!("replay {} --check", file.display()));
    assert_eq!(checked.exit, 0, "{}", checked.all());
    assert!(checked.out.ends_with("recorded = recomputed: yes\n"), "{}", checked.out);
    let story = home.run(&format!("replay {}", file.display()));
    assert!(story.out.contains("WAIT -> ALONE") && story.out.contains("recomputed: yes"), "{}", story.out);
    assert!(!story.out.contains("time passes"), "{}", story.out);
    let again = home.run(&format!("record export -m db {}", file.display()));
    assert_eq!(again.exit, 1, "{}", again.all());
    assert!(again.err.contains("error[E0205]"), "{}", again.err);
}

#[test]
fn one_flipped_order_is_caught_and_its_step_is_named() {
    let (home, ring) = served();
    let file = forged(&ring, "flipped.rec", |at, item| {
        if let Item::Input(input) = item
            && at == 3
        {
            input.orders ^= 1;
        }
    });
    let checked = home.run(&format!("replay {} --check", file.display()));
    assert_eq!(checked.exit, 12, "{}", checked.all());
    assert!(checked.out.contains("recorded = recomputed: NO\n"), "{}", checked.out);
    assert!(checked.out.contains("first difference: node1 boot 3 #3\n"), "{}", checked.out);
    let json = home.run(&format!("replay {} --check --json", file.display()));
    let report: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(report["recorded_equals_recomputed"], false);
    assert_eq!(report["lives"][0]["difference"][0], 3);
    assert_eq!(home.run(&format!("record show {}", file.display())).exit, 12);
}

#[test]
fn a_core_that_is_not_what_it_came_to_is_caught() {
    let (home, ring) = served();
    let last = Reader::open(&ring).unwrap().filter(|item| matches!(item, Ok(Item::Input(_)))).count();
    let Some(Ok(Item::Core(first))) = Reader::open(&ring).unwrap().nth(1) else { panic!("no core") };
    // A copy of the first core where the last should be.
    let forged = forged(&ring, "core.rec", |at, item| {
        if at == last {
            *item = Item::Core(Box::new(Snapshot { seq: last as u64, ..*first.clone() }));
        }
    });
    let checked = home.run(&format!("replay {} --check", forged.display()));
    assert_eq!(checked.exit, 12, "{}", checked.all());
    assert!(checked.out.contains(&format!("boot 3 #{}\n", last - 1)), "{}", checked.out);
    assert!(checked.out.contains("the state of the core is not"), "{}", checked.out);
}

#[test]
fn a_flipped_byte_a_part_and_another_file_are_errors_that_say_so() {
    let (home, ring) = served();
    let whole = fs::read(forged(&ring, "whole.rec", |_, _| {})).unwrap();
    let file = home.path().join("db.rec");
    let fails = |bytes: &[u8], exit: i32, code: &str, why: &str| {
        fs::write(&file, bytes).unwrap();
        let checked = home.run(&format!("replay {} --check", file.display()));
        assert_eq!(checked.exit, exit, "{}", checked.all());
        assert!(checked.err.contains(&format!("error[{code}]")), "{}", checked.err);
        assert!(checked.err.contains(why), "{}", checked.err);
    };
    let mut flipped = whole.clone();
    flipped[60] ^= 1;
    fails(&flipped, 1, "E0212", "is damaged at byte");
    fails(&whole[..whole.len() / 2], 1, "E0212", "is cut off");
    fails(b"<safe/>", 1, "E0212", "is not a flight record");
    fails(b"", 1, "E0212", "is not a flight record");
    let gone = home.run("replay nowhere.rec --check");
    assert_eq!((gone.exit, gone.err.contains("error[E0204]")), (1, true), "{}", gone.err);
}

#[test]
fn a_module_without_a_record_says_so() {
    let home = Home::new();
    fs::create_dir_all(home.path().join("modules/db/conf")).unwrap();
    fs::write(home.path().join("modules/db/conf/userconfig.xml"), "<safe/>").unwrap();
    let shown = home.run("record show -m db");
    assert_eq!(shown.exit, 5, "{}", shown.all());
    assert!(shown.err.contains("error[E0211]"), "{}", shown.err);
}

/// A record of a node that was given `events`, and what it sent.
fn recorded(node: &str, boot: u32, events: &[(u64, Event)]) -> (Vec<u8>, Vec<Beat>) {
    let mut core = Mirror::<HISTORY>::new(Tick(5000), Boot(boot), 42, Record::default());
    let (mut tape, mut sent) = (Tape::default(), Vec::new());
    tape.add(&Item::Head(Box::new(Head::new(node, "db", CONFIG, Boot(boot), Tick(5000)))));
    tape.add(&Item::Core(Box::new(Snapshot::new(0, Tick(5000), core))));
    for (seq, (now, event)) in events.iter().enumerate() {
        let mut out = Actions::default();
        core.handle(&CONFIG, Tick(*now), *event, &mut out);
        let orders = digest(seq as u64, &out, &core);
        tape.add(&Item::Input(Input { now: Tick(*now), event: *event, orders }));
        sent.extend(out.iter().filter_map(|order| match order {
            Action::Send(beat) => Some(beat),
            _ => None,
        }));
    }
    (tape.end(), sent)
}

#[test]
fn two_records_are_a_behaviour_of_the_model_unless_one_tells_what_the_other_did_not_do() {
    let home = Home::new();
    let path = |name: &str| home.path().join(name);
    let (n2, sent) = recorded("node2", 8, &[(5010, Event::Ordered(Command::Start))]);
    fs::write(path("n2"), n2).unwrap();
    let hears =
        |beat| recorded("node1", 3, &[(5005, Event::Ordered(Command::Start)), (5012, Event::Heard(beat))]).0;
    fs::write(path("n1"), hears(sent[0])).unwrap();
    let line = format!("replay {} {} --check", path("n1").display(), path("n2").display());
    let merged = home.run(&line);
    assert_eq!(merged.exit, 0, "{}", merged.all());
    assert!(merged.out.contains("1 heartbeats heard as they were sent"), "{}", merged.out);
    assert!(merged.out.ends_with("a behaviour of the model: yes\n"), "{}", merged.out);

    fs::write(path("n1"), hears(Beat { term: 9, ..sent[0] })).unwrap();
    let forged = home.run(&line);
    assert_eq!(forged.exit, 12, "{}", forged.all());
    assert!(forged.out.contains("first step that it does not allow: node1 boot 3 #1\n"), "{}", forged.out);
    assert!(forged.out.contains("why      the peer sent another at that moment\n"), "{}", forged.out);
    let json: serde_json::Value = serde_json::from_str(&home.run(&format!("{line} --json")).out).unwrap();
    assert_eq!((json["allowed"].as_bool(), json["forbidden"]["seq"].as_u64()), (Some(false), Some(1)));
    assert_eq!(home.run(&line.replace(" --check", "")).exit, 2);

    fs::copy(path("n2"), path("n1")).unwrap();
    let twice = home.run(&line);
    assert_eq!(twice.exit, 2, "{}", twice.all());
    assert!(twice.err.contains("both records are of node2"), "{}", twice.err);
}

#[test]
fn a_record_with_a_gap_proves_only_what_is_left_of_it() {
    let (home, ring) = served();
    let items: Vec<Item> = Reader::open(&ring).unwrap().map(Result::unwrap).collect();
    let Item::Core(first) = &items[1] else { panic!("no core") };
    // What came in between is gone, and the core that came of it is there.
    let mut after = first.clone();
    for item in &items[2..8] {
        let Item::Input(input) = item else { panic!("no input") };
        after.core.handle(&CONFIG, input.now, input.event, &mut Actions::default());
        (after.seq, after.now) = (after.seq + 1, input.now);
    }
    let mut tape = Tape::default();
    for item in items[..5].iter().chain([&Item::Core(after)]).chain(&items[8..]) {
        tape.add(item);
    }
    let file = home.path().join("gap.rec");
    fs::write(&file, tape.end()).unwrap();
    let checked = home.run(&format!("replay {} --check", file.display()));
    assert_eq!(checked.exit, 13, "{}", checked.all());
    assert!(checked.out.contains("recorded = recomputed: inconclusive"), "{}", checked.out);
}
