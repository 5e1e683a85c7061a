//! Two real cores, recorded as two nodes would, and what is not to be believed of them.

use safetui_core::{
    Action, Actions, Beat, Command, Config, Generation, Input, Job, Ledger, Record, Rules, Timing, Witness,
    input::digest,
    rule::{Book, Pace, Set, State},
};

use super::*;

type Core = Mirror<4>;

const fn config(node: usize) -> Config {
    Config {
        timing: Timing {
            period: 20,
            timeout: 400,
            guard: 100,
            gap: 30,
            delay: 5,
            late: 20,
            drift: 1,
            losses: 1,
        },
        witness: Witness::Router,
        failover: true,
        first: node == 0,
        rules: Rules::ALL,
        book: Book::EMPTY.followed(Set::of(0), Pace { act: 1, wake: 1, maxloop: 3, interval: 1 }),
    }
}

/// How far the second clock is ahead.
const AHEAD: u64 = 7777;

/// Two nodes that are whole but for what a test takes from them. Milliseconds pass one by one.
struct Pair {
    at: u64,
    cores: [Core; 2],
    witness: Witness,
    told: [Vec<Told<4>>; 2],
    jobs: [Option<Job>; 2],
    /// On the way to each node, with the moment of arrival.
    beats: [Vec<(u64, Beat)>; 2],
    reports: [Vec<Event>; 2],
    cut: bool,
    paused: Option<usize>,
}

impl Pair {
    fn new() -> Self {
        Self::with(Witness::Router)
    }

    fn with(witness: Witness) -> Self {
        let life = |node: usize| Life {
            config: Config { witness, ..config(node) },
            boot: Boot(1 + node as u32),
            seq: 0,
            core: Core::new(clock(node, 1000), Boot(1 + node as u32), 99 + node as u64, Record::default()),
            now: clock(node, 1000),
            wall: 1_000_000,
        };
        let lives = [0, 1].map(life);
        let mut pair = Self {
            at: 1000,
            cores: [0, 1].map(|node| lives[node].core),
            witness,
            told: lives.map(|life| vec![Told::Life(Box::new(life))]),
            jobs: [None; 2],
            beats: Default::default(),
            reports: Default::default(),
            cut: false,
            paused: None,
        };
        (0..2).for_each(|node| pair.given(node, Event::Ledger(Ledger(1))));
        pair.given(0, Event::Ordered(Command::Prim));
        pair.given(1, Event::Ordered(Command::Start));
        pair
    }

    fn config(&self, node: usize) -> Config {
        Config { witness: self.witness, ..config(node) }
    }

    /// A pair that is ready.
    fn ready() -> Self {
        Self::ready_with(Witness::Router)
    }

    fn ready_with(witness: Witness) -> Self {
        let mut pair = Self::with(witness);
        pair.pass(1000);
        assert_eq!(pair.cores.map(|core| core.role().word()), ["PRIM", "SECOND"]);
        pair
    }

    fn given(&mut self, node: usize, event: Event) {
        let (now, mut out) = (clock(node, self.at), Actions::default());
        self.cores[node].handle(&self.config(node), now, event, &mut out);
        let orders = digest(self.told[node].len() as u64 - 1, &out, &self.cores[node]);
        self.told[node].push(Told::Input(Input { now, event, orders }));
        let peer = self.cores[1 - node].boot();
        for order in out.iter() {
            match order {
                Action::Begin(job) => self.jobs[node] = Some(job),
                Action::Send(beat) if !self.cut => self.beats[1 - node].push((self.at + 1, beat)),
                // The last one is reported first.
                Action::Source { .. } => {
                    self.reports[node].extend([Event::Copied { boot: peer }, Event::StreamUp { boot: peer }]);
                }
                Action::Drain => self.reports[node].push(Event::Drained { boot: peer }),
                _ => {}
            }
        }
    }

    fn pass(&mut self, span: u64) {
        for _ in 0..span {
            self.at += 1;
            let paused = self.paused;
            for node in (0..2).filter(|node| paused != Some(*node)) {
                let now = clock(node, self.at);
                let arrived = self.beats[node].iter().position(|(at, _)| *at <= self.at);
                if let Some(at) = arrived {
                    let beat = self.beats[node].remove(at).1;
                    self.given(node, Event::Heard(beat));
                }
                if self.at.is_multiple_of(10) {
                    self.given(node, Event::Answered { asked: Tick(now.0 - 1) });
                }
                if let Some(job) = self.jobs[node].take() {
                    self.given(node, Event::Done { job, ok: true });
                }
                if let Some(event) = self.reports[node].pop() {
                    self.given(node, event);
                }
                if now >= self.cores[node].next_wake(&self.config(node)).0 {
                    self.given(node, Event::Woke);
                }
            }
        }
    }

    fn merged(&self) -> Report {
        let [one, other] = self.told.clone();
        merge(one.into_iter(), other.into_iter())
    }

    /// Changes the last input of `node` that is meant, with the digest that its core would have recorded; its place.
    fn forge(&mut self, node: usize, change: impl Fn(&mut Input) -> bool) -> u64 {
        let mut place = None;
        for (at, told) in self.told[node].iter_mut().enumerate().rev() {
            if let Told::Input(input) = told
                && change(input)
            {
                place = Some(at as u64 - 1);
                break;
            }
        }
        self.record_again(node);
        place.expect("there is such an input")
    }

    /// A forger who has the core makes the digests right.
    fn record_again(&mut self, node: usize) {
        let Told::Life(life) = &self.told[node][0] else { panic!("a record begins with a life") };
        let (mut core, config) = (life.core, life.config);
        for (seq, told) in self.told[node].iter_mut().skip(1).enumerate() {
            if let Told::Input(input) = told {
                let mut out = Actions::default();
                core.handle(&config, input.now, input.event, &mut out);
                input.orders = digest(seq as u64, &out, &core);
            }
        }
    }
}

fn clock(node: usize, at: u64) -> Tick {
    Tick(at + AHEAD * node as u64)
}

#[track_caller]
fn forbidden(pair: &Pair, node: usize, seq: u64, why: &str) {
    let found = pair.merged().forbidden.expect("this is not possible");
    assert_eq!((found.at.node, found.at.seq), (node, seq), "{found:?}");
    assert!(found.why.contains(why), "{found:?}");
}

#[test]
fn what_a_pair_did_is_a_behaviour_of_the_model() {
    let mut pair = Pair::ready();
    pair.given(0, Event::Ordered(Command::Swap));
    pair.pass(1500);
    assert_eq!(pair.cores.map(|core| core.role().word()), ["SECOND", "PRIM"]);
    let report = pair.merged();
    assert_eq!(report.forbidden, None);
    assert_eq!((report.broken, report.unrecorded), (vec![], 0));
    assert!(report.heard > 200 && report.steps > 500);
}

#[test]
fn a_takeover_is_a_behaviour_of_the_model() {
    let mut pair = Pair::ready();
    // The first node is cut off and its power fails: its record ends.
    pair.cut = true;
    let end = pair.told[0].len();
    pair.pass(700);
    pair.told[0].truncate(end);
    assert_eq!(pair.cores[1].role().word(), "ALONE");
    assert_eq!(pair.merged().forbidden, None);
}

#[test]
fn a_heartbeat_that_was_not_sent_so_is_not_believed() {
    let mut pair = Pair::ready();
    let at = pair.forge(1, |input| match &mut input.event {
        Event::Heard(beat) => {
            beat.term += 1;
            true
        }
        _ => false,
    });
    forbidden(&pair, 1, at, "another at that moment");
}

#[test]
fn a_heartbeat_of_a_moment_at_which_none_was_sent_is_not_believed() {
    let mut pair = Pair::ready();
    let at = pair.forge(1, |input| match &mut input.event {
        Event::Heard(beat) => {
            beat.sent.0 -= 3;
            true
        }
        _ => false,
    });
    forbidden(&pair, 1, at, "never sent it");
}

#[test]
fn nothing_is_heard_before_it_is_sent() {
    let mut pair = Pair::ready();
    // The newest heartbeat of each node comes where it cannot have been sent yet, at both.
    for node in 0..2 {
        let newest = pair.told[node].iter().rev().find_map(|told| match told {
            Told::Input(Input { event: Event::Heard(beat), .. }) => Some(*beat),
            _ => None,
        });
        let early = pair.told[node].iter_mut().find_map(|told| match told {
            Told::Input(Input { event: Event::Heard(beat), .. }) => Some(beat),
            _ => None,
        });
        *early.unwrap() = newest.unwrap();
        pair.record_again(node);
    }
    let found = pair.merged().forbidden.unwrap();
    assert!(found.why.contains("heard before it can have been sent"), "{found:?}");
}

/// What `node` is given next must be refused, and the peer goes on for a while.
#[track_caller]
fn refused(mut pair: Pair, node: usize, event: Event, why: &str) {
    assert_eq!(pair.merged().forbidden, None, "before {event:?}");
    let at = pair.told[node].len() as u64 - 1;
    pair.given(node, event);
    pair.pass(50);
    forbidden(&pair, node, at, why);
}

#[test]
fn what_no_driver_reports_is_not_believed() {
    let cases: [(usize, Event, &str); 9] = [
        (0, Event::Copied { boot: Boot(9) }, "never ordered to that life"),
        (0, Event::Drained { boot: Boot(2) }, "nobody asked"),
        (1, Event::StreamUp { boot: Boot(1) }, "never ordered to that life"),
        (0, Event::StreamLost { boot: Boot(9) }, "not up"),
        (0, Event::ReceiveFailed, "not begun"),
        (1, Event::AddressTaken, "nobody looked"),
        (0, Event::Done { job: Job::Open, ok: true }, "not begun"),
        (1, Event::Granted { generation: Generation(5) }, "was not asked"),
        (1, Event::Resource { id: 0, state: State::Init }, "finds nothing"),
    ];
    for (node, event, why) in cases {
        refused(Pair::ready(), node, event, why);
    }
}

#[test]
fn what_has_been_reported_is_not_reported_again() {
    let mut pair = Pair::ready();
    let (lost, up) = (Event::StreamLost { boot: Boot(2) }, Event::StreamUp { boot: Boot(2) });
    pair.given(0, lost);
    pair.given(0, up);
    pair.given(0, lost);
    refused(pair, 0, lost, "not up");
    let mut pair = Pair::ready();
    pair.given(1, Event::ReceiveFailed);
    refused(pair, 1, Event::ReceiveFailed, "not begun");
    let mut pair = Pair::ready();
    // Its heartbeats no longer come, so the secondary looks whether its address is still there.
    pair.cut = true;
    pair.pass(450);
    pair.given(1, Event::AddressTaken);
    refused(pair, 1, Event::AddressTaken, "nobody looked");
}

#[test]
fn an_application_that_has_never_run_is_not_checked() {
    let found = Event::Resource { id: 0, state: State::Up };
    refused(Pair::new(), 1, found, "never ran");
    let mut pair = Pair::ready();
    pair.given(1, found);
    assert_eq!(pair.merged().forbidden, None);
}

/// A primary that hears, `late` milliseconds after the secondary was stopped, that it copies.
fn stopped_before_the_source_began(late: u64) -> Pair {
    let mut pair = Pair::new();
    while pair.cores[1].role().word() != "SECOND" {
        pair.pass(1);
    }
    let says_so = pair.beats[0].pop().expect("it says that it copies");
    pair.beats[0].clear();
    pair.cut = true;
    // While its scripts run it would refuse.
    pair.pass(5);
    pair.given(1, Event::Ordered(Command::Stop));
    pair.pass(late);
    pair.given(0, Event::Heard(says_so.1));
    pair.pass(1);
    pair
}

#[test]
fn no_data_pass_to_who_has_stopped_receiving() {
    // The clocks are not known better than that.
    let mut soon = stopped_before_the_source_began(5);
    soon.pass(50);
    assert_eq!(soon.merged().forbidden, None);
    let mut late = stopped_before_the_source_began(100);
    late.pass(50);
    let found = late.merged().forbidden.unwrap();
    assert_eq!((found.at.node, found.event), (0, Some(Event::StreamUp { boot: Boot(2) })));
    assert!(found.why.contains("stopped receiving"), "{found:?}");
}

/// A pair whose nodes no longer hear each other, and who has asked the arbiter by now.
fn asking(span: u64, asked: [bool; 2]) -> (Pair, Generation) {
    let mut pair = Pair::ready_with(Witness::Arbiter);
    let shared = pair.cores[0].record().generation;
    pair.cut = true;
    pair.pass(span);
    assert_eq!(pair.cores.map(|core| core.asks()), asked);
    (pair, shared)
}

#[test]
fn an_arbiter_denies_only_what_the_peer_has_asked_for() {
    let (pair, generation) = asking(420, [true, false]);
    refused(pair, 0, Event::Denied { generation }, "the peer never asked");
    let (pair, generation) = asking(420, [true, false]);
    refused(pair, 1, Event::Denied { generation }, "was not asked");
    // The primary has given way meanwhile, and hears the answer all the same.
    let (mut pair, generation) = asking(510, [false, true]);
    pair.given(1, Event::Granted { generation });
    pair.given(0, Event::Denied { generation });
    pair.pass(50);
    assert_eq!(pair.merged().forbidden, None);
    refused(pair, 0, Event::Granted { generation }, "to both");
}

#[test]
fn an_arbiter_that_is_asked_just_before_may_seem_to_be_asked_just_after() {
    let (mut pair, _) = asking(420, [true, false]);
    let mut span = 420;
    while !pair.cores[1].asks() {
        pair.pass(1);
        span += 1;
    }
    let (mut pair, generation) = asking(span - 5, [true, false]);
    pair.given(0, Event::Denied { generation });
    pair.pass(50);
    assert!(pair.cores[1].asks());
    assert_eq!(pair.merged().forbidden, None);
}

#[test]
fn an_arbiter_does_not_take_back_what_it_has_said() {
    let (mut pair, generation) = asking(510, [false, true]);
    pair.given(0, Event::Denied { generation });
    refused(pair, 0, Event::Granted { generation }, "what it has denied");
    let (mut pair, generation) = asking(420, [true, false]);
    pair.given(0, Event::Granted { generation });
    refused(pair, 0, Event::Denied { generation }, "what it has granted");
}

#[test]
fn nobody_wakes_early_and_no_witness_answers_the_future() {
    let mut pair = Pair::ready();
    let at = pair.told[0].len() as u64 - 1;
    let early = Pair::ready();
    assert!(clock(0, early.at) < early.cores[0].next_wake(&config(0)).0);
    pair.given(0, Event::Woke);
    forbidden(&pair, 0, at, "before anything is due");
    let mut pair = Pair::ready();
    pair.given(1, Event::Answered { asked: clock(1, pair.at + 1) });
    forbidden(&pair, 1, pair.told[1].len() as u64 - 2, "asked later");
}

#[test]
fn recorded_orders_that_the_core_does_not_give_are_named() {
    let mut pair = Pair::ready();
    let Some(Told::Input(input)) = pair.told[1].get_mut(101) else { panic!("a short record") };
    input.orders ^= 1;
    forbidden(&pair, 1, 100, "not what the core gives");
}

#[test]
fn a_node_begins_with_what_it_made_durable() {
    let mut pair = Pair::ready();
    let Told::Life(first) = pair.told[0][0].clone() else { panic!("no life") };
    pair.told[0].push(Told::Closed);
    let now = clock(0, pair.at + 50);
    let again = |record| {
        let core = Core::new(now, Boot(11), 5, record);
        Told::Life(Box::new(Life { boot: Boot(11), core, now, ..*first.clone() }))
    };
    let durable = *pair.cores[0].record();
    pair.told[0].push(again(durable));
    assert_eq!(pair.merged().forbidden, None);
    pair.told[0].pop();
    pair.told[0].push(again(Record::default()));
    let found = pair.merged().forbidden.unwrap();
    assert!(found.why.contains("not what it made durable last"), "{found:?}");
}

#[test]
fn a_pause_breaks_an_assumption_and_is_no_fault() {
    let mut pair = Pair::ready();
    pair.paused = Some(1);
    pair.pass(150);
    pair.paused = None;
    pair.pass(100);
    let report = pair.merged();
    let late = report.broken.iter().find(|broken| broken.what == Assumption::Late).unwrap();
    assert!(late.worst > 100 && late.worst <= 151 && late.bound == 20, "{late:?}");
    assert_eq!(late.first.node, 1);
    assert_eq!(report.forbidden, None);
}

#[test]
fn two_that_serve_at_once_are_not_allowed() {
    let mut pair = Pair::ready();
    // Each reaches the witness, and neither the other: what the protocol has to be spared.
    pair.cut = true;
    pair.pass(700);
    assert_eq!(pair.cores.map(|core| core.role().word()), ["ALONE", "ALONE"]);
    let found = pair.merged().forbidden.unwrap();
    assert!(found.why.contains("both nodes"), "{found:?}");
}
