//! The failover rules of a module as the core runs them: one postfix program, each rule ending in its order.

use super::{Found, Set, State, States};

/// What a rule calls for; of several the greatest is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Order {
    /// Stop and start the application; the role stays.
    Restart,
    /// Change roles with the peer.
    Swap,
    /// Stop the module and start it again: a primary hands over.
    StopStart,
    /// Serve and follow nothing until the rule no longer holds.
    Wait,
    Stop,
}

impl Order {
    pub const ALL: [Self; 5] = [Self::Restart, Self::Swap, Self::StopStart, Self::Wait, Self::Stop];

    /// SafeKit's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Swap => "swap",
            Self::StopStart => "stopstart",
            Self::Wait => "wait",
            Self::Stop => "stop",
        }
    }
}

/// Whose resources a comparison reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Whose {
    #[default]
    Mine,
    Peers,
}

/// One comparison: is any, or is every one, of these resources in one of these states? Of none, neither is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Read {
    pub whose: Whose,
    pub set: Set,
    pub every: bool,
    pub is: States,
}

impl Read {
    /// The plainest: is that resource of this node in that state?
    pub const fn one(id: u8, is: State) -> Self {
        Self { whose: Whose::Mine, set: Set::of(id), every: false, is: States::only(is) }
    }

    const fn holds(self, mine: Found, peers: Found) -> bool {
        let found = self.hits(mine, peers);
        if self.every { found.0 == self.set.0 && !found.is_empty() } else { !found.is_empty() }
    }

    /// Those that are in one of the states.
    const fn hits(self, mine: Found, peers: Found) -> Set {
        let found = match self.whose {
            Whose::Mine => mine,
            Whose::Peers => peers,
        };
        found.in_any(self.is).and(self.set)
    }

    const fn equals(self, other: Self) -> bool {
        self.whose as u8 == other.whose as u8
            && self.set.0 == other.set.0
            && self.every == other.every
            && self.is.0 == other.is.0
    }
}

/// One word of a rule's condition, which is written operands first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    Read(Read),
    Not,
    And,
    Or,
    /// Both hold, or neither does.
    Same,
}

/// One word of the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Word {
    /// The comparison of that number.
    Read(u8),
    #[default]
    Not,
    And,
    Or,
    Same,
    /// The end of a rule.
    Order(Order),
}

/// Why a rule cannot be put into the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadRule {
    /// Its words do not make one condition.
    Malformed,
    /// Its condition is nested too deeply.
    Deep {
        most: usize,
    },
    TooManyRules {
        most: usize,
    },
    /// The rules together make too many different comparisons.
    TooManyReads {
        most: usize,
    },
    /// The rules together are too long.
    TooLong {
        most: usize,
    },
}

const READS: usize = 32;
const WORDS: usize = 128;
const DEEPEST: usize = 16;

/// The failover rules of a module, and how they are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Book {
    #[cfg_attr(feature = "serde", serde(with = "super::short"))]
    reads: [Read; READS],
    read: u8,
    #[cfg_attr(feature = "serde", serde(with = "super::short"))]
    words: [Word; WORDS],
    len: u8,
    rules: u8,
    /// Resources that a `wait` rule reads: until they have been checked, the module waits.
    awaited: Set,
    /// Resources that say something about the running application: with it, what was found of them ends.
    pub roled: Set,
    pub pace: Pace,
}

/// How patiently rules are followed, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Pace {
    /// For how long an order must be called for before it is carried out.
    pub act: u64,
    /// For how long no rule may call for a wait before a module that waited goes on.
    pub wake: u64,
    /// How many automatic actions within `interval` are carried out; one more stops the module.
    pub maxloop: u8,
    /// 0: automatic actions are not counted.
    pub interval: u64,
}

impl Default for Book {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// What the rules call for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Call {
    pub order: Order,
    /// The first rule that calls for it, in the order of the book.
    pub rule: u8,
}

impl Book {
    /// No rules.
    pub const EMPTY: Self = Self {
        reads: [Read { whose: Whose::Mine, set: Set::EMPTY, every: false, is: States(0) }; READS],
        read: 0,
        words: [Word::Not; WORDS],
        len: 0,
        rules: 0,
        awaited: Set::EMPTY,
        roled: Set::EMPTY,
        pace: Pace { act: 1, wake: 1, maxloop: 3, interval: 0 },
    };
    /// How many rules it can hold.
    pub const MOST: usize = 32;

    pub const fn is_empty(&self) -> bool {
        self.rules == 0
    }

    /// How many rules there are.
    pub const fn rules(&self) -> u8 {
        self.rules
    }

    /// The same book with one rule more, whose number is that of the rules before it.
    pub const fn with(mut self, condition: &[Term], order: Order) -> Result<Self, BadRule> {
        if self.rules as usize == Self::MOST {
            return Err(BadRule::TooManyRules { most: Self::MOST });
        }
        if let Err(bad) = shape(condition) {
            return Err(bad);
        }
        if self.len as usize + condition.len() + 1 > WORDS {
            return Err(BadRule::TooLong { most: WORDS });
        }
        let mut at = 0;
        while at < condition.len() {
            let word = match condition[at] {
                Term::Read(read) => match self.number(read) {
                    Ok(number) => {
                        if matches!((order, read.whose), (Order::Wait, Whose::Mine)) {
                            self.awaited = self.awaited.with(read.set);
                        }
                        Word::Read(number)
                    }
                    Err(bad) => return Err(bad),
                },
                Term::Not => Word::Not,
                Term::And => Word::And,
                Term::Or => Word::Or,
                Term::Same => Word::Same,
            };
            self.push(word);
            at += 1;
        }
        self.push(Word::Order(order));
        self.rules += 1;
        Ok(self)
    }

    /// The same book followed in that way, where those resources are about the running application.
    #[must_use]
    pub const fn followed(self, roled: Set, pace: Pace) -> Self {
        Self { roled, pace, ..self }
    }

    const fn push(&mut self, word: Word) {
        self.words[self.len as usize] = word;
        self.len += 1;
    }

    /// The number of that comparison, which several rules may make.
    const fn number(&mut self, read: Read) -> Result<u8, BadRule> {
        let mut at = 0;
        while at < self.read as usize {
            if self.reads[at].equals(read) {
                return Ok(at as u8);
            }
            at += 1;
        }
        if at == READS {
            return Err(BadRule::TooManyReads { most: READS });
        }
        self.reads[at] = read;
        self.read += 1;
        Ok(at as u8)
    }

    /// Which resources must have been checked before the module does anything.
    pub const fn awaited(&self) -> Set {
        self.awaited.without(self.roled)
    }

    /// The greatest order that a rule calls for.
    pub fn call(&self, mine: Found, peers: Found) -> Option<Call> {
        let mut stack = Stack::default();
        let mut rule = 0;
        let mut greatest: Option<Call> = None;
        for word in self.words.iter().take(self.len.into()) {
            if let Word::Order(order) = *word {
                if stack.pop() && greatest.is_none_or(|call| order > call.order) {
                    greatest = Some(Call { order, rule });
                }
                rule += 1;
            } else {
                self.step(*word, &mut stack, mine, peers);
            }
        }
        greatest
    }

    fn step(&self, word: Word, stack: &mut Stack, mine: Found, peers: Found) {
        let value = match word {
            Word::Read(at) => self.reads.get(usize::from(at)).is_some_and(|read| read.holds(mine, peers)),
            Word::Not => !stack.pop(),
            Word::And => stack.pop() & stack.pop(),
            Word::Or => stack.pop() | stack.pop(),
            Word::Same => stack.pop() == stack.pop(),
            Word::Order(_) => return,
        };
        stack.push(value);
    }

    /// The resource on which that rule rests now: the first that is as one of its comparisons asks.
    pub fn ground(&self, rule: u8, mine: Found, peers: Found) -> Option<(Whose, u8)> {
        let ends = |word: &&Word| matches!(word, Word::Order(_));
        let words = &self.words[..usize::from(self.len)];
        let skipped: usize =
            words.split_inclusive(|word| ends(&word)).take(rule.into()).map(<[_]>::len).sum();
        let reads = words[skipped..].iter().take_while(|word| !ends(word)).filter_map(|word| match word {
            Word::Read(at) => self.reads.get(usize::from(*at)),
            _ => None,
        });
        let mut grounds = reads.filter_map(|read| Some((read.whose, read.hits(mine, peers).first()?)));
        grounds.next()
    }
}

/// Do these words make one condition?
const fn shape(condition: &[Term]) -> Result<(), BadRule> {
    let (mut depth, mut at) = (0, 0);
    while at < condition.len() {
        let (takes, gives) = match condition[at] {
            Term::Read(_) => (0, 1),
            Term::Not => (1, 1),
            Term::And | Term::Or | Term::Same => (2, 1),
        };
        if depth < takes {
            return Err(BadRule::Malformed);
        }
        depth = depth - takes + gives;
        if depth > DEEPEST {
            return Err(BadRule::Deep { most: DEEPEST });
        }
        at += 1;
    }
    if depth == 1 { Ok(()) } else { Err(BadRule::Malformed) }
}

/// Truth values, one bit each; below the last there is only falsehood.
#[derive(Clone, Copy, Default)]
struct Stack(u32);

impl Stack {
    fn push(&mut self, value: bool) {
        self.0 = (self.0 << 1) | u32::from(value);
    }

    fn pop(&mut self) -> bool {
        let top = self.0 & 1 == 1;
        self.0 >>= 1;
        top
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Term = Term::Read(Read::one(0, State::Down));
    const B: Term = Term::Read(Read::one(1, State::Down));
    const C: Term = Term::Read(Read::one(2, State::Down));

    fn found(down: &[u8]) -> Found {
        let mut found = Found::default();
        (0..8).for_each(|id| found.note(id, if down.contains(&id) { State::Down } else { State::Up }));
        found
    }

    fn holds(condition: &[Term], down: &[u8]) -> bool {
        let book = Book::EMPTY.with(condition, Order::Wait).expect("a condition");
        book.call(found(down), Found::UNKNOWN).is_some()
    }

    #[test]
    fn conditions_are_what_they_say() {
        for down in [&[][..], &[0], &[1], &[2], &[0, 1], &[0, 2], &[1, 2], &[0, 1, 2]] {
            let [a, b, c] = [0, 1, 2].map(|id| down.contains(&id));
            assert_eq!(holds(&[A, B, Term::And, C, Term::Or], down), (a && b) || c, "{down:?}");
            assert_eq!(holds(&[A, B, C, Term::Or, Term::And], down), a && (b || c), "{down:?}");
            assert_eq!(holds(&[A, Term::Not, B, Term::Same], down), a != b, "{down:?}");
        }
    }

    #[test]
    fn any_and_every_are_told_apart_and_of_none_neither_holds() {
        let read = |set, every| {
            Term::Read(Read { whose: Whose::Mine, set: Set(set), every, is: States::only(State::Down) })
        };
        assert!(holds(&[read(0b11, false)], &[1]) && !holds(&[read(0b11, true)], &[1]));
        assert!(holds(&[read(0b11, true)], &[0, 1, 2]));
        assert!(!holds(&[read(0, false)], &[0]) && !holds(&[read(0, true)], &[0]));
    }

    #[test]
    fn what_the_peer_has_is_unknown_while_it_is_silent() {
        let unknown = States::only(State::Unknown);
        let read = Read { whose: Whose::Peers, set: Set::of(0), every: false, is: unknown };
        let book = Book::EMPTY.with(&[Term::Read(read)], Order::Stop).expect("a condition");
        assert_eq!(book.call(found(&[]), Found::told(Set::EMPTY)), None);
        assert_eq!(book.call(found(&[]), Found::UNKNOWN), Some(Call { order: Order::Stop, rule: 0 }));
        assert!(book.awaited().is_empty());
    }

    #[test]
    fn the_greatest_order_is_called_for_by_the_first_rule_that_does() {
        let book = [(A, Order::Restart), (B, Order::Wait), (C, Order::Wait), (C, Order::StopStart)]
            .into_iter()
            .try_fold(Book::EMPTY, |book, (condition, order)| book.with(&[condition], order))
            .expect("four rules");
        let call = |down: &[u8]| book.call(found(down), Found::UNKNOWN);
        assert_eq!(call(&[0]), Some(Call { order: Order::Restart, rule: 0 }));
        assert_eq!(call(&[0, 1, 2]), Some(Call { order: Order::Wait, rule: 1 }));
        assert_eq!(call(&[0, 2]), Some(Call { order: Order::Wait, rule: 2 }));
        assert_eq!(book.ground(2, found(&[2]), Found::UNKNOWN), Some((Whose::Mine, 2)));
        assert_eq!((book.rules(), book.awaited()), (4, Set(0b110)));
    }

    #[test]
    fn a_comparison_that_is_made_again_takes_no_room_and_no_other_is_taken_for_it() {
        let book =
            (0..Book::MOST).try_fold(Book::EMPTY, |book, _| book.with(&[A, A, Term::And], Order::Stop));
        assert!(book.is_ok(), "more often than there is room for different ones");
        let mine = Read::one(0, State::Down);
        let others = [
            Read { whose: Whose::Peers, ..mine },
            Read { set: Set::of(1), ..mine },
            Read { set: Set(0b11), every: true, ..mine },
            Read { is: States::but(State::Down), ..mine },
        ];
        for other in others {
            let with = |book: Book, read| book.with(&[Term::Read(read)], Order::Stop).expect("a condition");
            let book = with(with(Book::EMPTY, mine), other);
            let apart = (0..3).any(|down| {
                let (mine, peers) = (found(&[down]), found(&[down + 1]));
                book.ground(0, mine, peers) != book.ground(1, mine, peers)
            });
            assert!(apart, "{other:?}");
        }
    }

    #[test]
    fn as_much_as_there_is_room_for_is_accepted() {
        let mut deepest = std::vec![A; DEEPEST];
        deepest.extend([Term::And; DEEPEST - 1]);
        let filled =
            (0..WORDS / (2 * DEEPEST)).try_fold(Book::EMPTY, |book, _| book.with(&deepest, Order::Stop));
        let more = filled.expect("to the last word").with(&[A], Order::Stop);
        assert_eq!(more, Err(BadRule::TooLong { most: WORDS }));
        let nearly =
            (1..WORDS / (2 * DEEPEST)).try_fold(Book::EMPTY, |book, _| book.with(&deepest, Order::Stop));
        deepest.push(Term::Not);
        let more = nearly.expect("there is room").with(&deepest, Order::Stop);
        assert_eq!(more, Err(BadRule::TooLong { most: WORDS }), "no room for its order");
        let each = |book: Book, id| book.with(&[Term::Read(Read::one(id, State::Down))], Order::Stop);
        assert!((0..READS as u8).try_fold(Book::EMPTY, each).is_ok(), "to the last comparison");
    }

    #[test]
    fn what_is_no_condition_or_too_much_is_refused() {
        let with = |condition: &[Term]| Book::EMPTY.with(condition, Order::Stop).err();
        assert_eq!(with(&[]), Some(BadRule::Malformed));
        assert_eq!(with(&[A, B]), Some(BadRule::Malformed));
        assert_eq!(with(&[A, Term::And]), Some(BadRule::Malformed));
        assert_eq!(with(&[A; 17]), Some(BadRule::Deep { most: 16 }));
        let fill = |terms: &[Term]| {
            let mut book = Book::EMPTY;
            loop {
                match book.with(terms, Order::Stop) {
                    Ok(more) => book = more,
                    Err(bad) => return bad,
                }
            }
        };
        assert_eq!(fill(&[A]), BadRule::TooManyRules { most: 32 });
        assert_eq!(fill(&[A, Term::Not, Term::Not, Term::Not]), BadRule::TooLong { most: 128 });
        let full = (0..32).try_fold(Book::EMPTY, |book, id| {
            let pair =
                [Term::Read(Read::one(id, State::Up)), Term::Read(Read::one(id, State::Down)), Term::Or];
            book.with(&pair, Order::Stop)
        });
        assert_eq!(full.err(), Some(BadRule::TooManyReads { most: 32 }));
    }
}
