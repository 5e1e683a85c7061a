//! What a node remembers of its resources and of its rules.

use super::{Book, Call, Found, Order, Set, State};
use crate::time::Tick;

/// What a rule keeps a node from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Hold {
    #[default]
    None,
    /// That rule makes the module wait.
    Wait { rule: u8 },
    /// That rule stopped the module; `often`: because there were too many automatic actions.
    Stopped { rule: u8, often: bool },
}

/// A node's resources, what its rules call for, and what they have done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Watch {
    pub(crate) found: Found,
    pub(crate) call: Option<Call>,
    /// Since when the same order, or none, is called for; or when it was last carried out.
    pub(crate) since: Tick,
    pub(crate) hold: Hold,
    /// A resource that must be known before anything is done is not known yet.
    pub(crate) unchecked: bool,
    /// An operator has overruled the waiting, until there is nothing to wait for.
    pub(crate) overruled: bool,
    /// Automatic actions since `looped`.
    pub(crate) loops: u8,
    pub(crate) looped: Tick,
}

impl Watch {
    pub(crate) const NEW: Self = Self {
        found: Found::NOTHING,
        call: None,
        since: Tick(0),
        hold: Hold::None,
        unchecked: false,
        overruled: false,
        loops: 0,
        looped: Tick(0),
    };

    /// A node of which a heartbeat says this.
    pub(crate) const fn told(down: Set, held: bool) -> Self {
        let hold = if held { Hold::Wait { rule: 0 } } else { Hold::None };
        Self { found: Found::told(down), hold, ..Self::NEW }
    }

    /// The module starts: nothing has been checked, and what stopped it is past.
    pub(crate) fn start(&mut self) {
        *self = Self { loops: self.loops, looped: self.looped, ..Self::NEW };
    }

    /// The module has stopped: nothing is checked any more, and what stopped it is remembered.
    pub(crate) fn stop(&mut self) {
        let hold = self.hold;
        self.start();
        if matches!(hold, Hold::Stopped { .. }) {
            self.hold = hold;
        }
    }

    /// Reads the rules again.
    pub(crate) fn read(&mut self, book: &Book, peers: Found, now: Tick, overrules: bool) {
        self.unchecked = !self.found.in_state(State::Init).and(book.awaited()).is_empty();
        let call = book.call(self.found, peers);
        let waits = |call: &Call| call.order == Order::Wait;
        self.overruled =
            (self.overruled || overrules) && (self.unchecked || call.as_ref().is_some_and(waits));
        let call = call.filter(|call| !(self.overruled && waits(call)));
        self.unchecked &= !self.overruled;
        if call.map(|call| call.order) != self.call.map(|call| call.order) {
            self.since = now;
        }
        self.call = call;
    }

    /// The order that is called for.
    pub(crate) fn order(&self) -> Option<Order> {
        self.call.map(|call| call.order)
    }

    /// The first resource that must be known and is not.
    pub(crate) fn unknown(&self, book: &Book) -> Option<u8> {
        self.found.in_state(State::Init).and(book.awaited()).first().filter(|_| self.unchecked)
    }

    /// Does the node wait for what its rules read?
    pub(crate) const fn waits(&self) -> bool {
        self.unchecked || self.is_held()
    }

    pub(crate) const fn is_held(&self) -> bool {
        !matches!(self.hold, Hold::None)
    }

    /// Counts one more automatic action; true: it is one too many.
    pub(crate) fn too_often(&mut self, book: &Book, now: Tick) -> bool {
        if book.pace.interval == 0 {
            return false;
        }
        if self.loops == 0 || now.since(self.looped) >= book.pace.interval {
            self.loops = 0;
            self.looped = now;
        }
        if self.loops >= book.pace.maxloop {
            return true;
        }
        self.loops += 1;
        false
    }

    /// An operator has taken the matter in hand.
    pub(crate) fn forget_loops(&mut self) {
        self.loops = 0;
    }

    pub(crate) fn rebase(&mut self, by: u64) {
        self.since = self.since.rebased(by);
        self.looped = self.looped.rebased(by);
    }

    /// Blurs what no decision can tell apart any more.
    pub(crate) fn forget(&mut self, book: &Book, now: Tick) {
        if now.since(self.since) >= book.pace.act.max(book.pace.wake).max(1) {
            self.since = Tick(0);
        }
        if now.since(self.looped) >= book.pace.interval {
            self.loops = 0;
        }
        if self.loops == 0 || book.pace.interval == u64::MAX {
            self.looped = Tick(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::{Pace, Read, Term};

    const NOW: Tick = Tick(1000);

    fn followed(pace: Pace) -> Book {
        let condition = [Term::Read(Read::one(0, State::Down))];
        Book::EMPTY.with(&condition, Order::Wait).expect("a condition").followed(Set::EMPTY, pace)
    }

    const PACE: Pace = Pace { act: 3, wake: 5, maxloop: 2, interval: 7 };

    const fn ago(span: u64) -> Tick {
        Tick(NOW.0 - span)
    }

    #[test]
    fn of_a_peer_it_is_known_what_is_down_and_whether_it_is_held() {
        let told = Watch::told(Set::of(3), true);
        assert_eq!((told.found.state(3), told.found.state(4)), (State::Down, State::Up));
        assert!(told.is_held() && !Watch::told(Set::of(3), false).is_held());
    }

    #[test]
    fn a_start_forgets_everything_but_what_acted_and_a_stop_remembers_what_stopped_it() {
        let counted = Watch { loops: 2, looped: ago(4), ..Watch::NEW };
        let call = Some(Call { order: Order::Wait, rule: 0 });
        for (hold, stopped) in [
            (Hold::None, Hold::None),
            (Hold::Wait { rule: 1 }, Hold::None),
            (Hold::Stopped { rule: 1, often: true }, Hold::Stopped { rule: 1, often: true }),
        ] {
            let found = Found::told(Set::of(3));
            let watch =
                Watch { found, call, since: ago(9), hold, unchecked: true, overruled: true, ..counted };
            let [mut started, mut ended] = [watch; 2];
            started.start();
            ended.stop();
            assert_eq!((started, ended), (counted, Watch { hold: stopped, ..counted }));
        }
    }

    #[test]
    fn automatic_actions_are_counted_for_as_long_as_the_book_says() {
        let book = followed(PACE);
        let mut watch = Watch::NEW;
        let acts: [(u64, bool); 6] =
            [(20, false), (14, false), (14, true), (13, false), (13, false), (7, true)];
        for (span, often) in acts {
            assert_eq!(watch.too_often(&book, ago(span)), often, "{span} ago");
        }
        watch.forget_loops();
        assert!(!watch.too_often(&book, ago(7)));
        assert_eq!((watch.loops, watch.looped), (1, ago(7)), "counted anew");
    }

    #[test]
    fn since_when_an_order_is_called_for_matters_until_it_and_the_end_of_a_wait_are_due() {
        for pace in [PACE, Pace { act: 5, wake: 3, ..PACE }] {
            let since = |span: u64| {
                let mut watch = Watch { since: ago(span), ..Watch::NEW };
                watch.forget(&followed(pace), NOW);
                watch.since
            };
            assert_eq!((since(4), since(5)), (ago(4), Tick(0)), "{pace:?}");
        }
        let mut watch = Watch { since: NOW, ..Watch::NEW };
        watch.forget(&followed(Pace { act: 0, wake: 0, ..PACE }), NOW);
        assert_eq!(watch.since, NOW, "nothing is due before a moment has passed");
    }

    #[test]
    fn since_when_actions_are_counted_matters_only_while_some_count_and_not_if_they_always_do() {
        let counted = |loops: u8, span: u64, interval: u64| {
            let mut watch = Watch { loops, looped: ago(span), ..Watch::NEW };
            watch.forget(&followed(Pace { interval, ..PACE }), NOW);
            (watch.loops, watch.looped)
        };
        assert_eq!(counted(2, 6, 7), (2, ago(6)));
        assert_eq!(counted(2, 7, 7), (0, Tick(0)));
        assert_eq!(counted(0, 6, 7), (0, Tick(0)));
        assert_eq!(counted(2, 6, u64::MAX), (2, Tick(0)));
    }

    #[test]
    fn what_a_rule_must_know_and_does_not_is_named() {
        let book = followed(PACE);
        let mut watch = Watch::NEW;
        watch.read(&book, Found::UNKNOWN, NOW, false);
        assert!(watch.waits() && !watch.is_held());
        assert_eq!(watch.unknown(&book), Some(0));
        watch.found.note(0, State::Up);
        watch.read(&book, Found::UNKNOWN, NOW, false);
        assert_eq!((watch.waits(), watch.unknown(&book)), (false, None));
    }

    #[test]
    fn an_operator_overrules_what_is_unchecked_or_called_for_until_neither_is() {
        let book = followed(PACE);
        let mut watch = Watch::NEW;
        let mut read = |found: Option<State>, overrules: bool| {
            if let Some(state) = found {
                watch.found.note(0, state);
            }
            watch.read(&book, Found::UNKNOWN, NOW, overrules);
            (watch.overruled, watch.unchecked, watch.order())
        };
        assert_eq!(read(None, true), (true, false, None));
        assert_eq!(read(None, false), (true, false, None), "it stays so");
        assert_eq!(read(Some(State::Down), false), (true, false, None));
        assert_eq!(read(Some(State::Up), false), (false, false, None));
        assert_eq!(read(Some(State::Down), false), (false, false, Some(Order::Wait)));
        assert_eq!(read(Some(State::Up), true), (false, false, None), "there is nothing to overrule");
    }
}
