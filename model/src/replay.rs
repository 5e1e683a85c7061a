//! What was recorded, decided again: the same core gets the same inputs and must give the same orders.

use std::fmt;

use safetui_core::{Actions, Config, Input, Mirror, input::digest};

/// A core that follows a record.
#[derive(Clone, Debug)]
pub struct Replay<const H: usize> {
    config: Config,
    core: Mirror<H>,
    /// Number of the next input.
    next: u64,
    count: Count,
    difference: Option<Difference>,
}

/// What was compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Inputs whose orders were recomputed.
    pub inputs: u64,
    /// Times that the whole state was compared.
    pub states: u64,
    /// Inputs that the record says it lacks.
    pub lost: u64,
}

/// One input, decided again.
#[derive(Clone, Copy, Debug)]
pub struct Decided<const H: usize> {
    pub seq: u64,
    pub input: Input,
    pub orders: Actions<H>,
    /// Were these the recorded orders?
    pub same: bool,
}

/// The first step at which what was recorded is not what comes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The input, or the last before the state was compared.
    pub seq: u64,
    pub what: Differs,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Differs {
    /// Other orders followed, or another state.
    Orders { input: Input, recomputed: Vec<String> },
    /// The orders were the same all along, and the state is not.
    State { recorded: String, recomputed: String },
}

impl<const H: usize> Replay<H> {
    /// Begins with the core as it was before the input `seq`.
    pub fn new(config: Config, seq: u64, core: Mirror<H>) -> Self {
        Self { config, core, next: seq, count: Count::default(), difference: None }
    }

    /// The next input.
    pub fn input(&mut self, input: Input) -> Decided<H> {
        let (seq, mut orders) = (self.next, Actions::default());
        self.core.handle(&self.config, input.now, input.event, &mut orders);
        self.next += 1;
        self.count.inputs += 1;
        let same = digest(seq, &orders, &self.core) == input.orders;
        if !same {
            let recomputed = orders.iter().map(|order| format!("{order:?}")).collect();
            self.differ(seq, Differs::Orders { input, recomputed });
        }
        Decided { seq, input, orders, same }
    }

    /// The core as it was recorded before the input `seq`: goes on from there. Inputs in between are lost; if none
    /// are, it must be this one.
    pub fn core(&mut self, seq: u64, core: Mirror<H>) {
        if seq == self.next {
            self.count.states += 1;
            if core != self.core {
                let (recorded, recomputed) = unlike(&core, &self.core);
                self.differ(seq.saturating_sub(1), Differs::State { recorded, recomputed });
            }
        }
        self.count.lost += seq.saturating_sub(self.next);
        (self.next, self.core) = (seq, core);
    }

    fn differ(&mut self, seq: u64, what: Differs) {
        self.difference.get_or_insert(Difference { seq, what });
    }

    /// Number of the next input.
    pub const fn seq(&self) -> u64 {
        self.next
    }

    /// The core as it is now.
    pub const fn state(&self) -> &Mirror<H> {
        &self.core
    }

    pub const fn config(&self) -> &Config {
        &self.config
    }

    pub const fn count(&self) -> Count {
        self.count
    }

    /// The first difference so far.
    pub const fn difference(&self) -> Option<&Difference> {
        self.difference.as_ref()
    }
}

/// The first lines in which two values, written down, are not alike.
fn unlike(one: &impl fmt::Debug, other: &impl fmt::Debug) -> (String, String) {
    let [one, other] = [format!("{one:#?}"), format!("{other:#?}")];
    let mut pairs = one.lines().zip(other.lines());
    let (one, other) = pairs.find(|(one, other)| one != other).unwrap_or_default();
    (one.trim().trim_end_matches(',').into(), other.trim().trim_end_matches(',').into())
}

#[cfg(test)]
mod tests {
    use safetui_core::{Boot, Command, Event, Record, Rules, Tick, Witness, action::Job, rule::Book};

    use super::*;
    use crate::worlds;

    const CONFIG: Config = Config {
        timing: worlds::CALM.timing,
        witness: Witness::None,
        failover: true,
        first: true,
        rules: Rules::ALL,
        book: Book::EMPTY,
    };

    /// What a node recorded that was forced to serve, and the core after it.
    fn recorded() -> (Mirror<4>, Vec<Input>, Mirror<4>) {
        let first = Mirror::new(Tick(100), Boot(1), 7, Record::default());
        let events = [
            Event::Ordered(Command::Prim),
            Event::Done { job: Job::Open, ok: true },
            Event::Woke,
            Event::Woke,
            Event::Ordered(Command::Swap),
        ];
        let mut core = first;
        let mut input = |(at, event): (usize, &Event)| {
            let (now, mut out) = (Tick(100 + at as u64), Actions::default());
            core.handle(&CONFIG, now, *event, &mut out);
            Input { now, event: *event, orders: digest(at as u64, &out, &core) }
        };
        let inputs = events.iter().enumerate().map(&mut input).collect();
        (first, inputs, core)
    }

    fn feed(replay: &mut Replay<4>, inputs: &[Input]) {
        for input in inputs {
            replay.input(*input);
        }
    }

    #[test]
    fn what_was_recorded_is_what_comes_out() {
        let (first, inputs, last) = recorded();
        let mut replay = Replay::new(CONFIG, 0, first);
        assert!(inputs.iter().all(|input| replay.input(*input).same));
        replay.core(5, last);
        assert_eq!(replay.difference(), None);
        assert_eq!(replay.count(), Count { inputs: 5, states: 1, lost: 0 });
    }

    #[test]
    fn the_first_order_that_differs_is_named() {
        let (first, mut inputs, _) = recorded();
        inputs[1].orders ^= 1 << 20;
        inputs[4].orders ^= 1;
        let mut replay = Replay::new(CONFIG, 32, first);
        feed(&mut replay, &inputs);
        let difference = replay.difference().unwrap();
        assert_eq!(difference.seq, 33);
        assert!(matches!(&difference.what, Differs::Orders { input, .. } if *input == inputs[1]));
    }

    #[test]
    fn a_state_that_differs_without_other_orders_is_found_where_it_is_compared() {
        let (first, inputs, last) = recorded();
        let mut other = last;
        other.rebase(1);
        let mut replay = Replay::new(CONFIG, 0, first);
        feed(&mut replay, &inputs);
        replay.core(5, other);
        let difference = replay.difference().unwrap();
        assert_eq!(difference.seq, 4);
        assert!(
            matches!(&difference.what, Differs::State { recorded, recomputed } if recorded != recomputed)
        );
    }

    #[test]
    fn what_the_record_lacks_is_bridged_and_counted() {
        let (first, inputs, last) = recorded();
        let mut replay = Replay::new(CONFIG, 0, first);
        replay.input(inputs[0]);
        replay.core(5, last);
        assert_eq!(replay.difference(), None);
        assert_eq!(replay.count(), Count { inputs: 1, states: 0, lost: 4 });
        assert_eq!(replay.state(), &last);
    }
}
