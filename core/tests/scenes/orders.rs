//! What the nodes order in each story, in order: this is the protocol as a driver sees it.

use std::fmt::Write;

use safetui_core::{Action, Boot, Command, Event, Gate, Generation, Job, Witness, rule::State};

use crate::{
    scene::{ADDRESS, LINK, PORT, Pair},
    states,
};

/// Writes down what is ordered while time passes.
struct Scribe {
    pair: Pair,
    started: u64,
    generations: Vec<Generation>,
    text: String,
}

impl Scribe {
    fn of(mut pair: Pair) -> Self {
        pair.nodes.iter_mut().for_each(|node| node.orders.clear());
        let generations = pair.nodes.each_ref().map(|node| node.core.record().generation).to_vec();
        let started = pair.now.0;
        Self { pair, started, generations, text: String::new() }
    }

    fn pass(mut self, span: u64) -> Self {
        self.note();
        for _ in 0..span / 10 {
            self.pair.pass(10);
            self.note();
        }
        self
    }

    fn order(mut self, node: usize, command: Command) -> Self {
        self.say(node, &format!(" is told: {}", command.verb()));
        self.pair.order(node, command);
        self
    }

    fn event(mut self, node: usize, event: Event) -> Self {
        let what = match event {
            Event::Granted { generation } => format!("granted {}", self.name(generation)),
            Event::Denied { generation } => format!("denied {}", self.name(generation)),
            other => format!("{other:?}"),
        };
        self.say(node, &format!(": {what}"));
        self.pair.event(node, event);
        self
    }

    /// The slow work of a node ends.
    fn ends(mut self, node: usize, ok: bool) -> Self {
        self.say(node, if ok { ": its work ends" } else { ": its work ends badly" });
        self.pair.ends(node, ok);
        self
    }

    fn say(&mut self, node: usize, what: &str) {
        self.note();
        writeln!(self.text, "  node{}{what}", node + 1).unwrap();
    }

    fn note(&mut self) {
        for node in 0..2 {
            for order in std::mem::take(&mut self.pair.nodes[node].orders) {
                if let Some(words) = self.words(order) {
                    let after = self.pair.now.0 - self.started;
                    writeln!(self.text, "  {after:>5} node{} {words}", node + 1).unwrap();
                }
            }
        }
    }

    /// But for what is said again and again.
    fn words(&mut self, order: Action<4>) -> Option<String> {
        Some(match order {
            Action::Send(_) | Action::Answer { .. } => return None,
            Action::Lease(until) if until > self.pair.now => return None,
            Action::Lease(_) => "the lease ends".into(),
            Action::Persist(record) => {
                let name = self.name(record.generation);
                format!("persists {:?}, {:?}, {name}, term {}", record.mark, record.side, record.term)
            }
            Action::Gate(Gate::Alone { generation, term }) => {
                format!("acknowledges alone in {}, term {term}", self.name(generation))
            }
            Action::Gate(Gate::Both { generation, term }) => {
                format!("acknowledges with the peer in {}, term {term}", self.name(generation))
            }
            Action::Source { to, generation, term } => {
                format!("sends to boot {} in {}, term {term}", to.0, self.name(generation))
            }
            Action::Receive { from, generation, term, aside } => {
                let aside = if aside { ", keeping aside what it overwrites" } else { "" };
                format!("receives from boot {} in {}, term {term}{aside}", from.0, self.name(generation))
            }
            Action::Ask { generation, .. } => format!("asks for {}", self.name(generation)),
            Action::Became { from, to, cause } => {
                format!("{} to {}: {}", from.word(), to.word(), cause.text())
            }
            other => format!("{other:?}"),
        })
    }

    fn name(&mut self, generation: Generation) -> String {
        let known = self.generations.iter().position(|it| *it == generation);
        let at = known.unwrap_or_else(|| {
            self.generations.push(generation);
            self.generations.len() - 1
        });
        format!("g{at}")
    }
}

/// Work of that node takes its time.
fn slow(mut pair: Pair, node: usize) -> Pair {
    pair.nodes[node].slow = true;
    pair
}

fn cut(mut pair: Pair, speaks: [bool; 2], router: [bool; 2]) -> Pair {
    (pair.speaks, pair.router) = (speaks, router);
    pair
}

fn lost(mut pair: Pair, node: usize) -> Pair {
    pair.runs[node] = false;
    pair
}

fn with_arbiter(mut pair: Pair) -> Pair {
    pair.nodes.iter_mut().for_each(|node| node.cfg.witness = Witness::Arbiter);
    pair
}

fn without_failover(mut pair: Pair) -> Pair {
    pair.nodes.iter_mut().for_each(|node| node.cfg.failover = false);
    pair
}

fn slept(mut pair: Pair, span: u64) -> Pair {
    pair.now = pair.now.plus(span);
    pair
}

const BOOT: Boot = Boot(1);

fn tell(stories: Vec<(&str, Scribe)>) -> String {
    let tell = |(name, mut scribe): (&str, Scribe)| {
        scribe.note();
        format!("{name}\n{}", scribe.text)
    };
    stories.into_iter().map(tell).collect()
}

fn ready() -> Scribe {
    Scribe::of(Pair::ready())
}

#[test]
fn on_command_the_orders_are_those_that_were_reviewed() {
    let text = tell(vec![
        ("a new pair", Scribe::of(Pair::fresh()).order(1, Command::Start).order(0, Command::Prim).pass(500)),
        ("a swap", ready().order(0, Command::Swap).pass(500)),
        ("a stopped primary", ready().order(0, Command::Stop).pass(100)),
        ("a secondary that is stopped and started", ready().order(1, Command::StopStart).pass(500)),
        ("a primary that is stopped by force", ready().order(0, Command::ForceStop).pass(100)),
        ("a secondary that is stopped by force", ready().order(1, Command::ForceStop).pass(100)),
        ("one that waits is stopped by force", {
            Scribe::of(states::isolated()).order(0, Command::ForceStop).pass(100)
        }),
        ("one that copies is stopped", Scribe::of(states::copying()).order(1, Command::Stop).pass(100)),
        ("an operator chooses between forks", {
            Scribe::of(super::life::forked()).order(1, Command::Second).pass(500)
        }),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn after_a_loss_the_orders_are_those_that_were_reviewed() {
    let text = tell(vec![
        ("the secondary is lost", Scribe::of(lost(Pair::ready(), 1)).pass(2000)),
        ("the primary is lost", Scribe::of(lost(Pair::ready(), 0)).pass(2000)),
        ("the primary is lost, and somebody answers for the address", {
            Scribe::of(lost(Pair::ready(), 0)).pass(1100).event(1, Event::AddressTaken).pass(1000)
        }),
        ("the primary is lost, and failover is off", {
            Scribe::of(lost(without_failover(Pair::ready()), 0)).pass(2000)
        }),
        ("the primary is cut off", Scribe::of(cut(Pair::ready(), [false; 2], [false, true])).pass(2000)),
        ("the primary is not heard", Scribe::of(cut(Pair::ready(), [false, true], [true; 2])).pass(2500)),
        ("the primary slept", Scribe::of(slept(Pair::ready(), 5000)).event(0, Event::Woke).pass(1000)),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn while_data_flow_the_orders_are_those_that_were_reviewed() {
    let level = || Scribe::of(states::copying()).event(0, Event::Copied { boot: BOOT });
    let text = tell(vec![
        ("the stream of a pair breaks", ready().event(0, Event::StreamLost { boot: BOOT }).pass(2000)),
        ("it breaks for a while", {
            let broken = ready().event(0, Event::StreamLost { boot: BOOT }).pass(900);
            broken.event(0, Event::StreamUp { boot: BOOT }).pass(2000)
        }),
        ("the secondary cannot apply", ready().event(1, Event::ReceiveFailed).pass(1000)),
        ("the source is lost", Scribe::of(lost(states::copying(), 0)).pass(2000)),
        ("the one that copies is lost", Scribe::of(lost(states::copying(), 1)).pass(2000)),
        ("the stream to one that has everything breaks", {
            level().event(0, Event::StreamLost { boot: BOOT }).pass(1100)
        }),
        ("one that has everything is stopped", level().order(1, Command::Stop).pass(100)),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn with_an_arbiter_the_orders_are_those_that_were_reviewed() {
    let asks = || Scribe::of(lost(with_arbiter(Pair::ready()), 0)).pass(1600);
    let generation = asks().generations[0];
    let text = tell(vec![
        ("one is denied, the other granted", {
            let both = Scribe::of(cut(with_arbiter(Pair::ready()), [false; 2], [true; 2])).pass(1100);
            let denied = both.event(0, Event::Denied { generation }).pass(500);
            denied.event(1, Event::Granted { generation }).pass(100)
        }),
        ("the primary is granted", {
            let asks = Scribe::of(lost(with_arbiter(Pair::ready()), 1)).pass(1100);
            asks.event(0, Event::Granted { generation }).pass(100)
        }),
        ("the secondary is denied", asks().event(1, Event::Denied { generation }).pass(100)),
        ("granted, and somebody answers for the address", {
            asks().event(1, Event::AddressTaken).event(1, Event::Granted { generation }).pass(100)
        }),
        ("an operator speaks instead", asks().order(1, Command::Failover).pass(100)),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn when_work_takes_its_time_or_fails_the_orders_are_those_that_were_reviewed() {
    let text = tell(vec![
        ("what opens the module fails", {
            Scribe::of(slow(Pair::fresh(), 0)).order(0, Command::Start).ends(0, false).ends(0, true)
        }),
        ("a stop while the module is being opened", {
            let opening = Scribe::of(slow(Pair::fresh(), 0)).order(0, Command::Start).pass(50);
            opening.order(0, Command::Stop).ends(0, true).ends(0, true)
        }),
        ("a restart that fails, and one that does not", {
            let failed = Scribe::of(slow(Pair::ready(), 0)).order(0, Command::Restart).ends(0, false);
            failed.order(0, Command::Restart).ends(0, true)
        }),
        ("a swap", {
            let leaving = Scribe::of(slow(Pair::ready(), 0)).order(0, Command::Swap).pass(500);
            leaving.ends(0, true).pass(200)
        }),
        ("the end of other work means nothing", {
            let leaving = Scribe::of(slow(Pair::ready(), 0)).order(0, Command::Swap);
            leaving.event(0, Event::Done { job: Job::Open, ok: true }).pass(500)
        }),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn by_failover_rules_the_orders_are_those_that_were_reviewed() {
    let find = |scribe: Scribe, node, id, state| scribe.event(node, Event::Resource { id, state }).pass(500);
    let mut watched = Scribe::of(Pair::watched());
    for (node, id) in [(0, PORT), (0, ADDRESS), (1, LINK)] {
        watched = find(watched, node, id, State::Down);
    }
    let text = tell(vec![("restart, stopstart and wait", find(watched, 1, LINK, State::Up).pass(1500))]);
    insta::assert_snapshot!(text);
}
