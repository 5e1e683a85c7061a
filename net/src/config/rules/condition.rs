//! What a rule compares: resources found by their names, states, and how comparisons are joined.

use safetui_core::rule::{Read, Set, State, States, Term, Whose};

use super::{Check, Class, builtin::set};
use crate::config::{code, report::Report, spelling};

/// A condition whose names are resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Is(Read),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Same(Box<Self>, Box<Self>),
}

impl Condition {
    pub(super) fn not(self) -> Self {
        Self::Not(Box::new(self))
    }

    /// As the core reads it: operands first.
    pub(super) fn terms(&self) -> Vec<Term> {
        let mut terms = Vec::new();
        self.write(&mut terms);
        terms
    }

    fn write(&self, terms: &mut Vec<Term>) {
        let (one, other, sign) = match self {
            Self::Is(read) => return terms.push(Term::Read(*read)),
            Self::Not(of) => {
                of.write(terms);
                return terms.push(Term::Not);
            }
            Self::And(one, other) => (one, other, Term::And),
            Self::Or(one, other) => (one, other, Term::Or),
            Self::Same(one, other) => (one, other, Term::Same),
        };
        one.write(terms);
        other.write(terms);
        terms.push(sign);
    }
}

/// Some resources of one node, as a rule names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resources {
    pub(super) whose: Whose,
    set: Set,
    every: bool,
    /// One, by its name.
    single: bool,
}

impl Resources {
    /// Any of them, or every one, is in one of the states.
    pub(super) fn are(self, is: States) -> Condition {
        Condition::Is(Read { whose: self.whose, set: self.set, every: self.every, is })
    }

    /// Two that are in the same state, whichever; `None` if one of them is several.
    pub(super) fn equal(self, other: Self) -> Option<Condition> {
        if !(self.single && other.single) {
            return None;
        }
        let both = |state| {
            let are = |resource: Self| Box::new(resource.are(States::only(state)));
            Condition::And(are(self), are(other))
        };
        let states = State::ALL.into_iter().map(both);
        states.reduce(|one, next| Condition::Or(Box::new(one), Box::new(next)))
    }
}

/// Classes of SafeKit's resources that no rule here can read: the protocol itself decides by them.
const DECIDED_BY_THE_CORE: [&str; 10] = [
    "heartbeat",
    "rfs",
    "splitbrain",
    "proc",
    "usersetting",
    "state",
    "lbgroup",
    "heart",
    "heartbeatlocaladdr",
    "connections",
];

/// The resources of a module, by their names.
pub(super) struct Names<'a> {
    checks: &'a [Check],
}

impl<'a> Names<'a> {
    pub(super) const fn new(checks: &'a [Check]) -> Self {
        Self { checks }
    }

    /// Those that are about the running application.
    pub(super) fn roled(&self) -> Set {
        set(self.checks, Check::roled)
    }

    /// `[local.|remote.]class.id`, where the id may be `?` for any and `*` for every one.
    pub(super) fn resources(&self, report: &mut Report<'_>, at: usize, word: &str) -> Option<Resources> {
        let (whose, name) = match word.split_once('.') {
            Some(("local", name)) => (Whose::Mine, name),
            Some(("remote", name)) => (Whose::Peers, name),
            _ => (Whose::Mine, word),
        };
        let Some((class, id)) = name.split_once('.') else {
            let message = format!("\"{word}\" is neither a resource nor a state");
            let found = report.error(code::RULE, at, message);
            found.allowed("class.id, local.class.id, remote.class.id; init, up, down, unknown");
            found.help = spelling::suggestion(word, State::ALL.map(State::word));
            return None;
        };
        let class = class_named(report, at, class)?;
        let of_class = |check: &Check| check.class == class;
        let resources = |set, every, single| Some(Resources { whose, set, every, single });
        match id {
            "?" | "*" => {
                let all = set(self.checks, of_class);
                if all.is_empty() {
                    let message = format!("no <{}> is checked: {word} never holds", class.word());
                    report.warning(code::NO_EFFECT, at, message);
                }
                resources(all, id == "*", false)
            }
            _ if self.checks.iter().any(|check| of_class(check) && check.ident == id) => {
                resources(set(self.checks, |check| of_class(check) && check.ident == id), false, true)
            }
            _ => {
                self.unknown(report, at, class, id);
                None
            }
        }
    }

    fn unknown(&self, report: &mut Report<'_>, at: usize, class: Class, id: &str) {
        let known: Vec<&str> =
            self.checks.iter().filter(|check| check.class == class).map(|check| &*check.ident).collect();
        let message = format!("no <{}> in <check> has the ident \"{id}\"", class.word());
        let found = report.error(code::RULE, at, message);
        found.allowed(if known.is_empty() { "?, *".into() } else { format!("{}, ?, *", known.join(", ")) });
        found.help = spelling::suggestion(id, known);
    }
}

fn class_named(report: &mut Report<'_>, at: usize, word: &str) -> Option<Class> {
    if let Some(class) = Class::ALL.into_iter().find(|class| class.word() == word) {
        return Some(class);
    }
    if DECIDED_BY_THE_CORE.contains(&word) {
        let message = format!("rules cannot read resources of class \"{word}\"");
        report
            .error(code::UNSUPPORTED, at, message)
            .allowed(classes())
            .help("what SafeKit decides by them is decided by safetui itself, whatever the rules");
    } else {
        let message = format!("unknown class \"{word}\"");
        let found = report.error(code::RULE, at, message);
        found.allowed(classes());
        found.help = spelling::suggestion(word, Class::ALL.map(Class::word));
    }
    None
}

fn classes() -> String {
    Class::ALL.map(Class::word).join(", ")
}

/// The state of that name.
pub(super) fn state(word: &str) -> Option<State> {
    State::ALL.into_iter().find(|state| state.word() == word)
}

/// A heartbeat names what is down; the rest counts as up, and all is unknown while none is heard.
pub(super) fn comparable(report: &mut Report<'_>, at: usize, whose: Whose, state: State) -> bool {
    let told = whose == Whose::Mine || state != State::Init;
    if !told {
        let message = "the peer does not say which of its resources are init";
        report.error(code::UNSUPPORTED, at, message).allowed("up, down, unknown");
    }
    told
}
