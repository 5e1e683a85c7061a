//! SafeKit's own language of rules: `label: if (expression) then action();`

use safetui_core::rule::{Order, State, States};

use super::{
    Rule,
    condition::{Condition, Names, Resources, comparable, state},
    text::{Kind, Spelling, Token, Tokens},
};
use crate::config::{code, report::Report, spelling, xml::Cdata};

const SPELLING: Spelling = Spelling {
    signs: &["&&", "||", "==", "!=", "!", "(", ")", ":", ";", "="],
    comments: &[("/*", "*/")],
    quotes: false,
    in_word: "_.-*?",
};

/// Brackets and signs of negation within each other, and parts of one rule: what is more, the core would refuse,
/// and this machine's stack is not to be the judge.
const DEEPEST: usize = 32;
const MOST_PARTS: usize = 256;

pub(super) fn read(report: &mut Report<'_>, words: &Cdata, names: &Names<'_>) -> Vec<Rule> {
    let Some(tokens) = Tokens::cut(report, words, &SPELLING) else { return Vec::new() };
    let mut parser = Parser { report, names, tokens, depth: 0, parts: 0 };
    let mut rules = Vec::new();
    while !parser.tokens.at_end() {
        match parser.rule() {
            Some(rule) => rules.push(rule),
            None => parser.tokens.skip_past(";"),
        }
    }
    rules
}

struct Parser<'a, 'r> {
    report: &'a mut Report<'r>,
    names: &'a Names<'a>,
    tokens: Tokens,
    depth: usize,
    /// Of this rule so far.
    parts: usize,
}

/// A part of an expression, and where it begins.
struct Part {
    at: usize,
    is: Is,
}

enum Is {
    Condition(Condition),
    Resources(Resources),
    State(State),
}

impl Parser<'_, '_> {
    fn rule(&mut self) -> Option<Rule> {
        let Token { at, kind: Kind::Word(label) } = self.tokens.peek().clone() else {
            self.tokens.expected(self.report, "the name of a rule");
            return None;
        };
        self.tokens.take();
        (self.depth, self.parts) = (0, 0);
        self.tokens.demand(self.report, ":")?;
        self.demand_word("if")?;
        self.tokens.demand(self.report, "(")?;
        let part = self.either()?;
        let condition = self.condition(part)?;
        self.tokens.demand(self.report, ")")?;
        self.demand_word("then")?;
        let order = self.action()?;
        self.tokens.demand(self.report, ";")?;
        Some(Rule { label, at, condition, order })
    }

    fn demand_word(&mut self, word: &str) -> Option<()> {
        if self.tokens.word(word) {
            return Some(());
        }
        self.tokens.expected(self.report, &format!("\"{word}\""));
        None
    }

    fn action(&mut self) -> Option<Order> {
        let Token { at, kind: Kind::Word(word) } = self.tokens.take() else {
            let message = "expected an action after \"then\"";
            let at = self.tokens.peek().at;
            self.report.error(code::RULE, at, message).allowed(actions());
            return None;
        };
        if matches!(self.tokens.peek().kind, Kind::Sign("=")) {
            let message = format!("a rule cannot set {word}");
            self.report.error(code::UNSUPPORTED, at, message).allowed(actions());
            return None;
        }
        let order = order(self.report, at, &word)?;
        self.tokens.demand(self.report, "(")?;
        self.tokens.demand(self.report, ")")?;
        Some(order)
    }

    fn either(&mut self) -> Option<Part> {
        let mut one = self.both()?;
        while self.tokens.sign("||") {
            let other = self.both()?;
            one = self.join(one, other, Condition::Or)?;
        }
        Some(one)
    }

    fn both(&mut self) -> Option<Part> {
        let mut one = self.equal()?;
        while self.tokens.sign("&&") {
            let other = self.equal()?;
            one = self.join(one, other, Condition::And)?;
        }
        Some(one)
    }

    fn join(
        &mut self,
        one: Part,
        other: Part,
        joined: impl Fn(Box<Condition>, Box<Condition>) -> Condition,
    ) -> Option<Part> {
        let at = one.at;
        let (one, other) = (self.condition(one)?, self.condition(other)?);
        Some(Part { at, is: Is::Condition(joined(Box::new(one), Box::new(other))) })
    }

    fn equal(&mut self) -> Option<Part> {
        let mut one = self.single()?;
        loop {
            let equal = self.tokens.sign("==");
            if !equal && !self.tokens.sign("!=") {
                return Some(one);
            }
            let other = self.single()?;
            one = Part { at: one.at, is: Is::Condition(self.compare(one, other, equal)?) };
        }
    }

    fn compare(&mut self, one: Part, other: Part, equal: bool) -> Option<Condition> {
        let at = one.at;
        let unless = |condition: Condition| if equal { condition } else { condition.not() };
        match (one.is, other.is) {
            (Is::Resources(resources), Is::State(state)) | (Is::State(state), Is::Resources(resources)) => {
                let states = if equal { States::only(state) } else { States::but(state) };
                comparable(self.report, at, resources.whose, state).then(|| resources.are(states))
            }
            (Is::Resources(one), Is::Resources(two)) => {
                let same = one.equal(two);
                if same.is_none() {
                    let message = "several resources cannot be compared with each other";
                    self.report.error(code::RULE, at, message).help("name one on each side");
                }
                Some(unless(same?))
            }
            (Is::Condition(one), Is::Condition(two)) => {
                Some(unless(Condition::Same(Box::new(one), Box::new(two))))
            }
            _ => {
                let message = "the two sides cannot be compared";
                self.report.error(code::RULE, at, message).help("compare a resource with a state");
                None
            }
        }
    }

    fn single(&mut self) -> Option<Part> {
        self.depth += 1;
        self.parts += 1;
        let Token { at, kind } = self.tokens.peek().clone();
        let part = match kind {
            _ if self.depth > DEEPEST => {
                self.report.error(code::RULE, at, format!("nested more than {DEEPEST} deep"));
                None
            }
            _ if self.parts > MOST_PARTS => {
                self.report.error(code::RULE, at, format!("a rule of more than {MOST_PARTS} parts"));
                None
            }
            Kind::Sign("(") => {
                self.tokens.take();
                let inside = self.either()?;
                self.tokens.demand(self.report, ")").map(|()| inside)
            }
            Kind::Sign("!") => {
                self.tokens.take();
                let of = self.single()?;
                self.condition(of).map(|of| Part { at, is: Is::Condition(of.not()) })
            }
            Kind::Word(word) => {
                self.tokens.take();
                self.named(at, &word).map(|is| Part { at, is })
            }
            _ => {
                self.tokens.expected(self.report, "a resource, a state, \"!\" or \"(\"");
                None
            }
        };
        self.depth -= 1;
        part
    }

    fn named(&mut self, at: usize, word: &str) -> Option<Is> {
        if word == "cluster" && matches!(self.tokens.peek().kind, Kind::Sign("(")) {
            let message = "\"cluster()\" is not supported yet";
            self.report.error(code::UNSUPPORTED, at, message);
            return None;
        }
        match state(word) {
            Some(state) => Some(Is::State(state)),
            None => self.names.resources(self.report, at, word).map(Is::Resources),
        }
    }

    fn condition(&mut self, part: Part) -> Option<Condition> {
        if let Is::Condition(condition) = part.is {
            return Some(condition);
        }
        let message = "a resource or a state alone is no condition";
        let found = self.report.error(code::RULE, part.at, message);
        found.help("compare a resource with a state: tcp.web == down");
        None
    }
}

/// The order of that name.
pub(super) fn order(report: &mut Report<'_>, at: usize, word: &str) -> Option<Order> {
    let found = Order::ALL.into_iter().find(|order| order.word() == word);
    if found.is_none() {
        let problem = report.error(code::RULE, at, format!("unknown action \"{word}\""));
        problem.allowed(actions());
        problem.help = spelling::suggestion(word, Order::ALL.map(Order::word));
    }
    found
}

fn actions() -> String {
    Order::ALL.map(|order| format!("{}()", order.word())).join(", ")
}
